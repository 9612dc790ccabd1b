/** Finds the Python interpreter that runs the workers, or says what was looked at and how to mend it. */

import { lstatSync, realpathSync, statSync } from "node:fs";
import { type Candidate, type InterpreterSource, isExecutable, listCandidates } from "./candidates.ts";
import { readPythonEnvironment, workerEnvironment } from "./environment.ts";
import { type ProbeAnswer, type ProbePlace, type ProbeResult, probeInterpreter, type RequiredModule } from "./probe.ts";
import { oldestVersion, type Rejection, searchError } from "./rejection.ts";

/** What {@link findInterpreter} is told. */
export interface FindInterpreterOptions {
  /** A path (relative to `cwd`) or a name on PATH. Default: found, see {@link InterpreterFinder.find}. */
  interpreter?: string;
  /** Absolute path of the directory that the workers will run in. */
  cwd: string;
  /**
   * The environment that is searched and in which the interpreter is asked; a worker's own, so that its PYTHONPATH counts. Default: the
   * host's.
   */
  env?: NodeJS.ProcessEnv;
}

/** An interpreter that can run workers. */
export interface Interpreter {
  /** Absolute path to execute. */
  path: string;
  /** "3.11.7" */
  version: string;
  /** Why it was looked at. */
  source: InterpreterSource;
  /** Version of each module that a worker needs; "unknown" when it has no metadata. */
  modules: Readonly<Record<RequiredModule, string>>;
}

/** Searches, and remembers what the interpreters said. */
export interface InterpreterFinder {
  /**
   * The first of these that can run workers: `interpreter`, PYTHON_EXEC, `<cwd>/python/.venv`, `<cwd>/.venv`, VIRTUAL_ENV, the `python/.venv`
   * of this package. One that is named by the option or by PYTHON_EXEC is taken or refused, never replaced.
   *
   * A virtual environment's python is executed by its own path, although it is a link. A wrapper script is not executed: it would eat
   * the signals meant for the worker, so the interpreter that it leads to is taken instead.
   *
   * Rejects with a WorkerError: `python_missing`, `python_too_old` (before 3.11) or `python_package_missing`.
   */
  find(options: FindInterpreterOptions): Promise<Interpreter>;
}

/**
 * Creates a finder. It asks an interpreter once for each state of its file, `cwd` and PYTHONPATH; an answer that was not good enough is
 * forgotten, so that what was mended is seen.
 */
export function createInterpreterFinder(): InterpreterFinder {
  const probes = createProbeCache();
  return { find: (options) => search(options, probes) };
}

/** One search without a memory. Same rules and errors as {@link InterpreterFinder.find}. */
export function findInterpreter(options: FindInterpreterOptions): Promise<Interpreter> {
  return createInterpreterFinder().find(options);
}

async function search(options: FindInterpreterOptions, probes: ProbeCache): Promise<Interpreter> {
  const { interpreter, cwd } = options;
  const env = workerEnvironment({}, options.env);
  const rejections: Rejection[] = [];
  for (const candidate of listCandidates(interpreter, cwd, readPythonEnvironment(env))) {
    const found = await examine(candidate, { cwd, env }, probes);
    if (!("code" in found)) return found;
    rejections.push(found);
  }
  throw searchError(rejections, cwd);
}

async function examine(candidate: Candidate, place: ProbePlace, probes: ProbeCache): Promise<Interpreter | Rejection> {
  const missing = (reason: string): Rejection => ({ code: "python_missing", candidate, reason });
  if (candidate.path === undefined) return missing("there is no such program on PATH");
  if (!isExecutable(candidate.path)) return missing("there is no such executable file");

  let path = candidate.path;
  let result = await probes.ask(path, place);
  if ("answer" in result && isWrapper(path, result.answer)) {
    // What the wrapper set up (its environment) is gone when it is not run: ask again without it.
    path = result.answer.executable;
    result = await probes.ask(path, place);
  }
  if ("failure" in result) return missing(result.failure);

  const { version, inVirtualEnv, modules } = result.answer;
  const verdict = judge(result.answer);
  if (verdict === "good") {
    return {
      path,
      version: version.join("."),
      source: candidate.source,
      modules: modules as Interpreter["modules"],
    };
  }
  if (verdict === "old") return { code: "python_too_old", candidate, path, version: version.join(".") };
  return { code: "python_package_missing", candidate, path, inVirtualEnv, modules: verdict.lacks };
}

function judge({ version: [major, minor], modules }: ProbeAnswer): "good" | "old" | { lacks: string[] } {
  const [oldestMajor, oldestMinor] = oldestVersion;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) return "old";
  const lacks = Object.entries(modules).flatMap(([name, version]) => (version === undefined ? [name] : []));
  return lacks.length === 0 ? "good" : { lacks };
}

/** Whether running `path` ran another file in the end. A link, and a virtual environment's own python, are not wrappers. */
function isWrapper(path: string, answer: ProbeAnswer): answer is ProbeAnswer & { executable: string } {
  const { executable } = answer;
  if (executable === undefined || executable === path || !isExecutable(executable)) return false;
  return realpathSync(executable) !== realpathSync(path);
}

interface ProbeCache {
  /** Asks, or remembers. `path` must exist. */
  ask(path: string, place: ProbePlace): Promise<ProbeResult>;
}

function createProbeCache(): ProbeCache {
  const remembered = new Map<string, { stamp: string; result: Promise<ProbeResult> }>();
  return {
    async ask(path, { cwd, env }) {
      // Both: the link changes when an environment is made anew, its target when Python itself is replaced.
      const modifiedMs = [lstatSync(path).mtimeMs, statSync(path).mtimeMs];
      const stamp = JSON.stringify([modifiedMs, cwd, readPythonEnvironment(env).modulePath]);
      const known = remembered.get(path);
      if (known?.stamp === stamp) return known.result;
      const entry = { stamp, result: probeInterpreter(path, { cwd, env }) };
      remembered.set(path, entry);
      const result = await entry.result;
      const good = "answer" in result && judge(result.answer) === "good";
      if (!good && remembered.get(path) === entry) remembered.delete(path);
      return result;
    },
  };
}

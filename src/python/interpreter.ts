/** Finds the Python interpreter that runs the workers, or says what was looked at and how to mend it. */

import { lstatSync, statSync } from "node:fs";
import { type InterpreterSource, listCandidates } from "./candidates.ts";
import { readPythonEnvironment, workerEnvironment } from "./environment.ts";
import { type Ask, type Examined, examine } from "./examine.ts";
import { type DependencyModule, ownPackage } from "./needs.ts";
import { type ProbePlace, type ProbeResult, probeInterpreter } from "./probe.ts";
import { type Rejection, rejectionOf, searchError } from "./rejection.ts";
import { findPackageFault, isOld } from "./verdict.ts";

/** What {@link findInterpreter} is told. */
export interface FindInterpreterOptions {
  /** A path (relative to `cwd`) or a name on PATH. Default: found, see {@link InterpreterFinder.find}. */
  interpreter?: string;
  /** Absolute path of the directory that the workers will run in. */
  cwd: string;
  /**
   * The environment that is searched and in which the interpreter is asked; a worker's own, so that its PYTHONPATH counts. Default: what a
   * worker would get of the host's.
   */
  env?: NodeJS.ProcessEnv;
  /** How long one interpreter may take to answer. Milliseconds; default 30,000. */
  timeoutMs?: number;
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
  modules: Readonly<Record<typeof ownPackage.module | DependencyModule, string>>;
}

/** Searches, and remembers what the interpreters said. */
export interface InterpreterFinder {
  /**
   * The first of these that can run workers: `interpreter`, PYTHON_EXEC, `<cwd>/python/.venv`, `<cwd>/.venv`, VIRTUAL_ENV, CONDA_PREFIX, the
   * `python/.venv` of this package, `python3` and `python` on PATH. One that is named by the option or by PYTHON_EXEC is taken or refused, never
   * replaced.
   *
   * A virtual environment's python is executed by its own path, although it is a link. A wrapper script is not executed: it would eat
   * the signals meant for the worker, so the interpreter that it leads to is taken instead.
   *
   * Rejects with a WorkerError: `python_missing`, `python_too_old` (before 3.11), `python_package_missing` (ours or one that it needs is not
   * there, or another project's lies in its place) or `python_package_mismatch` (of another version). The message has the command that mends it.
   */
  find(options: FindInterpreterOptions): Promise<Interpreter>;
}

/**
 * Creates a finder. It asks an interpreter once for each state of its file, `cwd` and PYTHONPATH; an answer that was not good enough is
 * forgotten, so that what was mended is seen.
 */
export function createInterpreterFinder(): InterpreterFinder {
  const remembered: Remembered = new Map();
  return {
    find: (options) => search(options, (path, place) => askOnce(remembered, path, place, options.timeoutMs)),
  };
}

/** One search without a memory. Same rules and errors as {@link InterpreterFinder.find}. */
export function findInterpreter(options: FindInterpreterOptions): Promise<Interpreter> {
  return createInterpreterFinder().find(options);
}

/** What a search came to. */
export interface Survey {
  /** The one that is taken; undefined when there is none. */
  interpreter: Interpreter | undefined;
  /** Those that were looked at before it, and why each was not taken, in the order of the search. */
  rejections: readonly Rejection[];
}

/** One search without a memory that tells of a failure instead of rejecting. Same rules as {@link InterpreterFinder.find}. */
export function surveyInterpreters(options: FindInterpreterOptions): Promise<Survey> {
  return survey(options, (path, place) => probeInterpreter(path, place, options.timeoutMs));
}

async function search(options: FindInterpreterOptions, ask: Ask): Promise<Interpreter> {
  const { interpreter, rejections } = await survey(options, ask);
  if (interpreter !== undefined) return interpreter;
  throw searchError(rejections, options.cwd);
}

async function survey(options: FindInterpreterOptions, ask: Ask): Promise<Survey> {
  const { interpreter, cwd } = options;
  // A worker's environment has in it what its owner says on purpose: only the host's own is sifted.
  const env = options.env === undefined ? workerEnvironment() : definedOf(options.env);
  const rejections: Rejection[] = [];
  for (const candidate of listCandidates(interpreter, cwd, readPythonEnvironment(env))) {
    const examined = await examine(candidate, { cwd, env }, ask);
    const rejection = rejectionOf(examined);
    if (rejection !== undefined) rejections.push(rejection);
    else if ("answer" in examined) return { interpreter: describeInterpreter(examined), rejections };
  }
  return { interpreter: undefined, rejections };
}

function describeInterpreter({ candidate, path, answer }: Extract<Examined, { path: string }>): Interpreter {
  const modules = { [ownPackage.module]: answer.own?.version, ...answer.modules };
  return {
    path,
    version: answer.version.join("."),
    source: candidate.source,
    modules: modules as Interpreter["modules"],
  };
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(defined);
}

type Remembered = Map<string, { stamp: string; result: Promise<ProbeResult> }>;

/** Asks, or remembers. */
async function askOnce(
  remembered: Remembered,
  path: string,
  { cwd, env }: ProbePlace,
  timeoutMs: number | undefined,
): Promise<ProbeResult> {
  // Both: the link changes when an environment is made anew, its target when Python itself is replaced.
  const modifiedMs = [lstatSync(path).mtimeMs, statSync(path).mtimeMs];
  const stamp = JSON.stringify([modifiedMs, cwd, readPythonEnvironment(env).modulePath]);
  const known = remembered.get(path);
  if (known?.stamp === stamp) return known.result;
  const entry = { stamp, result: probeInterpreter(path, { cwd, env }, timeoutMs) };
  remembered.set(path, entry);
  const result = await entry.result;
  const isGood = "answer" in result && !isOld(result.answer.version) && findPackageFault(result.answer) === undefined;
  if (!isGood && remembered.get(path) === entry) remembered.delete(path);
  return result;
}

/** Makes a virtual environment in a directory, from a Python of this machine or with uv. */

import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { invalidArgument, WorkerError } from "../errors.ts";
import { findProgram, isExecutable } from "./candidates.ts";
import { readPythonEnvironment } from "./environment.ts";
import { type InstallerContext, runTold } from "./installer.ts";
import { oldestPython } from "./needs.ts";
import { describeSearch, isUsable, type PythonProbe, probePython, pythonNames } from "./system-python.ts";

/** What is to be made. */
export interface EnvironmentRequest {
  /** Absolute path. */
  readonly directory: string;
  /** The Python to make it from: a path or a name on PATH. Default: searched. */
  readonly python: string | undefined;
  /** Whether one that is there is made anew. One whose Python is gone is made anew in any case. */
  readonly clear: boolean;
}

/**
 * Makes the environment, unless a working one is there and is to stay.
 * @returns rejects with CallerError "invalid_argument" when the directory holds something else, WorkerError "python_missing" when there is
 * nothing to make it from or it cannot be made
 */
export async function makeEnvironment(request: EnvironmentRequest, context: InstallerContext): Promise<void> {
  const { directory, clear } = request;
  const contents = existsSync(directory) ? readdirSync(directory).filter((name) => !isOfSetup(name)) : [];
  if (contents.length > 0) {
    if (!contents.includes("pyvenv.cfg")) {
      const rule = "a virtual environment, or a directory that is empty or not there yet";
      throw invalidArgument("--venv", directory, rule);
    }
    const works = isExecutable(join(directory, "bin", "python"));
    if (works && !clear) return;
    if (!works) context.tell(`the Python of "${directory}" is gone: it is made anew`);
  }
  const { words, from } = await chooseMaker(request, context);
  for (const name of contents) rmSync(join(directory, name), { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const failure = await runTold(words, context);
  if (failure !== undefined) throw new WorkerError("python_missing", `"${directory}" could not be made: ${failure}`);
  context.tell(`made "${directory}" with ${from}`);
}

/** The interpreter behind one that lies in the directory, which may be emptied. */
function outside(python: string, directory: string): string {
  return python.startsWith(directory + sep) && existsSync(python) ? realpathSync(python) : python;
}

/** Files of the set-up itself: its lock and its stamp. */
function isOfSetup(name: string): boolean {
  return name.startsWith("synapse-setup.");
}

async function chooseMaker(
  { directory, python }: EnvironmentRequest,
  context: InstallerContext,
): Promise<{ words: string[]; from: string }> {
  const given = python?.includes("/") === true ? outside(resolve(context.cwd, python), directory) : python;
  const probes: PythonProbe[] = [];
  for (const name of given === undefined ? pythonNames : [given]) {
    const probe = await probePython(name, context.env);
    if (isUsable(probe)) {
      return { words: [probe.name, "-m", "venv", directory], from: `Python ${probe.version.join(".")}` };
    }
    probes.push(probe);
  }
  // uv makes one without the modules venv and ensurepip, and finds or fetches a Python where its own settings allow it.
  const uv = findProgram("uv", context.cwd, readPythonEnvironment(context.env).searchPath);
  if (uv === undefined) throw new WorkerError("python_missing", describeSearch(probes, "--python PATH"));
  const wanted = given ?? `>=${oldestPython.join(".")}`;
  return { words: [uv, "venv", "--allow-existing", "--python", wanted, directory], from: "uv" };
}

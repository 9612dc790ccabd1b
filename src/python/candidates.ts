/** Where an interpreter may be, in the order in which it is looked for. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { PythonEnvironment } from "./environment.ts";

/** The python/ folder of this package: the Python package synapse-otp. The same from src/ and from dist/. */
export const packagePythonDirectory = fileURLToPath(new URL("../../python", import.meta.url));

/** What made a candidate one. */
export type InterpreterSource = "option" | "PYTHON_EXEC" | "cwd/python/.venv" | "cwd/.venv" | "VIRTUAL_ENV" | "package";

/** A place to look at. */
export interface Candidate {
  source: InterpreterSource;
  /** Absolute path; undefined when a bare name is not on PATH. */
  path: string | undefined;
  /** How whoever named it wrote it. */
  given: string;
}

/**
 * The candidates, best first. Whoever names an interpreter, by the option or by PYTHON_EXEC, gets that one or an error: then there is one
 * candidate only.
 */
export function listCandidates(interpreter: string | undefined, cwd: string, env: PythonEnvironment): Candidate[] {
  const named = (source: InterpreterSource, given: string): Candidate[] => [
    { source, path: resolveNamed(given, cwd, env.searchPath), given },
  ];
  if (interpreter !== undefined) return named("option", interpreter);
  if (env.interpreter !== undefined) return named("PYTHON_EXEC", env.interpreter);

  const venv = (source: InterpreterSource, directory: string): Candidate => {
    const path = join(resolve(cwd, directory), "bin", "python");
    return { source, path, given: path };
  };
  const candidates = [
    venv("cwd/python/.venv", join("python", ".venv")),
    venv("cwd/.venv", ".venv"),
    ...(env.virtualEnv === undefined ? [] : [venv("VIRTUAL_ENV", env.virtualEnv)]),
    venv("package", join(packagePythonDirectory, ".venv")),
  ];
  // The same place may have two reasons to be looked at; the first one stands.
  return candidates.filter(({ path }, index) => candidates.findIndex((other) => other.path === path) === index);
}

/** Whether there is a file that may be executed. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // Missing or not allowed: not a candidate either way.
  }
}

/** A path is relative to `cwd`, a bare name is looked up on PATH. */
function resolveNamed(given: string, cwd: string, searchPath: string): string | undefined {
  if (isAbsolute(given)) return given;
  if (given.includes("/")) return resolve(cwd, given);
  return findProgram(given, cwd, searchPath);
}

/** The first executable file of this name in the directories of a PATH; relative directories start at `cwd`. */
export function findProgram(name: string, cwd: string, searchPath: string): string | undefined {
  for (const directory of searchPath.split(delimiter)) {
    const path = resolve(cwd, directory, name);
    if (isExecutable(path)) return path;
  }
  return undefined;
}

/** Where an interpreter may be, in the order in which it is looked for. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import type { PythonEnvironment } from "./environment.ts";
import { type PackageSearch, searchPackage } from "./package-folder.ts";

/** What made a candidate one. */
export type InterpreterSource = "option" | "PYTHON_EXEC" | "cwd/python/.venv" | "cwd/.venv" | "VIRTUAL_ENV" | "package";

/** A place to look at. */
export interface Candidate {
  source: InterpreterSource;
  /** Absolute path; undefined when a bare name is not on PATH, or when the package that has it was not found. */
  path: string | undefined;
  /** How whoever named it wrote it. */
  given: string;
  /** Why there is no path, where it is not that PATH lacks the name. */
  absent?: string;
}

/**
 * The candidates, best first. Whoever names an interpreter, by the option or by PYTHON_EXEC, gets that one or an error: then there is one
 * candidate only.
 * @param findPackage where the npm package lies
 */
export function listCandidates(
  interpreter: string | undefined,
  cwd: string,
  env: PythonEnvironment,
  findPackage: () => PackageSearch = searchPackage,
): Candidate[] {
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
    beside(findPackage()),
  ];
  // The same place may have two reasons to be looked at; the first one stands.
  return candidates.filter(({ path }, index) => candidates.findIndex((other) => other.path === path) === index);

  function beside(found: PackageSearch): Candidate {
    if ("root" in found) return venv("package", join(found.root, "python", ".venv"));
    return { source: "package", path: undefined, given: "python/.venv of synapse-otp", absent: found.absent };
  }
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

/** Where an interpreter may be, in the order in which it is looked for. */

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import type { PythonEnvironment } from "./environment.ts";
import { type PackageSearch, searchPackage } from "./package-folder.ts";

/** What made a candidate one. */
export type InterpreterSource =
  | "option"
  | "PYTHON_EXEC"
  | "cwd/python/.venv"
  | "cwd/.venv"
  | "VIRTUAL_ENV"
  | "CONDA_PREFIX"
  | "package"
  | "PATH";

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

  const environment = (source: InterpreterSource, directory: string): Candidate => {
    const path = join(resolve(cwd, directory), "bin", "python");
    return { source, path, given: path };
  };
  const candidates = [
    environment("cwd/python/.venv", join("python", ".venv")),
    environment("cwd/.venv", ".venv"),
    ...(env.virtualEnv === undefined ? [] : [environment("VIRTUAL_ENV", env.virtualEnv)]),
    ...(env.condaPrefix === undefined ? [] : [environment("CONDA_PREFIX", env.condaPrefix)]),
    beside(findPackage()),
    // A container image, or an environment that was put on PATH and not activated.
    ...["python3", "python"].flatMap((given): Candidate[] => {
      const path = findProgram(given, cwd, env.searchPath);
      return path === undefined ? [] : [{ source: "PATH", path, given }];
    }),
  ];
  // The same place may have two reasons to be looked at; the first one stands.
  return candidates.filter((one, index) => candidates.findIndex((other) => isSame(one, other)) === index);

  function beside(found: PackageSearch): Candidate {
    if ("root" in found) return environment("package", join(found.root, "python", ".venv"));
    return { source: "package", path: undefined, given: "python/.venv of synapse-otp", absent: found.absent };
  }
}

/** Whether two candidates are one program: `python` and `python3` of one folder are, a virtual environment's and the one behind it are not. */
function isSame(one: Candidate, other: Candidate): boolean {
  if (one.path === undefined || other.path === undefined) return one === other;
  if (one.path === other.path) return true;
  return dirname(one.path) === dirname(other.path) && realPath(one.path) === realPath(other.path);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // It is not there: it is no other one's.
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
  if (searchPath === "") return undefined;
  for (const directory of searchPath.split(delimiter)) {
    const path = resolve(cwd, directory, name);
    if (isExecutable(path)) return path;
  }
  return undefined;
}

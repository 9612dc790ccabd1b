/** Why a candidate was not taken, and the error that tells of all of them: what was looked at, and the command that mends it. */

import { join } from "node:path";
import { WorkerError } from "../errors.ts";
import { type Candidate, type InterpreterSource, packagePythonDirectory } from "./candidates.ts";

/** The oldest Python that the Python package synapse-otp runs on. */
export const oldestVersion = [3, 11] as const;

/** A candidate and why it was not taken; from top to bottom it came nearer to being usable. */
export type Rejection = { candidate: Candidate } & (
  | { code: "python_missing"; reason: string }
  | { code: "python_too_old"; path: string; version: string }
  | { code: "python_package_missing"; path: string; inVirtualEnv: boolean; modules: readonly string[] }
);

/**
 * The error for a search that ended with nothing: about the candidate that came nearest, with the others listed.
 * @param rejections at least one, in the order of the search
 */
export function searchError(rejections: readonly Rejection[], cwd: string): WorkerError {
  const nearest =
    rejections.find((rejection) => rejection.code === "python_package_missing") ??
    rejections.find((rejection) => rejection.code === "python_too_old");
  if (nearest === undefined) return missingError(rejections, cwd);
  const others = rejections.filter((rejection) => rejection !== nearest);
  const rest = others.length === 0 ? "" : `; also looked at: ${others.map(describe).join(", ")}`;
  return new WorkerError(nearest.code, `${describe(nearest)}; ${remedy(nearest, cwd)}${rest}`);
}

function missingError(rejections: readonly Rejection[], cwd: string): WorkerError {
  const named = rejections.find(({ candidate }) => isNamed(candidate.source));
  const what = named
    ? describe(named)
    : `no Python interpreter for the workers was found; looked at: ${rejections.map(describe).join(", ")}`;
  return new WorkerError("python_missing", `${what}; ${freshEnvironment("python3", cwd, named?.candidate.source)}`);
}

function describe(rejection: Rejection): string {
  const { source, given } = rejection.candidate;
  const path = "path" in rejection ? rejection.path : rejection.candidate.path;
  const origin = isNamed(source) ? ` (given by ${source === "option" ? "the option interpreter" : source})` : "";
  const where = path === undefined || path === given ? `"${given}"` : `"${given}" = "${path}"`;
  switch (rejection.code) {
    case "python_missing":
      return `${where}${origin} cannot be used: ${rejection.reason}`;
    case "python_too_old":
      return `${where}${origin} is Python ${rejection.version}, older than ${oldestVersion.join(".")}`;
    case "python_package_missing":
      return `${where}${origin} lacks the Python ${rejection.modules.length === 1 ? "module" : "modules"} ${rejection.modules.join(", ")}`;
  }
}

function remedy(rejection: Exclude<Rejection, { code: "python_missing" }>, cwd: string): string {
  const { source } = rejection.candidate;
  if (rejection.code === "python_too_old") return freshEnvironment("python3.12", cwd, source);
  if (!rejection.inVirtualEnv) return freshEnvironment(shellWord(rejection.path), cwd, source);
  return `run: ${shellWord(rejection.path)} -m pip install ${shellWord(packagePythonDirectory)}`;
}

/** The command that makes a virtual environment where the search finds it, or must be told of it. */
function freshEnvironment(python: string, cwd: string, source: InterpreterSource | undefined): string {
  const command = `run in "${cwd}": ${python} -m venv .venv && .venv/bin/pip install ${shellWord(packagePythonDirectory)}`;
  if (source === "PYTHON_EXEC")
    return `${command}; then unset PYTHON_EXEC or set it to "${join(cwd, ".venv/bin/python")}"`;
  if (source === "option")
    return `${command}; then leave the option out or set it to "${join(cwd, ".venv/bin/python")}"`;
  return command;
}

function isNamed(source: InterpreterSource): boolean {
  return source === "option" || source === "PYTHON_EXEC";
}

/** The text as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Why a candidate was not taken, and the error that tells of all of them: what was looked at, and the command that mends it. */

import { basename, dirname, join } from "node:path";
import { WorkerError } from "../errors.ts";
import type { Candidate, InterpreterSource } from "./candidates.ts";
import type { Examined } from "./examine.ts";
import { oldestPython } from "./needs.ts";
import type { ProbeAnswer } from "./probe.ts";
import { runSetup } from "./setup-command.ts";
import { findPackageFault, isOld, type PackageFault } from "./verdict.ts";

/** A candidate and why it was not taken; from top to bottom it came nearer to being usable. */
export type Rejection = { candidate: Candidate } & (
  | { code: "python_missing"; reason: string; broken: boolean; slow: boolean; remedy?: string }
  | { code: "python_too_old"; path: string; version: string }
  | { code: PackageFault["code"]; path: string; answer: ProbeAnswer; fault: PackageFault }
);

/** Why an examined candidate is not taken; undefined when it is. */
export function rejectionOf(examined: Examined): Rejection | undefined {
  const { candidate } = examined;
  if (!("answer" in examined)) {
    const { reason, broken, slow = false, remedy } = examined;
    return { code: "python_missing", candidate, reason, broken, slow, ...(remedy === undefined ? {} : { remedy }) };
  }
  const { path, answer } = examined;
  if (isOld(answer.version)) return { code: "python_too_old", candidate, path, version: answer.version.join(".") };
  const fault = findPackageFault(answer);
  return fault === undefined ? undefined : { code: fault.code, candidate, path, answer, fault };
}

/**
 * The rejection that came nearest; of equals the first. Undefined when no candidate is a Python at all, or only the machine's own: that one is not
 * what should have been set up, unless our package is there.
 */
export function nearestOf(
  rejections: readonly Rejection[],
): Exclude<Rejection, { code: "python_missing" }> | undefined {
  const first = <C extends Rejection["code"]>(code: C) =>
    rejections.find(
      (rejection): rejection is Extract<Rejection, { code: C }> => rejection.code === code && !isOfMachine(rejection),
    );
  return first("python_package_mismatch") ?? first("python_package_missing") ?? first("python_too_old");
}

/** Whether a candidate is the Python of the machine, which was looked at because it may have everything, and has nothing of ours. */
function isOfMachine(rejection: Rejection): boolean {
  const { source } = rejection.candidate;
  if (source !== "PATH" && source !== "CONDA_PREFIX") return false;
  return !("answer" in rejection) || (!rejection.answer.inVirtualEnv && rejection.answer.own === undefined);
}

/** A search that ended with nothing, in words. */
export interface SearchExplanation {
  code: Rejection["code"];
  /** The candidate that came nearest, or all of them, and what is wrong. */
  what: string;
  /** The command that mends it, and what else must change. */
  remedy: string;
}

/**
 * The error for a search that ended with nothing: about the candidate that came nearest, with the others listed.
 * @param rejections at least one, in the order of the search
 */
export function searchError(rejections: readonly Rejection[], cwd: string): WorkerError {
  const { code, what, remedy } = explainSearch(rejections, cwd);
  const nearest = nearestOf(rejections);
  const others = nearest === undefined ? [] : rejections.filter((rejection) => rejection !== nearest);
  const rest = others.length === 0 ? "" : `; also looked at: ${others.map(describeRejection).join(", ")}`;
  return new WorkerError(code, `${what}; ${remedy}${rest}`);
}

/** The same in parts. */
export function explainSearch(rejections: readonly Rejection[], cwd: string): SearchExplanation {
  const nearest = nearestOf(rejections);
  if (nearest === undefined) return explainMissing(rejections, cwd);
  return { code: nearest.code, what: describeRejection(nearest), remedy: remedy(nearest, cwd) };
}

/** For an interpreter that works and is slow: a network drive, a virus scanner. */
const patience =
  "if it is only slow, raise startTimeoutMs: the search waits as long as the agent that may take longest";

function explainMissing(rejections: readonly Rejection[], cwd: string): SearchExplanation {
  const code = "python_missing";
  const named = rejections.find(({ candidate }) => isNamed(candidate.source));
  if (named !== undefined) {
    const own = remedyOf(named) ?? ("slow" in named && named.slow ? patience : undefined);
    const remedy = own ?? ownEnvironment(["--venv", ".venv"], cwd, named);
    return { code, what: describeRejection(named), remedy };
  }
  const what = `no Python interpreter for the workers was found; looked at: ${rejections.map(describeRejection).join(", ")}`;
  const own = rejections.map(remedyOf).find((remedy) => remedy !== undefined);
  if (own !== undefined) return { code, what, remedy: own };
  if (rejections.some((rejection) => "slow" in rejection && rejection.slow)) {
    return { code, what, remedy: patience };
  }
  const isBroken = rejections.some(
    (rejection) => rejection.candidate.source === "cwd/.venv" && "broken" in rejection && rejection.broken,
  );
  const remedy = runSetup(isBroken ? ["--venv", ".venv", "--clear"] : [], cwd);
  // A bundle, as a rule: where it runs there may be no npm, and an interpreter that was made elsewhere.
  const isBundle = rejections.some(({ candidate }) => candidate.absent !== undefined);
  const orName = isBundle ? ", or name an interpreter that has synapse-otp by PYTHON_EXEC or python.interpreter" : "";
  return { code, what, remedy: remedy + orName };
}

/** The rejection in a few words: which interpreter, who named it, what is wrong with it. */
function describeRejection(rejection: Rejection): string {
  const { source, given } = rejection.candidate;
  const path = "path" in rejection ? rejection.path : rejection.candidate.path;
  const origin = isNamed(source) ? ` (given by ${source === "option" ? "the option interpreter" : source})` : "";
  const where = path === undefined || path === given ? `"${given}"` : `"${given}" = "${path}"`;
  switch (rejection.code) {
    case "python_missing":
      return `${where}${origin} cannot be used: ${rejection.reason}`;
    case "python_too_old":
      return `${where}${origin} is Python ${rejection.version}, older than ${oldestPython.join(".")}`;
    case "python_package_missing":
    case "python_package_mismatch":
      return `${where}${origin} ${rejection.fault.facts.join(", ")}`;
  }
}

function remedy(rejection: Exclude<Rejection, { code: "python_missing" }>, cwd: string): string {
  if (rejection.code === "python_too_old") return replacement(rejection, cwd);
  const { path, answer, fault } = rejection;
  const first = fault.inTheWay === undefined ? "" : `rename or remove "${moduleOf(fault.inTheWay)}", then `;
  if (!answer.inVirtualEnv) return first + ownEnvironment(["--venv", ".venv", "--python", path], cwd, rejection);
  const pip =
    answer.hasPip || fault.requirements.length === 0 ? "" : " (it has no pip: the set-up takes uv or ensurepip)";
  const args = rejection.candidate.source === "cwd/.venv" ? [] : ["--python", path];
  return first + runSetup(args, cwd) + pip;
}

/** For a Python that is too old: an environment of the project is made anew, beside any other a new one is made. */
function replacement(rejection: Rejection, cwd: string): string {
  switch (rejection.candidate.source) {
    case "cwd/python/.venv":
      return runSetup(["--venv", join("python", ".venv"), "--clear"], cwd);
    case "cwd/.venv":
      return runSetup(["--venv", ".venv", "--clear"], cwd);
    default:
      return ownEnvironment(["--venv", ".venv"], cwd, rejection);
  }
}

/** The command that makes a virtual environment where the search finds it, and what else must change so that the search goes there. */
function ownEnvironment(args: readonly string[], cwd: string, { candidate }: Rejection): string {
  const command = runSetup(args, cwd);
  const python = join(cwd, ".venv/bin/python");
  if (candidate.source === "PYTHON_EXEC") return `${command}; then unset PYTHON_EXEC or set it to "${python}"`;
  if (candidate.source === "option") return `${command}; then leave the option out or set it to "${python}"`;
  return command;
}

function remedyOf(rejection: Rejection): string | undefined {
  return "remedy" in rejection ? rejection.remedy : undefined;
}

function isNamed(source: InterpreterSource): boolean {
  return source === "option" || source === "PYTHON_EXEC";
}

/** The folder of a package, or the file of a plain module. */
function moduleOf(file: string): string {
  return basename(file) === "__init__.py" ? dirname(file) : file;
}

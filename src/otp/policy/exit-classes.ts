/** What an exit is called: the names that a policy by reason goes by. */

import { RunError, SynapseError } from "../../errors.ts";
import { type ExitReason, isA, isShutdown } from "../report/exit-reason.ts";
import type { ChildExit } from "./restart-policy.ts";

/** Causes of a cause that are looked at: a chain may be a circle. */
const maxCauses = 8;

/**
 * The names of an exit, the most telling first. Of a crash of an agent why it could not be loaded ("module_missing", …), what ended the worker ("hung",
 * "signaled", …) and "crash"; of an error its kind ("model_http", …), its code ("run_failed", …), its name ("TypeError", …) and "error", then those of
 * its cause; of a text the text; of `{ shutdown }` "shutdown". A start that failed and may succeed next time is called "failed_start" too.
 */
export function exitClasses({ reason, failedStarts = 0 }: Pick<ChildExit, "reason" | "failedStarts">): string[] {
  const names = classesOf(reason);
  if (failedStarts > 0) names.push("failed_start");
  return [...new Set(names)];
}

function classesOf(reason: ExitReason): string[] {
  if (typeof reason === "string") return [reason];
  if (isA(reason, Error)) return errorsIn(reason).flatMap(classesOfError);
  if (isShutdown(reason)) return ["shutdown"];
  if (typeof reason !== "object" || reason === null) return [];
  try {
    const { cause, loadFailure } = reason as { cause?: unknown; loadFailure?: { kind?: unknown } };
    return [loadFailure?.kind, cause, "crash"].filter((name) => typeof name === "string");
  } catch {
    return []; // A Proxy whose trap throws has no name.
  }
}

function classesOfError(error: Error): string[] {
  const names: unknown[] = isA(error, RunError) ? [error.kind] : [];
  if (isA(error, SynapseError)) names.push(error.code);
  return [...names, error.name, "error"].filter((name) => typeof name === "string");
}

/** The first error of a run in a reason: the reason itself, or what has caused it. */
export function runErrorIn(reason: ExitReason): RunError | undefined {
  return isA(reason, Error) ? errorsIn(reason).find((error) => isA(error, RunError)) : undefined;
}

function errorsIn(error: Error): Error[] {
  const errors = [error];
  while (errors.length < maxCauses) {
    const { cause } = errors.at(-1) as Error;
    if (!isA(cause, Error)) break;
    errors.push(cause);
  }
  return errors;
}

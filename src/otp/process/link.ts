/** Links: two processes that end together, unless one traps exits. */

import { ProcessError } from "../../errors.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import { currentProcess, self } from "./current.ts";
import type { Process } from "./process.ts";
import { ExitSignal } from "./runtime-message.ts";
import { describeTarget, resolveTarget, type Target } from "./target.ts";

/** Links two processes. At most one link per pair; to oneself it is nothing. */
export function linkProcesses(a: Process, b: Process): void {
  if (a === b) return;
  a.links ??= new Set();
  b.links ??= new Set();
  a.links.add(b);
  b.links.add(a);
}

/** Takes a link away, from either side. */
export function unlinkProcesses(a: Process, b: Process): void {
  a.links?.delete(b);
  b.links?.delete(a);
}

/**
 * Links the process that is running to another. A dead one answers EXIT "noproc" to a process that traps exits.
 * @throws ProcessError "noproc" for a dead or unknown one, when exits are not trapped
 */
export function link(target: Target): void {
  const owner = self();
  const other = resolveTarget(target, owner.runtime);
  if (!owner.alive) {
    throw new ProcessError("noproc", `${owner} has ended: it cannot link`, { reason: "noproc" });
  }
  if (other?.alive === true) {
    linkProcesses(owner, other);
  } else if (owner.trapExit) {
    owner.deliverSignal(new ExitSignal(other, "noproc"));
  } else {
    throw new ProcessError("noproc", `cannot link to ${describeTarget(target)}: it is not alive`, { reason: "noproc" });
  }
}

/** Takes the link to another process away. No EXIT comes from it any more. */
export function unlink(target: Target): void {
  const owner = self();
  const other = resolveTarget(target, owner.runtime);
  if (other !== undefined) unlinkProcesses(owner, other);
}

/** Whether EXIT signals to the process that is running become messages (`{ type: "EXIT", from, reason }`). Answers what it was. */
export function trapExit(enabled = true): boolean {
  const owner = self();
  const before = owner.trapExit;
  owner.trapExit = enabled;
  return before;
}

/**
 * Sends an exit signal. "kill" cannot be trapped and ends the target with "killed", without hooks; "normal" from another process does nothing
 * to one that does not trap exits. A dead target is fine.
 */
export function exit(target: Target, reason: ExitReason): void {
  const from = currentProcess();
  const process = resolveTarget(target);
  process?.runtime.signal(() => process.signal(from, reason, "exit"));
}

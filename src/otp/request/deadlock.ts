/** Processes that wait for each other: a circle of calls is told, by name. Source: the wait-for graph of the textbooks; OTP leaves it to timeouts. */

import type { OpenCall } from "../process/open-calls.ts";
import type { Process } from "../process/process.ts";
import type { PendingCall } from "./pending-call.ts";

/** How long a circle must stand before it is told, in milliseconds: a call may be under way that its process does not wait for. */
const standsMs = 500;
/** Calls that are looked at for one circle. */
const maxCalls = 10_000;

/** Calls whose circle is being watched, so that each is told once. */
const watched = new WeakSet<OpenCall>();

/**
 * Looks whether a call that has just begun closes a circle, and tells of one that still stands half a second later. It costs two comparisons
 * where nobody waits for the caller or the target waits for nobody.
 */
export function watchForDeadlock(closing: PendingCall): void {
  const { caller, target } = closing;
  if (caller?.openCalls === undefined || target.awaitedCalls === undefined) return;
  const circle = findCircle(closing, caller);
  if (circle === undefined || circle.some((call) => watched.has(call))) return;
  for (const call of circle) watched.add(call);
  const { runtime } = target;
  runtime.clock.setTimeout(() => {
    for (const call of circle) watched.delete(call);
    if (!circle.every(stands)) return;
    const names = circle.map(({ target: process }) => String(process));
    runtime.report({
      type: "deadlock",
      processes: names,
      calls: circle.map((call) => ({
        from: String(call.caller),
        to: String(call.target),
        message: call.message,
        timeoutMs: call.timeoutMs,
      })),
      because: [String(caller), ...names].join(" waits for "),
    });
  }, standsMs);
}

/** The calls from the caller of the closing one back to it, the closing one first. */
function findCircle(closing: PendingCall, sought: Process): PendingCall[] | undefined {
  const cameBy = new Map<Process, PendingCall>();
  const stack: Process[] = [closing.target];
  let left = maxCalls;
  for (let process = stack.pop(); process !== undefined; process = stack.pop()) {
    for (let call = process.awaitedCalls as PendingCall | undefined; call !== undefined; call = olderOf(call)) {
      left -= 1;
      if (left === 0) return undefined;
      const { target } = call;
      if (cameBy.has(target)) continue;
      cameBy.set(target, call);
      if (target === sought) return pathTo(sought, closing, cameBy);
      stack.push(target);
    }
  }
  return undefined;
}

function olderOf(call: PendingCall): PendingCall | undefined {
  return call.olderOfCaller as PendingCall | undefined;
}

function pathTo(sought: Process, closing: PendingCall, cameBy: Map<Process, PendingCall>): PendingCall[] {
  const path: PendingCall[] = [];
  for (let process = sought; process !== closing.target; ) {
    const call = cameBy.get(process);
    if (call?.caller === undefined) break;
    path.push(call);
    process = call.caller;
  }
  return [closing, ...path.reverse()];
}

/** Whether a call is still open and the code of who has asked waits. */
function stands({ isOpen, caller }: PendingCall): boolean {
  return isOpen && caller?.waitsForItself === true;
}

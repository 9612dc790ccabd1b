/** How a supervisor stops a child, and what becomes of it when the supervisor is killed. */

import { LocalProcess } from "../process/local-process.ts";
import type { BoxedReason, ExitReason } from "../report/exit-reason.ts";
import type { Clock } from "../scheduler/clock.ts";
import { type Child, type ChildHost, clearDelay } from "./child.ts";

/**
 * Stops a running child and settles with its reason when it is gone: `shutdown`, then the kill after `shutdownMs`.
 * An end that has already arrived is consumed instead; undefined: nothing ran. A resident child told to `halt` stays and waits for its restart.
 */
export function stopIncarnation(
  child: Child,
  clock: Clock,
  how: "stop" | "halt" = "stop",
): BoxedReason | undefined | Promise<BoxedReason> {
  clearDelay(child, clock);
  const { running } = child;
  const { shutdownMs } = child.spec;
  const pending = child.pendingExit;
  child.pendingExit = undefined;
  const waits = pending !== undefined || child.status === "restarting";
  if (running === undefined || (waits && (running.resident === undefined || how === "halt"))) {
    finish();
    return pending;
  }
  let ended: BoxedReason | undefined;
  let settle: ((reason: BoxedReason) => void) | undefined;
  let timer: unknown;
  child.onEnd = (reason) => {
    child.onEnd = undefined;
    if (timer !== undefined) clock.clearTimeout(timer);
    finish(reason);
    ended = { reason };
    settle?.(ended);
  };
  if (shutdownMs === "brutal_kill") running.kill();
  else if (how === "halt" && running.resident !== undefined) running.resident.halt("shutdown");
  else running.stop("shutdown");
  if (ended !== undefined) return ended;
  if (typeof shutdownMs === "number") timer = clock.setTimeout(() => running.kill(), shutdownMs);
  return new Promise((resolve) => {
    settle = resolve;
  });

  function finish(reason?: ExitReason): void {
    // A resident child that had to be killed is no longer there to be restarted: it is started anew.
    if (how === "stop" || running?.resident === undefined || reason === "killed") child.running = undefined;
    child.status = "stopped";
  }
}

/**
 * The supervisor has been killed: its child ends as through a link to it, and one that takes its time is killed after its `shutdownMs`. What is no
 * process of its own is killed at once.
 */
export function orphan(child: Child, host: ChildHost, reason: ExitReason): void {
  clearDelay(child, host.clock);
  const { running } = child;
  if (running === undefined) return;
  if (!(running.ref instanceof LocalProcess)) {
    running.kill();
    return;
  }
  const { ref } = running;
  const { shutdownMs } = child.spec;
  ref.signal(host.process, reason, "link");
  if (shutdownMs === "infinity" || !ref.alive) return;
  if (shutdownMs === "brutal_kill") {
    running.kill();
    return;
  }
  const timer = host.clock.setTimeout(() => running.kill(), shutdownMs);
  ref.addExitHook(() => host.clock.clearTimeout(timer));
}

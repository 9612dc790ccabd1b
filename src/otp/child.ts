/** One child of a supervisor: its specification, its running incarnation, and how it is started and stopped. Both kinds of child meet here. */

import type { AnyActorRef } from "xstate";
import type { ChildControl, ChildScope, LogicChildSpec, NormalChildSpec, RunningChild } from "./child-spec.ts";
import type { Clock } from "./clock.ts";
import { type ExitReason, exitReasonOf } from "./exit-reason.ts";
import { createChildActor, stopActor } from "./xstate-adapter.ts";

/**
 * - "stopped": kept, not running
 * - "starting": its start function is under way
 * - "running": it runs, or is resident and begins again by itself
 * - "restarting": it is to be started again, by a retry in the queue or after a delay
 */
export type ChildStatus = "stopped" | "starting" | "running" | "restarting";

/** The record a supervisor keeps of one child. */
export interface Child {
  readonly spec: NormalChildSpec;
  readonly path: string;
  status: ChildStatus;
  running: RunningChild | undefined;
  /** How often it has been started; resident children count their restarts too. */
  incarnation: number;
  restarts: number;
  /** Tells one incarnation from the next: an exit with another number is stale. */
  scopeId: number;
  /** An exit that has arrived and is not handled yet. */
  pendingExit: ExitReason | undefined;
  /** Set while somebody waits for this child's end: that end is not a crash. */
  onEnd: ((reason: ExitReason) => void) | undefined;
  /** A restart that waits for its delay. */
  timer: unknown;
}

/** What a supervisor lends to its children. */
export interface ChildHost {
  readonly actor: AnyActorRef;
  readonly path: string;
  readonly clock: Clock;
  readonly environment: unknown;
  readonly control: ChildControl;
  report(report: unknown): void;
}

/** A new record; nothing runs. */
export function createChild(spec: NormalChildSpec, host: ChildHost): Child {
  const path = `${host.path}/${spec.id}`;
  return {
    spec,
    path,
    status: "stopped",
    running: undefined,
    incarnation: 0,
    restarts: 0,
    scopeId: 0,
    pendingExit: undefined,
    onEnd: undefined,
    timer: undefined,
  };
}

let scopeIds = 0;

/**
 * Starts one incarnation. The child's status is "running" afterwards.
 * @throws whatever its start function throws; the child is "stopped" then
 */
export function startIncarnation(child: Child, host: ChildHost): void | Promise<void> {
  scopeIds += 1;
  const scopeId = scopeIds;
  child.scopeId = scopeId;
  child.pendingExit = undefined;
  child.status = "starting";
  child.incarnation += 1;
  const { spec } = child.spec;
  if ("logic" in spec) {
    try {
      settle(startLogic(child, spec, host));
    } catch (error) {
      fail(error);
    }
    return undefined;
  }
  const scope: ChildScope = {
    supervisor: host.actor,
    childId: spec.id,
    path: child.path,
    clock: host.clock,
    environment: host.environment,
    report: (report) => host.report(report),
    exited: (reason) => host.actor.send({ type: "child.exited", childId: spec.id, scopeId, reason }),
    startFailed: (reason) => host.actor.send({ type: "child.start_failed", childId: spec.id, scopeId, reason }),
    control: host.control,
  };
  let started: RunningChild | Promise<RunningChild>;
  try {
    started = spec.start(scope);
  } catch (error) {
    return fail(error);
  }
  if (started instanceof Promise) return started.then(settle, fail);
  settle(started);
  return undefined;

  function settle(running: RunningChild): void {
    child.running = running;
    child.status = "running";
  }

  function fail(error: unknown): never {
    child.status = "stopped";
    throw error;
  }
}

/** A plain XState child: it knows nothing of supervision, so its end is read from the events its actor sends to its parent. */
function startLogic(child: Child, spec: LogicChildSpec, host: ChildHost): RunningChild {
  const actor = createChildActor(spec.logic, host.actor, { id: spec.id, input: spec.input });
  const { scopeId } = child;
  const end = (reason: ExitReason) => {
    stopActor(actor);
    host.actor.send({ type: "child.exited", childId: spec.id, scopeId, reason });
  };
  const running: RunningChild = { ref: actor, actor, stop: end, kill: () => end("killed") };
  actor.start();
  const snapshot = actor.getSnapshot();
  if (snapshot.status === "error") throw exitReasonOf(snapshot.error);
  return running;
}

/** Whether the child's process runs now: a resident child that has told its end and waits does not. */
export function isActive(child: Child): boolean {
  return child.status === "running" && child.pendingExit === undefined;
}

/**
 * Stops a running child and settles with its reason when it is gone: `shutdown`, then the kill after `shutdownMs`.
 * An end that has already arrived is consumed instead. A resident child told to `halt` stays and waits for its restart.
 */
export function stopIncarnation(
  child: Child,
  clock: Clock,
  how: "stop" | "halt" = "stop",
): ExitReason | Promise<ExitReason> {
  clearDelay(child, clock);
  const { running } = child;
  const { shutdownMs } = child.spec;
  const pending = child.pendingExit;
  child.pendingExit = undefined;
  const waits = pending !== undefined || child.status === "restarting";
  if (running === undefined || (waits && (running.resident === undefined || how === "halt"))) {
    finish(how);
    return pending ?? "normal";
  }
  let ended: ExitReason | undefined;
  let settle: ((reason: ExitReason) => void) | undefined;
  let timer: unknown;
  child.onEnd = (reason) => {
    child.onEnd = undefined;
    if (timer !== undefined) clock.clearTimeout(timer);
    finish(how);
    ended = reason;
    settle?.(reason);
  };
  if (shutdownMs === "brutal_kill") running.kill();
  else if (how === "halt" && running.resident !== undefined) running.resident.halt("shutdown");
  else running.stop("shutdown");
  if (ended !== undefined) return ended;
  if (typeof shutdownMs === "number") timer = clock.setTimeout(() => running.kill(), shutdownMs);
  return new Promise((resolve) => {
    settle = resolve;
  });

  function finish(done: "stop" | "halt"): void {
    if (done === "stop" || running?.resident === undefined) child.running = undefined;
    child.status = "stopped";
  }
}

/** Drops a restart that waits for its delay. */
export function clearDelay(child: Child, clock: Clock): void {
  if (child.timer !== undefined) clock.clearTimeout(child.timer);
  child.timer = undefined;
}

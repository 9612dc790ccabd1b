/** One child of a supervisor: its specification, its running incarnation, and how it is started and stopped. All kinds of child meet here. */

import type { AnyActorRef } from "xstate";
import { ProcessError } from "../../errors.ts";
import { runAs } from "../process/current.ts";
import { LocalProcess } from "../process/local-process.ts";
import type { Process, Supervision } from "../process/process.ts";
import { hasProcess } from "../process/target.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { Clock } from "../scheduler/clock.ts";
import { startProcess } from "../start/start.ts";
import type { ChildControl, ChildScope, LogicChildSpec, NormalChildSpec, RunningChild } from "./child-spec.ts";

/**
 * - "stopped": kept, not running
 * - "starting": its start function is under way
 * - "running": it runs, or is resident and begins again by itself
 * - "restarting": it is to be started again, by a retry in the queue or after a delay
 */
export type ChildStatus = "stopped" | "starting" | "running" | "restarting";

/** The record a supervisor keeps of one child. */
export interface Child {
  spec: NormalChildSpec;
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
  /** The ref of the last incarnation that ran. */
  lastRef: unknown;
}

/** What a supervisor lends to its children. */
export interface ChildHost {
  readonly process: Process;
  readonly actor: AnyActorRef;
  readonly path: string;
  readonly clock: Clock;
  readonly environment: unknown;
  readonly control: ChildControl;
  /** Whether a temporary child's start can be forgotten once it runs: never with a policy of the user's, which may restart it. */
  readonly forgetsTemporary: boolean;
  report(report: unknown): void;
  /** Starts that are under way; each is given up by its call, when the supervisor is killed. */
  readonly pendingStarts: Set<() => void>;
  /** Kills the process with the supervisor while it begins, and lets the supervisor's actor outlive it. */
  began(process: Process): void;
  childExited(child: Child, scopeId: number, reason: ExitReason): void;
  childStartFailed(child: Child, scopeId: number, reason: ExitReason): void;
}

/** A new record; nothing runs. */
export function createChild(spec: NormalChildSpec, path: string): Child {
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
    lastRef: undefined,
  };
}

let scopeIds = 0;
/** Of no incarnation: exits told under it are nobody's. */
const noScope = 0;

/** What a start came to: a child whose start function chose not to start is kept, but does not run. */
export type Started = "running" | "ignored";

/**
 * Starts one incarnation.
 * @throws whatever its start throws; the child is "stopped" then
 */
export function startIncarnation(child: Child, host: ChildHost): Started | Promise<Started> {
  scopeIds += 1;
  const scopeId = scopeIds;
  child.scopeId = scopeId;
  child.pendingExit = undefined;
  child.status = "starting";
  child.incarnation += 1;
  let started: unknown;
  try {
    started = startBy(child, scopeId, host);
  } catch (error) {
    return startThrew(child, error);
  }
  if (!(started instanceof Promise)) return settleStart(child, scopeId, host, started);
  return awaitStart(started, child, scopeId, host);
}

/** Waits for a start, unless the supervisor is killed meanwhile: what starts after all is ended at once. */
function awaitStart(slow: Promise<unknown>, child: Child, scopeId: number, host: ChildHost): Promise<Started> {
  return new Promise((resolve, reject) => {
    let givenUp = false;
    // At once, not a microtask later: no kill may come between a start and its place in the tree.
    const conclude = (settle: () => Started): void => {
      if (givenUp) return;
      host.pendingStarts.delete(giveUp);
      try {
        resolve(settle());
      } catch (error) {
        reject(error);
      }
    };
    const giveUp = (): void => {
      const message = `child "${child.spec.id}" was killed while it started`;
      const error = new ProcessError("start_failed", message, { reason: "killed" });
      conclude(() => startThrew(child, error));
      givenUp = true;
    };
    host.pendingStarts.add(giveUp);
    slow.then(
      (result) => (givenUp ? endLate(result, child, host) : conclude(() => settleStart(child, scopeId, host, result))),
      (error: unknown) => conclude(() => startThrew(child, error)),
    );
  });
}

/** Ends what a start that was given up has started after all. */
function endLate(result: unknown, child: Child, host: ChildHost): void {
  if (result === undefined || result === null) return;
  try {
    runningChild(result, child, noScope, host).kill();
  } catch {
    // Junk: there is nothing to end.
  }
}

function startBy(child: Child, scopeId: number, host: ChildHost): unknown {
  const { spec } = child.spec;
  if (spec === undefined) throw new TypeError(`the start of temporary child "${child.spec.id}" is not kept`);
  if ("logic" in spec) return startLogic(child, spec, host);
  const scope: ChildScope = {
    supervisor: host.actor,
    process: host.process,
    childId: child.spec.id,
    path: child.path,
    clock: host.clock,
    environment: host.environment,
    began: (process) => host.began(process),
    report: (report) => host.report(report),
    exited: (reason) => host.childExited(child, scopeId, reason),
    startFailed: (reason) => host.childStartFailed(child, scopeId, reason),
    control: host.control,
  };
  // As OTP's start functions it runs in the supervisor's process: what it starts has the supervisor as its parent.
  return runAs(host.process, (given) => spec.start(given), scope);
}

/** XState logic becomes a process of its own, whose parent is the supervisor. */
function startLogic(child: Child, spec: LogicChildSpec, host: ChildHost): Process | Promise<Process> {
  const { input, name, mailbox, trapExit } = spec;
  return startProcess(spec.logic, {
    input,
    id: child.spec.id,
    under: host.actor,
    parent: host.process,
    pendingStarts: host.pendingStarts,
    ...(name === undefined ? {} : { name }),
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(trapExit === undefined ? {} : { trapExit }),
  });
}

function startThrew(child: Child, error: unknown): Started {
  child.running = undefined;
  child.status = "stopped";
  if (isIgnore(error)) return "ignored";
  throw error;
}

function isIgnore(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { code?: unknown }).code === "ignored";
}

function settleStart(child: Child, scopeId: number, host: ChildHost, result: unknown): Started {
  if (result === undefined || result === null) {
    child.running = undefined;
    child.status = "stopped";
    return "ignored";
  }
  try {
    child.running = runningChild(result, child, scopeId, host);
  } catch (error) {
    return startThrew(child, error);
  }
  child.lastRef = child.running.ref;
  child.status = "running";
  if (host.forgetsTemporary && child.spec.restart === "temporary") child.spec = { ...child.spec, spec: undefined };
  return "running";
}

/** Calls `then` when a dead process and what it leaves behind have ended. */
export function whenAlone({ behaviour }: Process, then: () => void): void {
  if (behaviour?.whenAlone === undefined) then();
  else behaviour.whenAlone(then);
}

/** What a start function may answer, as the supervisor sees it. */
function runningChild(result: unknown, child: Child, scopeId: number, host: ChildHost): RunningChild {
  const process = result instanceof LocalProcess ? result : hasProcess(result) ? result.process : undefined;
  if (process === undefined) {
    if (typeof (result as RunningChild).stop === "function") return result as RunningChild;
    throw new TypeError("a start function answers a ref, a running child, or undefined to be ignored");
  }
  const running = new ProcessChild(result, process, { child, scopeId, host });
  if (!process.alive) running.ended(process.exitReason ?? "noproc");
  else if (process.supervision === undefined) process.supervision = running;
  else process.addExitHook((reason) => running.ended(reason));
  return running;
}

/** A child that is a process: it is stopped and killed by exit signals. A class, because closures for every child would be most of its record. */
class ProcessChild implements RunningChild, Supervision {
  readonly ref: unknown;
  readonly #process: Process;
  readonly #child: Child;
  readonly #scopeId: number;
  readonly #host: ChildHost;

  constructor(ref: unknown, process: Process, of: { child: Child; scopeId: number; host: ChildHost }) {
    this.ref = ref;
    this.#process = process;
    this.#child = of.child;
    this.#scopeId = of.scopeId;
    this.#host = of.host;
  }

  ended(reason: ExitReason): void {
    // A supervisor that was killed leaves children that take their time: what follows of its end must not overlap with them.
    whenAlone(this.#process, () => this.#host.childExited(this.#child, this.#scopeId, reason));
  }

  get actor(): AnyActorRef {
    return this.#process.actor;
  }

  stop(reason: ExitReason): void {
    this.#process.runtime.signal(() => this.#process.signal(this.#host.process, reason, "exit"));
  }

  kill(): void {
    this.#process.runtime.signal(() => this.#process.signal(this.#host.process, "kill", "exit"));
  }
}

/** Whether the child's process runs now: a resident child that has told its end and waits does not. */
export function isActive(child: Child): boolean {
  if (child.status !== "running" || child.pendingExit !== undefined) return false;
  const ref = child.running?.ref;
  return ref instanceof LocalProcess ? ref.alive : !hasProcess(ref) || ref.process.alive;
}

/**
 * Stops a running child and settles with its reason when it is gone: `shutdown`, then the kill after `shutdownMs`.
 * An end that has already arrived is consumed instead; undefined: nothing ran. A resident child told to `halt` stays and waits for its restart.
 */
export function stopIncarnation(
  child: Child,
  clock: Clock,
  how: "stop" | "halt" = "stop",
): ExitReason | undefined | Promise<ExitReason> {
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
  let ended: ExitReason | undefined;
  let settle: ((reason: ExitReason) => void) | undefined;
  let timer: unknown;
  child.onEnd = (reason) => {
    child.onEnd = undefined;
    if (timer !== undefined) clock.clearTimeout(timer);
    finish(reason);
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

/** Drops a restart that waits for its delay. */
export function clearDelay(child: Child, clock: Clock): void {
  if (child.timer !== undefined) clock.clearTimeout(child.timer);
  child.timer = undefined;
}

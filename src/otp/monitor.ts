/** Monitors: one-way notice of a process's end. Each is independent; DOWN comes exactly once, unless the monitor is taken back first. */

import { currentProcess, self } from "./current.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { Process } from "./process.ts";
import { resolveTarget, type Target } from "./target.ts";

/** What a monitoring process receives, as an ordinary message. */
export interface DownMessage {
  readonly type: "DOWN";
  readonly monitor: Monitor;
  /** What was monitored: the ref, or the name if it was monitored by name. */
  readonly process: Target;
  /** "noproc" when it was dead or unknown already. */
  readonly reason: ExitReason;
}

/** A monitor, as `monitor` returns it. */
export class Monitor {
  readonly owner: Process;
  readonly object: Target;
  readonly #target: Process | undefined;
  #active = true;
  #fired = false;

  constructor(owner: Process, object: Target, target: Process | undefined) {
    this.owner = owner;
    this.object = object;
    this.#target = target;
  }

  /** The target has ended. */
  fire(reason: ExitReason): void {
    if (!this.#active) return;
    this.#active = false;
    this.#fired = true;
    if (!this.owner.alive) return;
    this.owner.deliver({ type: "DOWN", monitor: this, process: this.object, reason } satisfies DownMessage);
  }

  /** Answers whether DOWN will never come: false when it is in the queue (or was handled). */
  cancel(): boolean {
    this.#active = false;
    this.#target?.watchers?.delete(this);
    return !this.#fired;
  }
}

/**
 * Monitors a process for the one that is running. A dead or unknown target answers DOWN "noproc" at once; oneself never fires.
 * @throws CallerError "invalid_argument" outside any process
 */
export function monitor(target: Target): Monitor {
  const owner = self();
  const process = resolveTarget(target, owner.runtime);
  const made = new Monitor(owner, target, process);
  if (process === undefined || !process.alive) {
    made.fire("noproc");
  } else if (process !== owner) {
    process.watchers ??= new Set();
    process.watchers.add(made);
  }
  return made;
}

/**
 * Takes a monitor back. Of another process's monitor it does nothing.
 * @param options.flush also removes a DOWN that waits in the mailbox
 * @returns whether the DOWN will never come
 */
export function demonitor(made: Monitor, options: { flush?: boolean } = {}): boolean {
  if (made.owner !== currentProcess()) return false;
  const neverFired = made.cancel();
  if (!neverFired && options.flush === true) {
    return made.owner.removeMessage((message) => (message as DownMessage | undefined)?.monitor === made);
  }
  return neverFired;
}

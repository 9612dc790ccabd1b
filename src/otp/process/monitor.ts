/** Monitors: one-way notice of a process's end. Each is independent; DOWN comes exactly once, unless the monitor is taken back first. */

import { invalidArgument, ProcessError } from "../../errors.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import { isReservedType } from "../scheduler/xstate-adapter.ts";
import { Alias, type AliasMode } from "./alias.ts";
import { checkObject } from "./argument.ts";
import { currentProcess, self } from "./current.ts";
import type { Held, Process } from "./process.ts";
import { DownSignal, RuntimeMessage } from "./runtime-message.ts";
import { resolveTarget, type Target } from "./target.ts";

/** What a monitoring process receives, as an ordinary message; with a tag of its own, `DownMessage<"gone">`. */
export interface DownMessage<Tag extends string = "DOWN"> {
  /** "DOWN", or the monitor's own tag. */
  readonly type: Tag;
  readonly monitor: Monitor;
  /** What was monitored: the ref, or the name if it was monitored by name. */
  readonly process: Target | undefined;
  /** "noproc" when it was dead or unknown already. */
  readonly reason: ExitReason;
}

/** Options of a monitor. */
export interface MonitorOptions {
  /** The `type` of its message instead of "DOWN"; not one that begins with "xstate.". */
  readonly tag?: string;
  /** Also makes an alias of the monitoring process, `monitor.alias`, that closes as said. Default: none. */
  readonly alias?: Exclude<AliasMode, "reply">;
}

/** A monitor, as `monitor` returns it. */
export class Monitor implements Held {
  readonly owner: Process;
  readonly object: Target | undefined;
  /** The monitoring process's address for replies, when it was asked for. */
  readonly alias: Alias | undefined;
  readonly #target: Process | undefined;
  readonly #tag: string | undefined;
  #active = true;
  #fired = false;

  constructor(owner: Process, object: Target | undefined, target: Process | undefined, options: MonitorOptions = {}) {
    this.owner = owner;
    this.object = object;
    this.#target = target;
    this.#tag = options.tag;
    this.alias = options.alias && new Alias(owner, options.alias, () => this.cancel());
  }

  /** Begins to watch; of a dead or unknown target DOWN comes at once. Oneself never fires. */
  begin(): this {
    const { owner } = this;
    const target = this.#target;
    if (target === undefined || !target.alive) {
      this.fire("noproc");
    } else if (target !== owner) {
      target.watchers ??= new Set();
      target.watchers.add(this);
      owner.held ??= new Set();
      owner.held.add(this);
    }
    return this;
  }

  /** The target has ended. */
  fire(reason: ExitReason): void {
    if (!this.#active) return;
    this.#active = false;
    this.#fired = true;
    this.owner.held?.delete(this);
    if (this.alias?.mode !== "explicit") this.alias?.close();
    this.owner.deliverSignal(new DownSignal(this.#tag ?? "DOWN", this, this.object, reason));
  }

  /** Answers whether DOWN will never come: false when it is in the queue (or was handled). */
  cancel(): boolean {
    this.release();
    this.owner.held?.delete(this);
    if (this.alias?.mode !== "explicit") this.alias?.close();
    return !this.#fired;
  }

  /** The monitoring process has ended. */
  release(): void {
    this.#active = false;
    this.#target?.watchers?.delete(this);
  }

  toJSON(): string {
    return `monitor of ${String(this.object)}`;
  }
}

/**
 * Monitors a process for the one that is running. A dead or unknown target answers DOWN "noproc" at once; oneself never fires.
 * @throws CallerError "invalid_argument" outside any process, and for options that are none; ProcessError "noproc" when the one that is running has ended
 */
export function monitor(target: Target | undefined, options: MonitorOptions = {}): Monitor {
  const owner = self();
  checkObject("options", options);
  const { tag, alias } = options;
  if (tag !== undefined && (typeof tag !== "string" || tag === "" || isReservedType(tag))) {
    throw invalidArgument(
      "options.tag",
      tag,
      'a non-empty string that does not begin with "xstate.": those are XState\'s own',
    );
  }
  if (alias !== undefined && !["explicit", "demonitor", "reply_demonitor"].includes(alias)) {
    throw invalidArgument("options.alias", alias, '"explicit", "demonitor" or "reply_demonitor"');
  }
  if (!owner.alive) throw new ProcessError("noproc", `${owner} has ended: it cannot monitor`, { reason: "noproc" });
  return new Monitor(owner, target, resolveTarget(target, owner.runtime), options).begin();
}

/**
 * Takes a monitor back. Of another process's monitor it does nothing.
 * @param options.flush also removes a DOWN that waits in the mailbox
 * @returns whether the DOWN will never come
 * @throws CallerError "invalid_argument" for what is no monitor
 */
export function demonitor(made: Monitor, options: { flush?: boolean } = {}): boolean {
  if (!(made instanceof Monitor)) throw invalidArgument("monitor", made, "what `monitor` has answered");
  checkObject("options", options);
  if (made.owner !== currentProcess()) return false;
  const neverFired = made.cancel();
  if (!neverFired && options.flush === true) {
    return made.owner.removeMessage(
      (message) => RuntimeMessage.is(message) && message instanceof DownSignal && message.monitor === made,
    );
  }
  return neverFired;
}

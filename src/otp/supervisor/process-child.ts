/** A child that is a process, as its supervisor holds it. */

import type { AnyActorRef } from "xstate";
import type { Process, Supervision } from "../process/process.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { Child, ChildHost } from "./child.ts";
import type { RunningChild } from "./running-child.ts";

/** Calls `then` when a dead process and what it leaves behind have ended. */
export function whenAlone({ behaviour }: Process, then: () => void): void {
  if (behaviour?.whenAlone === undefined) then();
  else behaviour.whenAlone(then);
}

/** A child that is a process: it is stopped and killed by exit signals. A class, because closures for every child would be most of its record. */
export class ProcessChild implements RunningChild, Supervision {
  readonly ref: unknown;
  readonly #process: Process;
  readonly #child: Child;
  readonly #scopeId: number;
  readonly #host: ChildHost;

  constructor(ref: unknown, process: Process, child: Child, scopeId: number, host: ChildHost) {
    this.ref = ref;
    this.#process = process;
    this.#child = child;
    this.#scopeId = scopeId;
    this.#host = host;
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

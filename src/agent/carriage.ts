/** A run in the hands of one worker: from the call that carries it until nothing of it works in Python any more. */

import type { Clock } from "../otp/scheduler/clock.ts";
import { type AgentClient, ConnectionLostError } from "../rpc/agent-client.ts";
import type { Usage } from "../usage.ts";

/** How far a run in a worker has come. */
export interface RunProgress {
  readonly runId: string;
  /** Since a worker took it, in milliseconds. */
  readonly forMs: number;
  /** Since anything of it was heard: its beginning, or the last event that was read of its stream; in milliseconds. */
  readonly quietMs: number;
  /** Whether its caller waits for it. */
  readonly awaited: boolean;
}

/** What a worker says at the end of a call. */
export interface CallEnd {
  /** Something of the run works still. */
  readonly unfinished?: boolean;
  readonly usage?: Usage | undefined;
}

/** Who is told what becomes of it. */
export interface CarriageOwner {
  /** Nothing of the run works any more: its place is free. Called once, unless the worker was lost first. */
  carriageEnded(): void;
  /** The worker cannot be reached; its exit ends the run. */
  connectionLost(): void;
}

/**
 * The carriage of one run. A caller who leaves is answered at once, but Python may go on: a tool in a thread cannot be stopped. The place of
 * the run is taken until the worker says that it has ended.
 */
export class Carriage {
  readonly #client: AgentClient;
  readonly #run: { readonly id: string; readonly attempt: number };
  readonly #owner: CarriageOwner;
  readonly #clock: Clock;
  readonly #beganAtMs: number;
  #heardAtMs: number;
  readonly #controller = new AbortController();
  #usage: Usage | undefined;
  #state: "called" | "awaited" | "over" = "called";

  constructor(client: AgentClient, run: { id: string; attempt: number }, owner: CarriageOwner, clock: Clock) {
    this.#client = client;
    this.#run = run;
    this.#owner = owner;
    this.#clock = clock;
    this.#beganAtMs = clock.monotonicMs();
    this.#heardAtMs = this.#beganAtMs;
  }

  /** Ends the call. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How long it works, and how long it is quiet, in milliseconds. */
  get times(): { forMs: number; quietMs: number } {
    const nowMs = this.#clock.monotonicMs();
    return { forMs: Math.round(nowMs - this.#beganAtMs), quietMs: Math.round(nowMs - this.#heardAtMs) };
  }

  /** Something of the run was heard. */
  hear(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  /** Whether nothing of the run is left in the worker. */
  get over(): boolean {
    return this.#state === "over";
  }

  /** Cancels the run; its end is awaited. */
  callOff(): void {
    if (this.#state !== "called") return;
    this.#controller.abort();
    this.#awaitEnd();
  }

  /** What the run has used, as the worker has said; undefined: it has not. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** The call was answered. */
  answered({ unfinished, usage }: CallEnd): void {
    this.#usage ??= usage;
    if (this.#state !== "called") return;
    if (unfinished === true) this.#awaitEnd();
    else this.#end();
  }

  /** The worker is gone, and with it the run. */
  lost(): void {
    this.#state = "over";
  }

  #awaitEnd(): void {
    this.#state = "awaited";
    this.#client.awaitEnd(this.#run.id, this.#run.attempt).then(
      () => this.#end(),
      (error: unknown) => {
        if (error instanceof ConnectionLostError) this.#owner.connectionLost();
        else this.#end();
      },
    );
  }

  #end(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#owner.carriageEnded();
  }
}

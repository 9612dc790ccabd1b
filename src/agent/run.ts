/** One run of an agent: it belongs to the agent, waits in its mailbox, and is carried by one worker at a time. */

import { randomUUID } from "node:crypto";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { RunError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { type AgentClient, ConnectionLostError } from "../rpc/agent-client.ts";
import type { RunRequestSpec } from "../rpc/run-types.ts";
import { type RunOptions, requestOf } from "./run-options.ts";
import { type RunResult, resultOf } from "./run-result.ts";

/** A run as the agent sees it, whatever it answers with. */
export interface PendingRun {
  readonly id: string;
  /** The caller's signal and the deadline count from here, until the run ends. */
  wait(): void;
  /** A worker takes the run. */
  begin(client: AgentClient, incarnation: number): void;
  /** Takes the run back from a worker that is gone, if nothing of it has been sent to it. Answers whether it did: then it may begin again. */
  recall(): boolean;
  /** Ends the run with an error; a run that has ended stays as it ended. */
  fail(error: Error): void;
}

/** The agent as its runs see it. */
export interface RunOwner {
  readonly agentId: string;
  readonly clock: Clock;
  readonly schema: StandardSchemaV1 | undefined;
  /** The run has ended, wherever it was. Called once. */
  runEnded(run: PendingRun): void;
  /** The worker finishes its runs and refused this one unbegun: it waits again, at the front. */
  runRefused(run: PendingRun): void;
  /** The worker's connection is gone; the agent ends the runs of that worker as soon as it knows why. */
  connectionLost(incarnation: number): void;
}

/** What unary and streaming runs share: waiting, cancelling, the deadline, and the one end. */
export abstract class Run<Output> implements PendingRun {
  readonly id: string = randomUUID();
  readonly result: Promise<RunResult<Output>>;
  protected readonly owner: RunOwner;
  protected readonly request: RunRequestSpec;
  readonly #options: RunOptions;
  readonly #deadlineMs: number | undefined;
  readonly #resolve: (result: RunResult<Output>) => void;
  readonly #reject: (error: Error) => void;
  #timer: unknown;
  #onAbort: (() => void) | undefined;
  #ended = false;
  #released = false;
  #incarnation = 0;

  constructor(owner: RunOwner, prompt: string, options: RunOptions) {
    this.owner = owner;
    this.#options = options;
    this.request = requestOf(owner.agentId, this.id, prompt, options);
    const { promise, resolve, reject } = Promise.withResolvers<RunResult<Output>>();
    this.result = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    if (options.timeoutMs !== undefined) {
      this.#deadlineMs = owner.clock.now() + options.timeoutMs;
      this.request.deadlineUnixMs = this.#deadlineMs;
    }
  }

  get ended(): boolean {
    return this.#ended;
  }

  protected get incarnation(): number {
    return this.#incarnation;
  }

  wait(): void {
    const { signal } = this.#options;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.fail(this.#cancelled(signal.reason));
        return;
      }
      this.#onAbort = () => this.fail(this.#cancelled(signal.reason));
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (this.#deadlineMs !== undefined) {
      const leftMs = Math.max(0, this.#deadlineMs - this.owner.clock.now());
      this.#timer = this.owner.clock.setTimeout(() => {
        const { timeoutMs } = this.#options;
        const what = this.#incarnation === 0 ? "was still waiting for a worker after" : "did not end within";
        const message = `run of agent "${this.owner.agentId}" ${what} ${timeoutMs} ms`;
        this.fail(new RunError("deadline_exceeded", message, { ...this.#facts(), kind: "deadline" }));
      }, leftMs);
    }
  }

  begin(client: AgentClient, incarnation: number): void {
    this.#incarnation = incarnation;
    this.request.incarnation = incarnation;
    const { signal } = this.#options;
    const timeoutMs =
      this.#deadlineMs === undefined ? undefined : Math.max(1, this.#deadlineMs - this.owner.clock.now());
    this.call(client, {
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  fail(error: Error): void {
    if (!this.#end()) return;
    this.#reject(error);
    this.failed(error);
  }

  recall(): boolean {
    if (this.#ended || !this.drop()) return false;
    this.#incarnation = 0;
    return true;
  }

  /** Lets go of a call of which nothing has been sent yet. Answers whether there was one. */
  protected abstract drop(): boolean;

  /** Makes the call. */
  protected abstract call(client: AgentClient, options: { signal?: AbortSignal; timeoutMs?: number }): void;

  /** Called once when the run ended with an error. */
  protected abstract failed(error: Error): void;

  /** The worker answered. */
  protected async succeed(wire: Parameters<typeof resultOf>[0]): Promise<RunResult<Output> | undefined> {
    // The worker has done its part: the check of the output holds no place.
    this.#release();
    try {
      const { agentId, schema } = this.owner;
      const about = { agentId, attempts: this.request.attempt, incarnation: this.#incarnation, schema };
      const checked = resultOf<Output>(wire, about);
      const result = checked instanceof Promise ? await checked : checked;
      if (!this.#end()) return undefined;
      this.#resolve(result);
      return result;
    } catch (error) {
      this.fail(error as Error);
      return undefined;
    }
  }

  /** The call rejected: the agent's answer ends the run; a lost connection leaves that to the worker's exit. */
  protected callFailed(error: unknown): void {
    if (error instanceof ConnectionLostError) {
      const incarnation = this.#incarnation;
      if (error.neverBegan && !this.#ended) {
        this.#incarnation = 0;
        this.owner.runRefused(this);
      }
      this.owner.connectionLost(incarnation);
    } else if (error instanceof RunError && error.kind === "draining" && !this.#ended) {
      this.#incarnation = 0;
      this.owner.runRefused(this);
    } else {
      this.fail(error as Error);
    }
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#stopWaiting();
    this.#release();
    return true;
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.owner.runEnded(this);
  }

  #stopWaiting(): void {
    if (this.#timer !== undefined) this.owner.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#onAbort !== undefined) this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#onAbort = undefined;
  }

  #cancelled(reason: unknown): RunError {
    const message = `run of agent "${this.owner.agentId}" was cancelled by its caller`;
    return new RunError("run_cancelled", message, { ...this.#facts(), kind: "cancelled", cause: reason });
  }

  #facts(): { agentId: string; runId: string } {
    return { agentId: this.owner.agentId, runId: this.id };
  }
}

/** A run that answers once. */
export class UnaryRun<Output> extends Run<Output> {
  protected override call(client: AgentClient, options: { signal?: AbortSignal; timeoutMs?: number }): void {
    client.run(this.request, options).then(
      (wire) => void this.succeed(wire),
      (error: unknown) => this.callFailed(error),
    );
  }

  protected override drop(): boolean {
    return false; // What is on its way may have begun; what never left is refused by the connection itself.
  }

  protected override failed(): void {
    // The rejected result is all a unary caller sees.
  }
}

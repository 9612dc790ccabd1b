/** A run whose events are read as they happen. */

import { CallerError, invalidArgument, RunError, type RunErrorFacts, type SynapseError } from "../errors.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { WireRunEvent } from "../rpc/run-event.ts";
import type { Usage } from "../usage.ts";
import type { Carriage } from "./carriage.ts";
import type { RunOwner } from "./pending-run.ts";
import { Run } from "./run.ts";
import type { InnerRunOptions, Prompt } from "./run-options.ts";
import { isPaused, type RunEvent, type RunResult } from "./run-result.ts";
import { partialsOf, textOf } from "./select-events.ts";
import { type SendOptions, Steering } from "./steering.ts";

/**
 * The events of one run, to be read once. Reading drives the run: a reader that pauses slows the worker down. Without a reader, asking for
 * `result` reads to the end and keeps the events. Leaving a loop early cancels the run.
 */
export interface RunStream<Output = unknown, Result = RunResult<Output>> extends AsyncIterable<RunEvent<Output>> {
  readonly runId: string;
  /** The text alone, as it comes. Throws the error of a run that fails. */
  text(): AsyncIterable<string>;
  /** Snapshots of structured output, each replacing the one before. Throws the error of a run that fails. */
  partial(): AsyncIterable<unknown>;
  /** The finished run. Rejects with the error of the terminal event. */
  readonly result: Promise<Result>;
  /**
   * Tells the model something while the run runs. Settles when the run has taken it, which is after it has begun; rejects with CallerError "not_found" when it
   * has ended first.
   */
  send(content: Prompt, options?: SendOptions): Promise<void>;
  /**
   * Ends the run; the stream ends with "cancelled".
   * @throws CallerError "invalid_argument" for a reason that is no text
   */
  cancel(reason?: string): void;
}

/** Where the events of one attempt come from. */
interface Source {
  readonly client: AgentClient;
  readonly events: AsyncGenerator<WireRunEvent, void, undefined>;
  readonly carriage: Carriage;
}

/** A streaming run: the caller's {@link RunStream} is its handle. */
export class StreamRun<Output> extends Run<Output> {
  readonly #events: RunEvent<Output>[] = [];
  readonly #steering = new Steering({ agentId: this.owner.agentId, runId: this.id });
  /** Whether somebody reads, or has asked for the result: before that, the run is sent nowhere and takes no place. */
  #wanted = false;
  #source: Source | undefined;
  #sourceBusy = false;
  /** Resolved when there is something to read. */
  #waiter: PromiseWithResolvers<void> | undefined;
  #lastSeq = 0;
  #lastStep = 0;
  /** Whether the beginning of an attempt has been told, and whether anything else has. */
  #begun = false;
  #told = false;
  #terminal = false;
  #hasReader = false;
  #draining = false;

  constructor(owner: RunOwner, prompt: Prompt, options: InnerRunOptions) {
    super(owner, prompt, { ...options, partialOutput: true });
  }

  /** The handle for the caller. */
  handle(): RunStream<Output> {
    const run = this;
    this.result.catch(() => undefined);
    return {
      runId: this.id,
      [Symbol.asyncIterator]: run.#read,
      text: () => textOf(run.#read, run.result),
      partial: () => partialsOf(run.#read, run.result),
      get result() {
        run.#drainWithoutReader();
        return run.result;
      },
      send: (content, options) => run.send(content, options),
      cancel: (reason) => run.cancel(reason),
    };
  }

  /** Ends the run for the caller, waiting or running. */
  cancel(reason = "cancelled by the caller"): void {
    if (typeof reason !== "string") throw invalidArgument("reason", reason, "a text");
    this.#cancelWith(reason);
  }

  /** `soFar`: what the worker says of a run that its own code has cancelled. */
  #cancelWith(reason: string, soFar: { usage?: Usage; messages?: unknown[] } = {}): void {
    const { agentId } = this.owner;
    const facts: RunErrorFacts = { agentId, runId: this.id, kind: "cancelled" };
    if (soFar.usage !== undefined) facts.usage = soFar.usage;
    if (soFar.messages !== undefined) facts.messages = soFar.messages;
    this.fail(new RunError("run_cancelled", `run of agent "${agentId}" was cancelled: ${reason}`, facts));
  }

  protected override get told(): boolean {
    return this.#told;
  }

  protected override call(client: AgentClient, carriage: Carriage): void {
    const { attempt } = this.request;
    if (this.#begun) this.#push({ type: "restarted", seq: 0, step: 0, attempt, incarnation: this.incarnation });
    const events = this.openSession(client, carriage) ?? client.stream(this.request, { signal: carriage.signal });
    this.#source = { client, events, carriage };
    if (this.#waiter !== undefined) this.#readSource(this.#source);
  }

  protected override failed(error: Error): void {
    const seq = this.#lastSeq + 1;
    if (error instanceof RunError && error.code === "run_cancelled") {
      this.#push({ type: "cancelled", seq, step: this.#lastStep, reason: error.message }, true);
    } else {
      this.#push({ type: "failed", seq, step: this.#lastStep, error: error as SynapseError }, true);
    }
  }

  protected override takenBack(): void {
    this.#steering.takenBack();
    this.#source = undefined;
    this.#sourceBusy = false;
    this.#lastSeq = 0;
    this.#lastStep = 0;
  }

  protected override discardRest(): void {
    if (this.#source !== undefined) this.#readSource(this.#source);
  }

  /** See {@link RunStream.send}. */
  async send(content: Prompt, options?: SendOptions): Promise<void> {
    await this.#steering.send(content, options);
    // Another attempt would not hear of it.
    this.#told = true;
  }

  /** Settles when an event is buffered or the run has ended. */
  #pull(): Promise<void> {
    this.#waiter ??= Promise.withResolvers<void>();
    const { promise } = this.#waiter;
    if (!this.#wanted) {
      this.#wanted = true;
      this.owner.enqueue(this);
    }
    if (this.#source !== undefined) this.#readSource(this.#source);
    return promise;
  }

  #readSource(source: Source): void {
    if (this.#sourceBusy) return;
    this.#sourceBusy = true;
    source.events.next().then(
      (step) => {
        if (source !== this.#source) return;
        this.#sourceBusy = false;
        if (step.done === true) return;
        source.carriage.hear();
        if (this.answered) this.#discard(source, step.value);
        else this.#accept(source, step.value);
      },
      (error: unknown) => {
        if (source !== this.#source) return;
        // The source is spent: what comes next is the run's end, or another worker's call.
        this.#source = undefined;
        this.#sourceBusy = false;
        this.callFailed(error, source.carriage, this.#lastSeq > 0);
      },
    );
  }

  /** The caller has been answered: what the worker still says is read to its end, so that it can say it, and forgotten. */
  #discard(source: Source, event: WireRunEvent): void {
    switch (event.type) {
      case "completed":
        this.callAnswered(event.result);
        return;
      case "failed":
        this.callAnswered(event.error);
        return;
      case "cancelled":
        this.callAnswered(event);
        return;
      default:
        this.#readSource(source);
    }
  }

  #accept(source: Source, event: WireRunEvent): void {
    this.#lastStep = event.step;
    switch (event.type) {
      case "started": {
        const { attempt } = this.request;
        this.#lastSeq = event.seq;
        this.#begun = true;
        this.#steering.begin({ client: source.client, attempt });
        this.#push({ ...event, runId: this.id, attempt, incarnation: this.incarnation });
        return;
      }
      case "completed":
        void this.succeed(event.result, source.carriage, (result) => {
          const { seq, step } = event;
          if (isPaused(result)) this.#push({ type: "paused", seq, step, paused: result }, true);
          else this.#push({ type: "completed", seq, step, result }, true);
        });
        return;
      case "failed":
        this.#source = undefined;
        // Before anything else came, the worker may have refused the run unbegun: then it waits for the next one.
        this.callFailed(event.error, source.carriage, this.#lastSeq > 0);
        return;
      case "cancelled":
        this.callAnswered(event);
        this.#cancelWith(event.reason, event);
        return;
      default:
        this.#lastSeq = event.seq;
        this.#told = true;
        this.#push(event);
    }
  }

  #push(event: RunEvent<Output>, terminal = false): void {
    if (this.#terminal) return;
    this.#terminal = terminal;
    if (terminal) this.#steering.end();
    this.keep(event, terminal);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve();
  }

  /** Keeps an event for who reads. */
  protected keep(event: RunEvent<Output>, _terminal: boolean): void {
    this.#events.push(event);
  }

  /** Reads until the run has ended, or somebody else reads. `wanted` settles when the next event is. */
  protected async drain(wanted?: () => Promise<void>): Promise<void> {
    while (!this.#hasReader && !this.#terminal) {
      if (wanted !== undefined) await wanted();
      await this.#pull();
    }
  }

  readonly #read = (): AsyncGenerator<RunEvent<Output>, void, undefined> => {
    if (this.#hasReader) {
      const message =
        "a stream is read once; keep its events if you need them twice, or begin the run with agent.start";
      throw new CallerError("invalid_argument", message, { field: "stream", rule: "read once" });
    }
    this.#hasReader = true;
    const done = { done: true, value: undefined } as const;
    let left = false;
    const next = (): Promise<IteratorResult<RunEvent<Output>, void>> => {
      if (left) return Promise.resolve(done);
      const event = this.#events.shift();
      if (event !== undefined) return Promise.resolve({ done: false, value: event });
      if (this.#terminal) return Promise.resolve(done);
      return this.#pull().then(next);
    };
    const leave = async () => {
      left = true;
      this.cancel("its reader left the loop");
      return done;
    };
    return {
      next,
      return: leave,
      throw: async (error: unknown) => {
        await leave();
        throw error;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
      async [Symbol.asyncDispose]() {
        await leave();
      },
    };
  };

  /** Reads to the end when the result is wanted and nobody reads; a reader that comes later finds the events. */
  #drainWithoutReader(): void {
    if (this.#draining) return;
    this.#draining = true;
    setImmediate(() => void this.drain());
  }
}

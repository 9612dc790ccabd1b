/** The events of one streamed run. Written by hand, as an async generator costs several promises for every event. */

import { Code, ConnectError } from "@connectrpc/connect";
import { RunError } from "../errors.ts";
import type { RunResponseChunk } from "../gen/synapse_otp/v1/agent_pb.ts";
import { type Call, factsOf } from "./call.ts";
import { CompletedParts } from "./completed-parts.ts";
import { toRunEvent } from "./convert-event.ts";
import { protocolViolation } from "./json.ts";
import type { WireRunEvent } from "./run-event.ts";

/** How long the server may take to end the call after its terminal event, before the call is cancelled. */
const TRAILER_MS = 5_000;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** How a stream of events is opened and how its failures are told. */
export interface EventSource {
  /** Validates and begins the call. May throw; the first next() rejects with it. */
  begin(): Call;
  /** Sends the request. The signal cancels the call. */
  open(call: Call, signal: AbortSignal): Promise<AsyncIterable<RunResponseChunk>>;
  /** The typed error for whatever the call rejected with. */
  toError(reason: unknown, call: Call): Error;
}

/**
 * Lazy: nothing is sent before the first next(). Yields at most one terminal event, last. A status with an AgentError that comes
 * without a failed event becomes that event; every other failure rejects. Leaving early (return, throw, dispose) cancels the call.
 */
export class EventStream implements AsyncGenerator<WireRunEvent, void, undefined> {
  readonly #source: EventSource;
  readonly #controller = new AbortController();
  readonly #parts = new CompletedParts();
  #call: Call | undefined;
  #chunks: AsyncIterator<RunResponseChunk> | undefined;
  #ended = false;
  #chunksRead = 0;
  #lastSeq = 0;
  #lastStep = 0;
  /** Calls of next() that have not settled; they are answered in order. */
  #waiting = 0;
  #latest: Promise<IteratorResult<WireRunEvent, void>> = Promise.resolve(DONE);

  constructor(source: EventSource) {
    this.#source = source;
  }

  next(): Promise<IteratorResult<WireRunEvent, void>> {
    this.#latest = this.#waiting++ === 0 ? this.#pull() : this.#latest.then(this.#pull, this.#pull);
    return this.#latest;
  }

  /** Cancels the call, unless its terminal event has been delivered. A next() that waits is answered with done. */
  return(): Promise<IteratorResult<WireRunEvent, void>> {
    this.#cancel();
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<IteratorResult<WireRunEvent, void>> {
    this.#cancel();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel();
  }

  readonly #pull = (): Promise<IteratorResult<WireRunEvent, void>> => {
    if (this.#ended) {
      this.#waiting--;
      return Promise.resolve(DONE);
    }
    const chunk = this.#chunks === undefined ? this.#open() : this.#chunks.next();
    return chunk.then(this.#onChunk, this.#onFailure);
  };

  async #open(): Promise<IteratorResult<RunResponseChunk>> {
    this.#call = this.#source.begin();
    this.#call.signal?.addEventListener("abort", this.#onSignal);
    const chunks = await this.#source.open(this.#call, this.#controller.signal);
    this.#chunks = chunks[Symbol.asyncIterator]();
    return this.#chunks.next();
  }

  readonly #onChunk = (
    result: IteratorResult<RunResponseChunk>,
  ): IteratorResult<WireRunEvent, void> | Promise<IteratorResult<WireRunEvent, void>> => {
    if (this.#ended || this.#call === undefined) {
      this.#waiting--;
      return DONE;
    }
    try {
      if (result.done === true) throw protocolViolation("ended a stream without a terminal event", factsOf(this.#call));
      this.#checkSeq(result.value, this.#call);
      const chunk = this.#parts.take(result.value, this.#call);
      const event = chunk === undefined ? undefined : toRunEvent(chunk, this.#call);
      if (event === undefined) return this.#pull();
      this.#lastSeq = event.seq;
      this.#lastStep = event.step;
      if (event.type === "completed" || event.type === "failed" || event.type === "cancelled") this.#complete();
      this.#waiting--;
      return { done: false, value: event };
    } catch (error) {
      return this.#onFailure(error);
    }
  };

  /** Every chunk has the next number; a piece of an answer has none, and what a later version adds may have none. */
  #checkSeq({ seq, event }: RunResponseChunk, call: Call): void {
    if (seq === 0n && (event.case === "completedPart" || event.case === undefined)) return;
    this.#chunksRead += 1;
    if (seq === BigInt(this.#chunksRead)) return;
    throw protocolViolation(`numbered chunk ${this.#chunksRead} of a stream as ${seq}`, factsOf(call));
  }

  readonly #onFailure = (reason: unknown): IteratorResult<WireRunEvent, void> => {
    this.#waiting--;
    if (this.#ended) return DONE;
    const error = this.#call === undefined ? reason : this.#source.toError(reason, this.#call);
    this.#cancel();
    // A run that was refused before it began has no events: its caller may send it elsewhere.
    if (error instanceof RunError && error.code === "run_failed" && error.kind !== "draining") {
      return { done: false, value: { type: "failed", seq: this.#lastSeq + 1, step: this.#lastStep, error } };
    }
    throw error;
  };

  /** The terminal event is here. The server ends the call itself: cancelling now would cancel a handler that cleans up. */
  #complete(): void {
    this.#end();
    const timer = setTimeout(() => this.#abort(), TRAILER_MS).unref();
    // The trailing status repeats the terminal event, or tells of a connection that is no longer needed.
    const settled = (): void => clearTimeout(timer);
    this.#chunks?.next().then((extra) => {
      settled();
      if (extra.done !== true) this.#abort();
    }, settled);
  }

  #cancel(): void {
    if (this.#ended) return;
    this.#end();
    this.#abort();
  }

  #end(): void {
    this.#ended = true;
    this.#call?.signal?.removeEventListener("abort", this.#onSignal);
  }

  readonly #onSignal = (): void => this.#abort();

  /** The code Canceled makes connect-node reset the stream with CANCEL, which the Python handler sees as cancellation. */
  #abort(): void {
    this.#controller.abort(new ConnectError("the caller left the stream", Code.Canceled));
  }
}

/** The response whose body is the text of a run's events: made as fast as it is read, and left when its reader leaves. */

import { SynapseError } from "../errors.ts";
import { type Clock, setIdleTimeout } from "../otp/scheduler/clock.ts";
import type { FrontendProtocol } from "../rpc/run-types.ts";
import { type AnswerEvent, AnswerText } from "./answer-text.ts";

/** What an answer is made of. */
export interface AnswerParts {
  readonly runId: string;
  readonly protocol: FrontendProtocol;
  /** The run's events; leaving it early tells the run that this reader has left. */
  readonly events: AsyncIterator<AnswerEvent>;
  /** Whether the first of them is one that the client has. */
  readonly skipFirst: boolean;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** A comment, which clients pass over: it keeps proxies from taking a run that thinks for one that is dead. */
const heartbeat = new TextEncoder().encode(": the run goes on\n\n");
/** How long nothing is sent until it is, in milliseconds. */
const heartbeatMs = 15_000;

/** The response. Nothing is read of the run before somebody reads the body. */
export function answer(parts: AnswerParts): Response {
  const headers = new Headers({
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "synapse-run-id": parts.runId,
  });
  if (parts.protocol === "vercel-ai") headers.set("x-vercel-ai-ui-message-stream", "v1");
  return new Response(new ReadableStream(new AnswerSource(parts), { highWaterMark: 0 }), { headers });
}

/** Where the body comes from. */
class AnswerSource {
  readonly #parts: AnswerParts;
  readonly #text: AnswerText;
  readonly #encoder = new TextEncoder();
  #skip: boolean;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#skip = parts.skipFirst;
    this.#text = new AnswerText(parts.protocol, parts.runId);
  }

  start(): void {
    const { signal } = this.#parts;
    signal.addEventListener("abort", this.#leave, { once: true });
    if (signal.aborted) this.#leave();
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { clock } = this.#parts;
    let timer: unknown;
    const beat = (): void => {
      // One that nobody has read yet is enough.
      if ((controller.desiredSize ?? -1) >= 0) controller.enqueue(heartbeat);
      timer = setIdleTimeout(clock, beat, heartbeatMs);
    };
    timer = setIdleTimeout(clock, beat, heartbeatMs);
    const text = await this.#next().finally(() => clock.clearTimeout(timer));
    if (text !== "") {
      controller.enqueue(this.#encoder.encode(text));
      return;
    }
    this.#leave();
    controller.close();
  }

  cancel(): void {
    this.#leave();
  }

  /** What there is to send next; empty: no more. */
  async #next(): Promise<string> {
    const { events } = this.#parts;
    for (;;) {
      let step: IteratorResult<AnswerEvent, unknown>;
      try {
        step = await events.next();
      } catch (error) {
        // It came too late for what it has missed: it is told so, and there is no more.
        this.#leave();
        if (error instanceof SynapseError) return this.#text.giveUp(error);
        throw error;
      }
      if (step.done === true) return "";
      if (this.#skip) {
        this.#skip = false;
        this.#text.skip(step.value);
        continue;
      }
      const text = this.#text.take(step.value);
      if (text !== "") return text;
    }
  }

  readonly #leave = (): void => {
    const { signal, events } = this.#parts;
    signal.removeEventListener("abort", this.#leave);
    void events.return?.();
  };
}

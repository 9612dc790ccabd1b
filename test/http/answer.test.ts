import { expect, test } from "vitest";
import { CallerError } from "../../src/errors.ts";
import { answer } from "../../src/http/answer.ts";
import type { AnswerEvent } from "../../src/http/answer-text.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

/** Events that a test gives out one by one. */
class Events implements AsyncIterator<AnswerEvent> {
  asked = 0;
  left = 0;
  readonly #given: (AnswerEvent | Error)[] = [];
  #wake: (() => void) | undefined;

  give(...events: (AnswerEvent | Error)[]): this {
    this.#given.push(...events);
    this.#wake?.();
    return this;
  }

  async next(): Promise<IteratorResult<AnswerEvent, undefined>> {
    this.asked += 1;
    for (;;) {
      const event = this.#given.shift();
      if (event instanceof Error) throw event;
      if (event !== undefined) return { done: false, value: event };
      if (this.left > 0) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<AnswerEvent, undefined>> {
    this.left += 1;
    this.#wake?.();
    return { done: true, value: undefined };
  }
}

const text = (seq: number): AnswerEvent => ({ type: "text", seq, text: `data: ${seq}\n\n`, end: undefined });

function open(changes: { skipFirst?: boolean; protocol?: "vercel-ai" | "ag-ui" } = {}) {
  const events = new Events();
  const client = new AbortController();
  const clock = createVirtualClock();
  const { protocol = "vercel-ai", skipFirst = false } = changes;
  const response = answer({ runId: "r1", protocol, events, skipFirst, signal: client.signal, clock });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const read = async () => {
    const step = await reader.read();
    return step.done ? undefined : new TextDecoder().decode(step.value);
  };
  return { events, client, clock, response, reader, read };
}

test("its headers say what it is, in which protocol, of which run, and that nobody keeps it or holds it back", () => {
  const { headers } = open().response;
  expect(Object.fromEntries(headers)).toEqual({
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "synapse-run-id": "r1",
    "x-vercel-ai-ui-message-stream": "v1",
  });
  expect(open({ protocol: "ag-ui" }).response.headers.has("x-vercel-ai-ui-message-stream")).toBe(false);
});

test("nothing is read of the run before the client reads, and one event for each that it takes", async () => {
  const { events, read } = open();
  events.give(text(2), text(3), text(4));
  await Promise.resolve();
  expect(events.asked).toBe(0);
  expect(await read()).toBe("id: r1:2\ndata: 2\n\n");
  expect(events.asked).toBe(1);
});

test("it ends with the run, and the run is left then", async () => {
  const { events, read } = open();
  events.give(text(2), { type: "completed", seq: 3 });
  await read();
  const end = read();
  await events.return();
  expect(await end).toBe(undefined);
});

test("the run is left when the client stops reading, and when its request is aborted", async () => {
  const stopped = open();
  await stopped.reader.cancel();
  expect(stopped.events.left).toBe(1);
  const aborted = open();
  const waiting = aborted.read();
  aborted.client.abort();
  expect(await waiting).toBe(undefined);
  expect(aborted.events.left).toBeGreaterThan(0);
});

test("a client that was gone before there was an answer leaves at once", () => {
  const events = new Events();
  const clock = createVirtualClock();
  answer({ runId: "r1", protocol: "ag-ui", events, skipFirst: false, signal: AbortSignal.abort(), clock });
  expect(events.left).toBe(1);
});

test("an event that the client has is passed over", async () => {
  const { events, read } = open({ skipFirst: true });
  events.give(text(2), text(3));
  expect(await read()).toBe("id: r1:3\ndata: 3\n\n");
});

test("a client that is too slow for what is kept is told that something is missing, and no more", async () => {
  const { events, read } = open();
  events.give(text(2), new CallerError("events_expired", "secret"));
  await read();
  expect(await read()).toContain("What is missing of this answer is not kept any more.");
  expect(await read()).toBe(undefined);
  expect(events.left).toBeGreaterThan(0);
});

test("while nothing is told, a comment shows every 15 seconds that the run goes on; one that nobody reads is enough", async () => {
  const { events, clock, read } = open();
  const first = read();
  await Promise.resolve();
  clock.advance(14_999);
  clock.advance(1);
  expect(await first).toBe(": the run goes on\n\n");
  clock.advance(60_000);
  expect(await read()).toBe(": the run goes on\n\n");
  events.give(text(2));
  expect(await read()).toBe("id: r1:2\ndata: 2\n\n");
  expect(clock.pending).toBe(0);
});

import { describe, expect, test } from "vitest";
import type { RunOptions } from "../../src/agent/run-options.ts";
import type { RunEvent } from "../../src/agent/run-result.ts";
import { StreamRun } from "../../src/agent/run-stream.ts";
import { RunError, WorkerError } from "../../src/errors.ts";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import type { WireRunEvent } from "../../src/rpc/run-event.ts";
import { rejection, within } from "../rpc/agent-server.ts";
import { ScriptedClient, ScriptedOwner, started, textDelta, turn, wireResult } from "./scripted.ts";
import { crashRecord } from "./values.ts";

function start(options: RunOptions = {}) {
  const owner = new ScriptedOwner();
  const client = new ScriptedClient();
  const run = new StreamRun<string>(owner, "hello", options);
  return { owner, client, run, stream: run.handle() };
}

/** A run that a worker has taken. */
function begin(options: RunOptions = {}) {
  const parts = start(options);
  parts.run.begin(parts.client, 1);
  return { ...parts, source: parts.client.source };
}

const completed = (seq: number): WireRunEvent => ({ type: "completed", seq, step: 1, result: wireResult("a b ") });
const answer = [started, textDelta(2, "a "), textDelta(3, "b "), completed(4)];
const exit = () => new WorkerError("worker_exited", "the worker of this stream exited");

async function read(events: AsyncIterable<RunEvent<string>>): Promise<RunEvent<string>[]> {
  const all: RunEvent<string>[] = [];
  const reading = async () => {
    for await (const event of events) all.push(event);
  };
  await within("the end of the stream", reading());
  return all;
}

const typesOf = (events: RunEvent<string>[]) => events.map(({ type }) => type);

test("the events come in order, with the run's own id, and the result with them", async () => {
  const { source, stream, run, owner } = begin();
  source.give(...answer);
  const events = await read(stream);
  expect(typesOf(events)).toEqual(["started", "text.delta", "text.delta", "completed"]);
  expect(events[0]).toEqual({ ...started, runId: run.id, attempt: 1, incarnation: 1 });
  expect(events.at(-1)).toMatchObject({ result: { output: "a b ", incarnation: 1 } });
  expect((await stream.result).output).toBe("a b ");
  expect(owner.ended).toEqual([run]);
});

test("snapshots of structured output are asked for", () => {
  expect(begin().client.calls[0]?.request.stream?.partialOutput).toBe(true);
});

describe("reading drives the run", () => {
  test("nothing is read before somebody reads", async () => {
    const { source } = begin();
    source.give(...answer);
    await turn();
    expect(source.asked).toBe(0);
  });

  test("a reader that pauses is not read ahead of", async () => {
    const { source, stream } = begin();
    source.give(...answer);
    const reader = stream[Symbol.asyncIterator]();
    for (let count = 1; count <= 3; count += 1) {
      await reader.next();
      await turn();
      expect(source.asked).toBe(count);
    }
  });

  test("a reader that came before the worker reads as soon as there is one", async () => {
    const { client, run, stream } = start();
    const reading = read(stream);
    await turn();
    run.begin(client, 1);
    client.source.give(...answer);
    expect(typesOf(await reading)).toEqual(["started", "text.delta", "text.delta", "completed"]);
  });

  test("asking for the result reads to the end when nobody else reads", async () => {
    const { source, stream } = begin();
    source.give(...answer);
    expect((await within("the result", stream.result)).output).toBe("a b ");
    expect(typesOf(await read(stream))).toEqual(["started", "text.delta", "text.delta", "completed"]);
  });

  test("a reader that comes after the result was asked for finds every event once", async () => {
    const { source, stream } = begin();
    source.give(started, textDelta(2, "a "));
    const result = stream.result;
    await turn();
    const reading = read(stream);
    source.give(textDelta(3, "b "), completed(4));
    expect(typesOf(await reading)).toEqual(["started", "text.delta", "text.delta", "completed"]);
    expect((await result).output).toBe("a b ");
  });
});

describe("leaving", () => {
  test("a loop early cancels the run", async () => {
    const { source, stream, client, owner, run } = begin();
    source.give(...answer);
    for await (const event of stream) if (event.type === "text.delta") break;
    expect(client.calls[0]?.options.signal?.aborted).toBe(true);
    client.end.resolve();
    await turn();
    expect(owner.ended).toEqual([run]);
    expect(await rejection(stream.result)).toMatchObject({ code: "run_cancelled", kind: "cancelled" });
  });

  test("after the terminal event changes nothing", async () => {
    const { source, stream, client } = begin();
    source.give(...answer);
    for await (const event of stream) if (event.type === "completed") break;
    expect((await stream.result).output).toBe("a b ");
    expect(client.calls[0]?.options.signal?.aborted).toBe(false);
  });

  test("by cancel() ends the stream with the cancelled event and the reason", async () => {
    const { source, stream } = begin();
    source.give(started);
    const events: RunEvent<string>[] = [];
    for await (const event of stream) {
      events.push(event);
      stream.cancel("enough");
    }
    expect(typesOf(events)).toEqual(["started", "cancelled"]);
    expect(events.at(-1)).toMatchObject({ seq: 2, reason: expect.stringContaining("enough") });
    stream.cancel("again");
  });

  test("while it waits for a worker takes it out of the queue", async () => {
    const { owner, run, stream } = start();
    run.wait();
    stream.cancel();
    expect(owner.ended).toEqual([run]);
    expect(typesOf(await read(stream))).toEqual(["cancelled"]);
  });

  test("by the caller's signal cancels the call", () => {
    const controller = new AbortController();
    const { client, run } = begin({ signal: controller.signal });
    run.wait();
    controller.abort();
    expect(client.calls[0]?.options.signal?.aborted).toBe(true);
  });
});

describe("a stream that nobody reads", () => {
  test("is not queued before it is read", async () => {
    const { owner, run, stream } = start();
    await turn();
    expect(owner.enqueued).toEqual([]);
    const reading = read(stream);
    expect(owner.enqueued).toEqual([run]);
    stream.cancel();
    await reading;
    expect(owner.enqueued).toEqual([run]);
  });

  test("is queued when its result is asked for", async () => {
    const { owner, run, stream } = start();
    const result = rejection(stream.result);
    await turn();
    expect(owner.enqueued).toEqual([run]);
    stream.cancel();
    expect(await result).toMatchObject({ code: "run_cancelled" });
  });

  test("waits on nothing: neither a timer nor a signal keeps it", () => {
    const { owner, run, stream } = start({ timeoutMs: 100, signal: AbortSignal.abort("before") });
    expect([owner.clock.pending, run.answered]).toEqual([0, false]);
    stream.cancel();
  });

  test("has no more time than it had: read too late, it ends with its deadline", async () => {
    const { owner, run, stream } = start({ timeoutMs: 100 });
    owner.clock.advance(101);
    const reading = read(stream);
    run.wait();
    expect(await reading).toMatchObject([{ type: "failed", error: { code: "deadline_exceeded" } }]);
  });
});

test("after its deadline a stream is read to its end, so that the worker can end it", async () => {
  const { source, stream, run, owner, client } = begin({ timeoutMs: 100 });
  run.wait();
  source.give(started);
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  owner.clock.advance(100);
  expect(await reader.next()).toMatchObject({ value: { type: "failed", error: { code: "deadline_exceeded" } } });
  const error = new RunError("deadline_exceeded", "in Python too", { kind: "deadline" });
  source.give(textDelta(2, "late "), textDelta(3, "words"), { type: "failed", seq: 4, step: 1, error });
  await turn();
  expect([owner.ended, client.calls[0]?.options.signal?.aborted]).toEqual([[run], false]);
  expect(await reader.next()).toMatchObject({ done: true });
});

test("a reader that has left is done, whatever was there for it", async () => {
  const { source, stream } = begin();
  source.give(...answer);
  const reader = stream[Symbol.asyncIterator]();
  expect(await reader.next()).toMatchObject({ done: false });
  expect(await reader.return?.()).toMatchObject({ done: true });
  expect(await reader.next()).toMatchObject({ done: true });
});

test("a stream is read once: a second reader is told so", async () => {
  const { source, stream } = begin();
  source.give(...answer);
  await read(stream);
  expect(() => stream[Symbol.asyncIterator]()).toThrow(
    expect.objectContaining({ name: "CallerError", code: "invalid_argument", field: "stream", rule: "read once" }),
  );
  const texts = async () => {
    for await (const _text of stream.text());
  };
  await expect(texts()).rejects.toThrow(/read once/);
});

describe("the worker's end", () => {
  test("while nobody reads is there for who reads later, after what had come", async () => {
    const { source, stream, run, owner } = begin();
    source.give(started, textDelta(2, "a "));
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    await turn();
    run.lost(exit());
    expect(owner.ended).toEqual([run]);
    expect(await reader.next()).toMatchObject({ value: { type: "failed", error: { code: "worker_exited" } } });
    expect(await reader.next()).toMatchObject({ done: true });
    expect(await rejection(stream.result)).toMatchObject({ code: "worker_exited" });
  });

  test("before anybody reads rejects nothing unhandled", async () => {
    const { stream, run } = begin();
    run.lost(exit());
    await turn();
    expect(typesOf(await read(stream))).toEqual(["failed"]);
  });

  test("wakes a reader that waits", async () => {
    const { stream, run } = begin();
    const reading = read(stream);
    await turn();
    run.lost(exit());
    expect(typesOf(await reading)).toEqual(["failed"]);
  });

  test("seen as a lost connection keeps the stream open until the exit is known", async () => {
    const { source, stream, run, owner } = begin();
    source.give(started, new ConnectionLostError("gone"));
    const reading = read(stream);
    await turn();
    expect([owner.lost, run.answered]).toEqual([[1], false]);
    run.lost(exit());
    expect(typesOf(await reading)).toEqual(["started", "failed"]);
  });
});

test("a worker that drains hands the stream to the next one, and the reader notices nothing", async () => {
  const { source, stream, run, owner, client } = begin();
  const reading = read(stream);
  source.give({ type: "failed", seq: 1, step: 1, error: new RunError("run_failed", "stopping", { kind: "draining" }) });
  await turn();
  expect(owner.refused).toEqual([run]);
  run.begin(client, 2);
  client.source.give(...answer);
  const events = await reading;
  expect(typesOf(events)).toEqual(["started", "text.delta", "text.delta", "completed"]);
  expect(events[0]).toMatchObject({ incarnation: 2, attempt: 1 });
});

describe("the agent's answer", () => {
  test("failed is the terminal event, and what comes after is not seen", async () => {
    const { source, stream } = begin();
    const error = new RunError("run_failed", "the model failed this stream");
    source.give(started, { type: "failed", seq: 2, step: 1, error }, textDelta(3, "late"));
    const events = await read(stream);
    expect(events.at(-1)).toEqual({ type: "failed", seq: 2, step: 1, error });
    expect(await rejection(stream.result)).toBe(error);
  });

  test("cancelled is the terminal event", async () => {
    const { source, stream } = begin();
    const { usage } = wireResult();
    const soFar = { usage, messages: [{ kind: "request" }] };
    source.give(started, { type: "cancelled", seq: 2, step: 1, reason: "by a hook", unfinished: false, ...soFar });
    expect((await read(stream)).at(-1)).toMatchObject({
      type: "cancelled",
      step: 1,
      reason: expect.stringContaining("by a hook"),
    });
    expect(await rejection(stream.result)).toMatchObject({ code: "run_cancelled", ...soFar });
  });
});

describe("views", () => {
  test("text() yields the text and throws the error of a run that fails", async () => {
    const { source, stream } = begin();
    source.give(started, textDelta(2, "a "), new RunError("run_failed", "the text stream failed"));
    const texts: string[] = [];
    const reading = (async () => {
      for await (const text of stream.text()) texts.push(text);
    })();
    expect(await rejection(reading)).toMatchObject({ code: "run_failed" });
    expect(texts).toEqual(["a "]);
  });

  test("partial() yields the snapshots", async () => {
    const { source, stream } = begin();
    source.give(started, { type: "output.partial", seq: 2, step: 1, output: { n: 1 } }, {
      ...completed(3),
    } as WireRunEvent);
    const seen: unknown[] = [];
    for await (const snapshot of stream.partial()) seen.push(snapshot);
    expect(seen).toEqual([{ n: 1 }]);
  });
});

test("a stream that is tried again hears nothing more of its first worker, and says that it begins anew", async () => {
  const again: RunOptions = { idempotent: true, retry: { onWorkerExit: "if_idempotent" } };
  const { source, stream, run, client } = begin(again);
  source.give(started);
  const reading = read(stream);
  await turn();
  expect(run.died(crashRecord())).toBe("again");
  source.give(textDelta(2, "of the first "));
  await turn();
  run.begin(client, 2);
  client.source.give(...answer);
  const events = await reading;
  expect(typesOf(events)).toEqual(["started", "restarted", "started", "text.delta", "text.delta", "completed"]);
  expect(events[1]).toEqual({ type: "restarted", seq: 0, step: 0, attempt: 2, incarnation: 2 });
  expect(events[2]).toMatchObject({ attempt: 2, incarnation: 2 });
  expect(events.at(-1)).toMatchObject({ result: { attempts: 2 } });
});

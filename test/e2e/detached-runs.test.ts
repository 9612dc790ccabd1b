import { expect, test } from "vitest";
import type { RunEvent } from "../../src/index.ts";
import { controllable, rejection, watch } from "./support.ts";

const seqsOf = (events: RunEvent[]) => events.map(({ seq }) => seq);
const from = (first: number, length: number) => Array.from({ length }, (_, index) => first + index);

async function read(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

test("a run goes on when its reader leaves, is read by its id from where that was, and its worker's death ends it for every reader", async () => {
  const { system, report } = await watch([controllable()]);
  const agent = system.agent("ctl");

  // Left in the middle and read again: during the run by one, after its end by another.
  const words = agent.start("stream:20:10", { idempotencyKey: "words" });
  let last = 0;
  for await (const event of words) {
    last = event.seq;
    if (event.type === "text.delta") break;
  }
  const back = await read(system.runs.attach(words.runId, { after: last }));
  expect(back.at(-1)).toMatchObject({ type: "completed", result: { runId: words.runId } });
  expect(seqsOf(back)).toEqual(from(last + 1, back.length));
  const late = await read(system.runs.attach(words.runId));
  expect(late.slice(last)).toEqual(back);
  const text = late.map((event) => (event.type === "text.delta" ? event.text : "")).join("");
  expect((await words.result).output).toBe(text);
  expect(agent.start("stream:20:10", { idempotencyKey: "words" }).runId).toBe(words.runId);

  // kill -9 in the middle.
  const doomed = agent.start("stream:10000:10");
  const readers = [read(doomed), read(system.runs.attach(doomed.runId))];
  for await (const event of doomed) if (event.type === "text.delta") break;
  process.kill(agent.pid as number, "SIGKILL");
  const [one = [], other = []] = await Promise.all(readers);
  expect(one.at(-1)).toMatchObject({ type: "failed", error: { code: "worker_exited", crash: { signal: "SIGKILL" } } });
  expect(seqsOf(one)).toEqual(from(1, one.length));
  expect(other).toEqual(one);
  expect(await rejection(doomed.result)).toMatchObject({ code: "worker_exited" });
  await report("run.settled", ({ runId }) => runId === doomed.runId);

  // One that may act twice begins anew in the next worker, and the numbers go on.
  const options = { idempotent: true, retry: { onWorkerExit: "if_idempotent" } } as const;
  const again = agent.start("sleep:1", options);
  const reading = read(again);
  await report("run.started", ({ runId }) => runId === again.runId);
  await agent.whenReady();
  process.kill(agent.pid as number, "SIGKILL");
  const events = await reading;
  expect(events.filter(({ type }) => type === "restarted").length).toBeLessThanOrEqual(1);
  expect(seqsOf(events)).toEqual(from(1, events.length));
  expect(system.runs.get(again.runId)).toMatchObject({ state: "completed", attempts: 2, lastSeq: events.length });
  expect(await read(system.runs.attach(again.runId))).toEqual(events);
});

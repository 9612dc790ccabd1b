import { expect, test } from "vitest";
import type { RunEvent } from "../../src/agent/run-result.ts";
import { within } from "../rpc/agent-server.ts";
import { startPoet, until } from "./fleet.ts";

async function read(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  const reading = async () => {
    for await (const event of events) all.push(event);
  };
  await within("the end of the run", reading());
  return all;
}

const chunks = { answer: () => ({ chunks: ["a ", "b ", "c"] }) };

test("a run has its id before any worker is ready, and runs whether anybody reads it or not", async () => {
  const fleet = await startPoet({}, { script: chunks });
  const { ledger } = fleet.environment;
  const run = fleet.agent().start("x");
  expect(run).toMatchObject({ agentId: "poet", state: "queued" });
  expect(ledger.get(run.runId)).toMatchObject({ runId: run.runId, state: "queued", attempts: 0, lastSeq: 0, bytes: 0 });
  await until("the end of the run", () => run.state === "completed");
  expect(ledger.get(run.runId)).toMatchObject({ state: "completed", attempts: 1, incarnation: 1, lastSeq: 5 });
  expect(await run.result).toMatchObject({ output: "a b c", runId: run.runId });
});

test("every reader gets every event once in its order, during the run, after it, and from a number on", async () => {
  const gate = Promise.withResolvers<void>();
  async function* gated() {
    yield "a ";
    await gate.promise;
    yield "b ";
    yield "c";
  }
  const fleet = await startPoet({}, { script: { answer: () => ({ chunks: gated() }) } });
  const run = fleet.agent().start("x");
  const first = read(run);
  const { ledger } = fleet.environment;
  await until("the first delta", () => ledger.get(run.runId)?.lastSeq === 2);
  const second = read(ledger.attach(run.runId, { after: 1 }));
  gate.resolve();
  const all = await first;
  expect(all.map(({ seq, type }) => [seq, type])).toEqual([
    [1, "started"],
    [2, "text.delta"],
    [3, "text.delta"],
    [4, "text.delta"],
    [5, "completed"],
  ]);
  expect(await second).toEqual(all.slice(1));
  expect(await read(run)).toEqual(all);
  expect(await read(ledger.attach(run.runId))).toEqual(all);
  for (let after = 0; after <= 5; after += 1) {
    expect(await read(ledger.attach(run.runId, { after }))).toEqual(all.slice(after));
  }
});

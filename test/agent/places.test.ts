/** Places count work, not callers: what a worker really does at a time, whatever its callers have given up. */

import { expect, test } from "vitest";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { startPoet, until } from "./fleet.ts";

/** An agent whose tool cannot be cancelled: it works until the test opens the gate of its prompt. */
function stubborn() {
  const gates = new Map<string, PromiseWithResolvers<string>>();
  let working = 0;
  let most = 0;
  const gate = (prompt: string) => {
    const found = gates.get(prompt) ?? Promise.withResolvers<string>();
    gates.set(prompt, found);
    return found;
  };
  const script: FakeWorkerScript = {
    async answer({ prompt }) {
      if (prompt.startsWith("quick")) return prompt;
      working += 1;
      most = Math.max(most, working);
      const answer = await gate(prompt).promise;
      working -= 1;
      return answer;
    },
  };
  return { script, open: (prompt: string) => gate(prompt).resolve(prompt), most: () => most };
}

test("runs whose time is up do not make room for others while their tool works", async () => {
  const { script, open, most } = stubborn();
  const fleet = await startPoet({ maxConcurrency: 1 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const prompts = Array.from({ length: 10 }, (_, n) => `slow ${n}`);
  const late = prompts.map((prompt) => rejection(agent.run(prompt, { timeoutMs: 100 })));
  const worker = fleet.launcher.worker("poet");
  await until("the first run", () => worker.runs.length === 1);
  fleet.clock.advance(100);
  for (const error of await Promise.all(late)) expect(error).toMatchObject({ code: "deadline_exceeded" });
  const next = agent.run("quick");
  // No caller waits for the worker, but it works; that it is ready, its event loop has said.
  await until("the loop's answer", () => agent.state === "ready");
  expect(worker.runs).toHaveLength(1);
  open("slow 0");
  expect((await next).output).toBe("quick");
  expect(agent.state).toBe("ready");
  expect([worker.runs.map(({ prompt }) => prompt), most()]).toEqual([["slow 0", "quick"], 1]);
});

test("a cancelled run keeps its place until its tool has ended, and is told of when that takes long", async () => {
  const { script, open } = stubborn();
  const fleet = await startPoet({ maxConcurrency: 1 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const controller = new AbortController();
  const cancelled = rejection(agent.run("slow", { signal: controller.signal }));
  const worker = fleet.launcher.worker("poet");
  await until("the run", () => worker.runs.length === 1);
  controller.abort();
  await cancelled;
  const next = agent.run("quick");
  fleet.clock.advance(1_000);
  const runId = worker.runs[0]?.runId;
  expect(await fleet.report("run.lingers")).toMatchObject({ runId, forMs: 1_000, incarnation: 1 });
  expect(worker.runs).toHaveLength(1);
  open("slow");
  expect((await next).output).toBe("quick");
  expect(await fleet.report("run.gone")).toMatchObject({ runId, forMs: 1_000 });
});

test("restart() ends a run that cannot be cancelled with its worker", async () => {
  const { script } = stubborn();
  const fleet = await startPoet({ maxConcurrency: 1, shutdownMs: 400 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const late = rejection(agent.run("slow", { timeoutMs: 50 }));
  await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
  fleet.clock.advance(50);
  await late;
  const next = agent.run("quick");
  await fleet.whileTimePasses(agent.restart());
  expect(await next).toMatchObject({ output: "quick", incarnation: 2 });
});

test("streams that nobody reads take no place", async () => {
  const fleet = await startPoet({ maxConcurrency: 8, maxQueue: 0 });
  const agent = fleet.agent();
  await agent.whenReady();
  const streams = Array.from({ length: 8 }, (_, n) => agent.stream(`unread ${n}`));
  expect((await agent.run("served")).output).toBe("served");
  expect(fleet.launcher.worker("poet").runs.map(({ prompt }) => prompt)).toEqual(["served"]);
  const results = await Promise.all(streams.map((stream) => stream.result));
  expect(results.map(({ output }) => output)).toEqual(Array.from({ length: 8 }, (_, n) => `unread ${n}`));
});

test("a stream that is read when the queue is full ends with that, and one that is made then is refused", async () => {
  const { script, open } = stubborn();
  const fleet = await startPoet({ maxConcurrency: 1, maxQueue: 0 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const early = agent.stream("early");
  const held = agent.run("slow");
  expect(() => agent.stream("late")).toThrow(expect.objectContaining({ code: "queue_full" }));
  expect(await rejection(early.result)).toMatchObject({ code: "queue_full" });
  for await (const event of early) expect(event).toMatchObject({ type: "failed", error: { code: "queue_full" } });
  open("slow");
  await held;
});

test("a stream that its reader leaves keeps its place until its tool has ended", async () => {
  const { script, open } = stubborn();
  const fleet = await startPoet({ maxConcurrency: 1 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  for await (const event of agent.stream("slow")) if (event.type === "started") break;
  const next = agent.run("quick");
  await until("the cancellation", () => fleet.launcher.worker("poet").runs[0]?.signal.aborted === true);
  expect(fleet.launcher.worker("poet").runs).toHaveLength(1);
  open("slow");
  expect((await next).output).toBe("quick");
});

test("a run whose time is up, and whose tool can be cancelled, makes room at once", async () => {
  const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "hang" ? { hang: true } : prompt) };
  const fleet = await startPoet({ maxConcurrency: 1 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const late = rejection(agent.run("hang", { timeoutMs: 100 }));
  await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
  const next = agent.run("next");
  fleet.clock.advance(100);
  expect(await late).toMatchObject({ code: "deadline_exceeded" });
  expect((await next).output).toBe("next");
  // The one timer is that of the loop's monitor.
  expect(fleet.clock.pending).toBe(1);
});

test("a stream that is read in the turn that made it goes before what was asked after it", async () => {
  const fleet = await startPoet({ maxConcurrency: 1 });
  const agent = fleet.agent();
  await agent.whenReady();
  const stream = agent.stream("first");
  const run = agent.run("second");
  for await (const _text of stream.text());
  await run;
  expect(fleet.launcher.worker("poet").runs.map(({ prompt }) => prompt)).toEqual(["first", "second"]);
});

test("a stop ends a stream that was just made as it ends what waits", async () => {
  const fleet = await startPoet();
  const agent = fleet.agent();
  await agent.whenReady();
  const stream = agent.stream("never");
  await agent.stop();
  expect(await rejection(stream.result)).toMatchObject({ code: "agent_stopped" });
});

import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { defineAgent } from "../src/index.ts";
import type { InspectedSystem, ToldRun } from "../src/inspect/inspected-system.ts";
import { startSystem } from "../src/start-system.ts";
import type { System } from "../src/system.ts";
import { createFakeLauncher, type FakeWorkerScript } from "../src/testing/index.ts";

let running: System | undefined;
afterEach(async () => {
  await running?.stop();
});

const ask = { toolCallId: "call-1", toolName: "delete_file", args: { path: "/tmp/old", password: "hunter2" } };

/** A system, and what whoever looks at it is told of its runs. */
async function start(script: FakeWorkerScript) {
  let seen: InspectedSystem | undefined;
  const inspect = {
    attach(system: InspectedSystem) {
      seen = system;
    },
    detach: () => undefined,
  };
  const children = [defineAgent({ id: "janitor", entry: "janitor.py:agent", maxConcurrency: 8 })];
  const options = { children, logger: pino({ level: "silent" }), inspect };
  const system = await startSystem(options, { launcher: createFakeLauncher({ script }), interpreter: "none" });
  running = system;
  await system.whenReady();
  return { system, janitor: system.agent("janitor"), runs: (): ToldRun[] => seen?.runs() ?? [] };
}

test("a run that waits is told with what it asks, whether it belongs to the system or to a caller", async () => {
  const { janitor, runs } = await start({
    async answer({ prompt, waitFor }) {
      return String(await (prompt === "ask" ? waitFor("deferred_tool_calls", { asks: [ask] }) : waitFor("reason")));
    },
  });
  const kept = janitor.start("ask", { mayWait: true, idempotencyKey: "order-17" });
  await expect.poll(() => janitor.waits.length).toBe(1);
  const called = janitor.run("code", { mayWait: true });
  await expect.poll(() => janitor.waits.length).toBe(2);
  const [first, second] = runs();
  expect(first).toMatchObject({
    runId: kept.runId,
    agentId: "janitor",
    state: "waiting",
    kept: true,
    detached: true,
    idempotencyKey: "order-17",
    attempts: 1,
    incarnation: 1,
    waits: [{ name: "deferred_tool_calls", asks: [{ kind: "approval", toolName: "delete_file" }] }],
  });
  // What is asked may be shown: it is summarised as contexts are.
  expect(first?.waits?.[0]?.asks?.[0]?.args).toEqual({ path: "/tmp/old", password: "[redacted]" });
  expect(second).toMatchObject({ state: "waiting", kept: false, waits: [{ name: "reason" }] });
  expect(second?.waits?.[0]).not.toHaveProperty("asks");
  for (const { token, requests } of [...janitor.waits]) {
    await janitor.answer(token, requests === undefined ? "why" : { "call-1": true });
  }
  await Promise.all([kept.result, called]);
  expect(runs()).toMatchObject([{ runId: kept.runId, state: "completed" }]);
  expect(runs()[0]).not.toHaveProperty("waits");
});

test("a paused run is told with what it asks, a failed one with its error, the newest first", async () => {
  const { janitor, runs } = await start({
    answer({ prompt }) {
      if (prompt === "fail") throw new Error("told to fail");
      return { asks: [ask] };
    },
  });
  const paused = janitor.start("pause", { mayPause: true });
  await paused.result;
  const failed = janitor.start("fail");
  await expect(failed.result).rejects.toThrow();
  expect(runs().map(({ runId }) => runId)).toEqual([failed.runId, paused.runId]);
  expect(runs()).toMatchObject([
    { state: "failed", error: expect.stringContaining("told to fail") },
    { state: "paused", asks: [{ kind: "approval", toolName: "delete_file" }] },
  ]);
});

test("of many runs the newest are told, and those that wait", async () => {
  const { janitor, runs } = await start({
    answer: ({ prompt, waitFor }) => (prompt === "wait" ? (waitFor("reason") as Promise<string>) : "done"),
  });
  const waits = janitor.start("wait", { mayWait: true });
  await expect.poll(() => janitor.waits.length).toBe(1);
  for (let round = 0; round < 60; round += 1) {
    await Promise.all(Array.from({ length: 10 }, () => janitor.start("x").result));
  }
  expect([runs().length, runs()[0]?.runId]).toEqual([500, waits.runId]);
  await janitor.answer(janitor.waits[0]?.token ?? "", "why");
  await waits.result;
});

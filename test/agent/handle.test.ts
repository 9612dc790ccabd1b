import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { Agent } from "../../src/agent/handle.ts";
import type { RunError } from "../../src/errors.ts";
import { rejection } from "../rpc/agent-server.ts";
import { startPoet, until } from "./fleet.ts";

test("the handle tells id, state, incarnation and pid of the moment", async () => {
  const fleet = await startPoet();
  const agent = fleet.agent();
  expect(agent).toBeInstanceOf(Agent);
  expect([agent.id, agent.state, agent.incarnation, agent.lastCrash]).toEqual(["poet", "starting", 1, undefined]);
  await agent.whenReady();
  expect([agent.state, agent.pid]).toEqual(["ready", fleet.launcher.worker("poet").pid]);
  await agent.stop();
  expect([agent.state, agent.pid]).toEqual(["stopped", undefined]);
});

test("a mistake in the call rejects run and is thrown by stream, before anything is queued", async () => {
  const fleet = await startPoet({}, { script: { start: "never" } });
  const agent = fleet.agent();
  const bad = { timeoutMs: 0 };
  expect(await rejection(agent.run("x", bad))).toMatchObject({ field: "options.timeoutMs" });
  expect(() => agent.stream("x", bad)).toThrow(/timeoutMs/);
  expect(await rejection(agent.run("x".repeat(1024 * 1024 + 1)))).toMatchObject({ code: "message_too_large" });
});

test("a full queue rejects run and is thrown by stream", async () => {
  const fleet = await startPoet({ maxQueue: 1 }, { script: { start: "never" } });
  const agent = fleet.agent();
  const waiting = rejection(agent.run("first"));
  expect(await rejection(agent.run("second"))).toMatchObject({ code: "queue_full" });
  expect(() => agent.stream("third")).toThrow(/queue_full/);
  await agent.stop();
  expect(await waiting).toMatchObject({ code: "agent_stopped" });
});

test("a stream goes through the agent's mailbox and worker", async () => {
  const fleet = await startPoet({}, { script: { answer: () => ({ chunks: ["a ", "b"] }) } });
  const texts: string[] = [];
  for await (const text of fleet.agent().stream("x").text()) texts.push(text);
  expect(texts).toEqual(["a ", "b"]);
  expect(fleet.agent().state).toBe("ready");
});

describe("whenReady", () => {
  test("settles at once for a worker that serves, and again after a crash", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.whenReady();
    await agent.whenReady();
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.crashed");
    await agent.whenReady();
    expect(agent.incarnation).toBe(2);
  });

  test("rejects when its time passes or its signal aborts, and leaves no timer", async () => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    const agent = fleet.agent();
    const timers = fleet.clock.pending;
    const late = rejection(agent.whenReady({ timeoutMs: 50 }));
    fleet.clock.advance(50);
    const error = await late;
    expect(error).toMatchObject({ code: "deadline_exceeded", kind: "deadline", agentId: "poet" });
    expect((error as Error).message).toContain("is starting, not ready, after 50 ms");
    const controller = new AbortController();
    const left = rejection(agent.whenReady({ signal: controller.signal, timeoutMs: 1_000 }));
    controller.abort("left");
    const facts = { code: "run_cancelled", kind: "cancelled", agentId: "poet", cause: "left" };
    expect(await left).toMatchObject(facts);
    expect(await rejection(agent.whenReady({ signal: AbortSignal.abort("gone") }))).toMatchObject({ cause: "gone" });
    expect(fleet.clock.pending).toBe(timers);
  });

  test.each([0, -1, 1.5])("refuses timeoutMs %s by name", async (timeoutMs) => {
    const fleet = await startPoet();
    expect(await rejection(fleet.agent().whenReady({ timeoutMs }))).toMatchObject({ field: "options.timeoutMs" });
  });

  test("rejects when the agent stops first", async () => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    const waiting = [rejection(fleet.agent().whenReady()), rejection(fleet.agent().whenReady({ timeoutMs: 9_000 }))];
    await fleet.agent().stop();
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "agent_stopped" });
    expect(await rejection(fleet.agent().whenReady())).toMatchObject({ code: "stopped" });
  });
});

test("a machine's time that is set meanwhile shortens no wait, and no start takes less than no time", async () => {
  const fleet = await startPoet();
  const described = fleet.agent().describe({ timeoutMs: 60_000 });
  fleet.clock.step(3_600_000);
  expect(await described).toMatchObject({ agentId: "poet" });
  const restarted = fleet.agent().restart();
  await until("the next worker", () => fleet.agent().incarnation === 2);
  fleet.clock.step(-3_600_000);
  await restarted;
  expect(fleet.reports.filter(({ type }) => type === "agent.ready")).toMatchObject([{ startMs: 0 }, { startMs: 0 }]);
});

test("describe waits for a worker and asks it", async () => {
  const fleet = await startPoet();
  expect(await fleet.agent().describe()).toMatchObject({ agentId: "poet", model: "fake", protocolVersion: 1 });
});

test.each([
  ["options", null],
  ["options.signal", { signal: {} }],
  ["options.timeoutMs", { timeoutMs: "5" }],
  ["options.timeout", { timeout: 5 }],
])("whenReady and describe refuse %s by name: %o", async (field, options) => {
  const agent = (await startPoet()).agent();
  const refused = { code: "invalid_argument", field };
  expect(await rejection(agent.whenReady(options as never))).toMatchObject(refused);
  expect(await rejection(agent.describe(options as never))).toMatchObject(refused);
});

test("a run is cancelled with a text or without a word", async () => {
  const agent = (await startPoet({}, { script: { answer: () => ({ hang: true }) } })).agent();
  const started = agent.start("x");
  const stream = agent.stream("x");
  for (const run of [started, stream]) {
    expect(() => run.cancel(7 as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "reason" }),
    );
    run.cancel();
    expect(await rejection(run.result)).toMatchObject({ code: "run_cancelled" });
  }
});

test("fetch refuses what is no request", async () => {
  const agent = (await startPoet()).agent();
  for (const request of [undefined, "http://localhost", {}]) {
    expect(await rejection(agent.fetch(request as never))).toMatchObject({
      code: "invalid_argument",
      field: "request",
    });
  }
});

test("restart takes a reason that is a text", async () => {
  const fleet = await startPoet();
  expect(await rejection(fleet.agent().restart(7 as never))).toMatchObject({ field: "reason" });
});

test("stop is idempotent, also when the supervisor has ended", async () => {
  const fleet = await startPoet();
  await fleet.agent().whenReady();
  await Promise.all([fleet.agent().stop(), fleet.agent().stop()]);
  await fleet.agent().stop();
  await fleet.supervisor.stop();
  await fleet.agent().stop();
  await until("the end", () => fleet.agent().state === "stopped");
  expect(await rejection(fleet.agent().restart())).toMatchObject({ code: "stopped" });
});

test("fifty thousand runs that wait are one listener of their signal, and all of them hear it", async () => {
  const fleet = await startPoet({ maxQueue: 100_000 }, { script: { start: "never" } });
  const agent = fleet.agent();
  const controller = new AbortController();
  const { signal } = controller;
  const codes: string[] = [];
  const runs = Array.from({ length: 50_000 }, () =>
    agent.run("waits", { signal }).catch((error: RunError) => void codes.push(error.code)),
  );
  const ready = rejection(agent.whenReady({ signal }));
  expect([getEventListeners(signal, "abort").length, agent.queueLength]).toEqual([1, 50_000]);
  controller.abort();
  await Promise.all(runs);
  expect(await ready).toMatchObject({ code: "run_cancelled" });
  expect([new Set(codes), codes.length, agent.queueLength]).toEqual([new Set(["run_cancelled"]), 50_000, 0]);
});

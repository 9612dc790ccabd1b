import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { CrashRecord } from "../../src/crash.ts";
import type { WorkerError } from "../../src/errors.ts";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { startFleet, startPoet } from "./fleet.ts";

const crashOf = (reason: unknown) => reason as CrashRecord;

describe("a crash", () => {
  test("of a worker that exits with code 0 is a normal exit: a transient agent stays down", async () => {
    const fleet = await startPoet({ restart: "transient" });
    const agent = fleet.agent();
    await agent.whenReady();
    fleet.launcher.worker("poet").crash({ exitCode: 0 });
    const { reason, decision } = await fleet.report("child.exited");
    expect([reason, decision.type]).toEqual(["normal", "leave"]);
    await fleet.report("agent.stopped");
    expect(agent.state).toBe("stopped");
    expect(await rejection(agent.run("x"))).toMatchObject({ code: "stopped" });
  });

  test("beyond the limit ends the agent: waiting runs and later ones learn why", async () => {
    // A start that is killed from outside is a crash; one that fails by itself is not counted, see below.
    const script: FakeWorkerScript = { start: { signal: "SIGTERM" } };
    const fleet = await startPoet({}, { script, supervisor: { maxRestarts: 2 } });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const ready = rejection(agent.whenReady());
    expect(await fleet.supervisor.ended).toBe("shutdown");
    for (const error of [await waiting, await ready, await rejection(agent.run("later"))]) {
      expect(error).toMatchObject({
        code: "restart_intensity_exceeded",
        crash: { signal: "SIGTERM", incarnation: 3 },
        cause: { code: "worker_exited" },
      });
    }
    expect([agent.state, agent.pid]).toEqual(["stopped", undefined]);
  });
});

describe("a start that fails", () => {
  const loadFailure = { kind: "module_missing", message: "no module poet", traceback: "Traceback: poet" } as const;

  test("because the agent cannot be loaded is not retried, and says so in Python's words", async () => {
    const fleet = await startFleet([{}, { id: "sibling", entry: "sibling.py:agent" }], {
      script: ({ agentId }) => (agentId === "poet" ? { start: { loadFailure } } : {}),
    });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const error = await rejection(agent.whenReady());
    expect(error).toMatchObject({ code: "entry_module_missing", pythonTraceback: "Traceback: poet" });
    expect(await waiting).toMatchObject({ code: "entry_module_missing" });
    expect(await rejection(agent.run("later"))).toMatchObject({ code: "entry_module_missing" });
    await fleet.report("child.start_failed");
    expect((await fleet.agent("sibling").run("alive")).output).toBe("alive");
    expect(fleet.launcher.workers.filter(({ spec }) => spec.agentId === "poet")).toHaveLength(1);
  });

  test("because the agent is not what its definition expects is not retried, names the fields, and ends the worker in order", async () => {
    const description = { outputSchema: { type: "object", properties: { total: { type: "string" } } } };
    const output = z.object({ total: z.number(), tax: z.number() });
    const fleet = await startFleet([{ output }, { id: "sibling", entry: "sibling.py:agent" }], {
      script: { description },
    });
    const error = await rejection(fleet.agent().run("never"));
    expect(error).toMatchObject({ code: "contract_mismatch", crash: { cause: "contract_mismatch", exitCode: 0 } });
    expect((error as WorkerError).crash?.contractFaults).toEqual([
      "output.total: the agent says string, the definition number",
      "output.tax: the agent has no such property, the definition says number",
    ]);
    for (const fault of (error as WorkerError).crash?.contractFaults ?? [])
      expect((error as Error).message).toContain(fault);
    await fleet.report("child.start_failed");
    expect((await fleet.agent("sibling").run("alive")).output).toBe("alive");
    expect(fleet.launcher.workers.filter(({ spec }) => spec.agentId === "poet")).toHaveLength(1);
    expect(fleet.launcher.worker("poet").runs).toEqual([]);
  });

  test("for an agent that has served before is tried again after a pause, by the policy and outside its limit", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation === 2 || incarnation === 3 ? { start: { loadFailure } } : {};
    const fleet = await startPoet({}, { script, supervisor: { maxRestarts: 1 } });
    await fleet.agent().whenReady();
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.crashed");
    const again = fleet.agent().run("again");
    const pauses: number[] = [];
    for (const incarnation of [2, 3]) {
      const { decision } = await fleet.report(
        "child.exited",
        ({ reason }) => crashOf(reason).incarnation === incarnation,
      );
      if (decision.type === "restart") pauses.push(decision.delayMs);
      expect(fleet.agent().state).toBe("restarting");
      fleet.clock.advance(decision.type === "restart" ? decision.delayMs - 1 : 0);
      expect(fleet.launcher.worker("poet").incarnation).toBe(incarnation);
      fleet.clock.advance(1);
    }
    expect(await again).toMatchObject({ incarnation: 4 });
    expect(pauses).toEqual([100, 200]);
    expect(fleet.agent().lastCrash).toMatchObject({ failedStarts: 2, decision: { type: "restart", delayMs: 200 } });
  });

  test.each([
    [
      "it cannot import what it needs",
      { loadFailure: { kind: "import_failed", message: "no grpc" } },
      "worker_import_failed",
    ],
    ["its interpreter ends at once", { exitCode: 1 }, "worker_start_failed"],
    ["an assertion ends it", { signal: "SIGABRT" }, "worker_start_failed"],
    ["there is no such program", { spawnFailed: "spawn ENOENT", errno: "ENOENT" }, "worker_spawn_failed"],
  ] as const)("because %s is not retried, and its sibling lives", async (_what, start, code) => {
    const fleet = await startFleet([{}, { id: "sibling", entry: "sibling.py:agent" }], {
      script: ({ agentId }) => (agentId === "poet" ? { start } : {}),
    });
    expect(await rejection(fleet.agent().run("never"))).toMatchObject({ code });
    await fleet.report("child.start_failed");
    expect((await fleet.agent("sibling").run("alive")).output).toBe("alive");
    expect(fleet.launcher.workers.filter(({ spec }) => spec.agentId === "poet")).toHaveLength(1);
  });

  test.each([
    ["it cannot be entered", { loadFailure: { kind: "warmup_failed", message: "tools are down", retriable: true } }],
    ["the machine has no process left", { spawnFailed: "spawn EAGAIN", errno: "EAGAIN" }],
    ["a fault struck", { signal: "SIGSEGV" }],
    ["it was asked to end", { exitCode: 0 }],
  ] as const)("because %s is retried from the first start on, and brings nobody down", async (_what, start) => {
    const fleet = await startFleet([{ restart: "transient" }, { id: "sibling", entry: "sibling.py:agent" }], {
      script: ({ agentId, incarnation }) => (agentId === "poet" && incarnation <= 6 ? { start } : {}),
    });
    const { output, incarnation } = await fleet.whileTimePasses(fleet.agent().run("at last"));
    expect([output, incarnation]).toEqual(["at last", 7]);
    expect(fleet.reports.filter(({ type }) => type === "supervisor.gave_up")).toEqual([]);
    expect((await fleet.agent("sibling").run("alive")).incarnation).toBe(1);
    const pauses = fleet.reports.flatMap((report) =>
      report.type === "child.exited" && report.decision.type === "restart" ? [report.decision.delayMs] : [],
    );
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200]);
  });

  test("again and again is told to who waits after the eighth time, and the agent goes on trying", async () => {
    const start = { loadFailure: { kind: "warmup_failed", message: "tools are down", retriable: true } } as const;
    const fleet = await startPoet({}, { script: ({ incarnation }) => (incarnation <= 8 ? { start } : {}) });
    const agent = fleet.agent();
    const waits = [rejection(agent.run("never")), rejection(agent.whenReady())];
    for (const error of await fleet.whileTimePasses(Promise.all(waits))) {
      expect(error).toMatchObject({ code: "entry_warmup_failed", crash: { incarnation: 8, failedStarts: 8 } });
      expect((error as Error).message).toContain("8 starts in a row have failed; the next one in 12800 ms");
    }
    expect(agent.state).toBe("restarting");
    expect((await fleet.whileTimePasses(agent.run("at last"))).incarnation).toBe(9);
  });

  test("is the cause of the deadline of who waits", async () => {
    const start = { loadFailure: { kind: "warmup_failed", message: "tools are down", retriable: true } } as const;
    const fleet = await startPoet({}, { script: { start } });
    const agent = fleet.agent();
    const waits = [rejection(agent.run("x", { timeoutMs: 1_000 })), rejection(agent.whenReady({ timeoutMs: 1_000 }))];
    for (const error of await fleet.whileTimePasses(Promise.all(waits))) {
      expect(error).toMatchObject({ code: "deadline_exceeded", cause: { code: "entry_warmup_failed" } });
      expect((error as Error).message).toContain("tools are down");
    }
  });

  test("is not retried for a temporary agent, whose callers learn why", async () => {
    const start = { loadFailure: { kind: "warmup_failed", message: "tools are down", retriable: true } } as const;
    const fleet = await startPoet({ restart: "temporary" }, { script: { start } });
    expect(await rejection(fleet.agent().whenReady())).toMatchObject({ code: "entry_warmup_failed" });
  });

  test("is tried again at once by restart(), and counted anew", async () => {
    const start = { spawnFailed: "spawn EMFILE", errno: "EMFILE" } as const;
    const fleet = await startPoet({}, { script: ({ incarnation }) => (incarnation <= 2 ? { start } : {}) });
    await fleet.report("child.exited");
    const restarted = fleet.agent().restart();
    await fleet.report("child.exited", ({ reason }) => crashOf(reason).incarnation === 2);
    fleet.clock.advance(200);
    await restarted;
    expect(fleet.agent().incarnation).toBe(3);
  });

  test("in time is killed and counted", async () => {
    const fleet = await startPoet(
      { startTimeoutMs: 1_000 },
      { script: ({ incarnation }) => (incarnation === 1 ? { start: "never" } : {}) },
    );
    fleet.clock.advance(1_000);
    const { crash } = await fleet.report("agent.crashed");
    expect(crash).toMatchObject({ cause: "start_timeout", uptimeMs: 1_000, wasReady: false });
    expect(await fleet.agent().run("then")).toMatchObject({ incarnation: 2 });
  });
});

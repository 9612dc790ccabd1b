import { describe, expect, test } from "vitest";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { startFleet, startPoet } from "./fleet.ts";

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
    const fleet = await startPoet({}, { script: { start: { exitCode: 3 } }, supervisor: { maxRestarts: 2 } });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const ready = rejection(agent.whenReady());
    expect(await fleet.supervisor.ended).toBe("shutdown");
    for (const error of [await waiting, await ready, await rejection(agent.run("later"))]) {
      expect(error).toMatchObject({
        code: "restart_intensity_exceeded",
        crash: { exitCode: 3, incarnation: 3 },
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

  test("for an agent that has served before is a crash, decided by the policy", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation === 2 ? { start: { loadFailure } } : {};
    const fleet = await startPoet({}, { script });
    await fleet.agent().whenReady();
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.crashed");
    expect(await fleet.agent().run("again")).toMatchObject({ incarnation: 3 });
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

  test("because no process could be made is counted too", async () => {
    const script: FakeWorkerScript = { start: { spawnFailed: "out of processes" } };
    const fleet = await startPoet({}, { script, supervisor: { maxRestarts: 1 } });
    const error = await rejection(fleet.agent().whenReady());
    expect(error).toMatchObject({
      code: "restart_intensity_exceeded",
      cause: { code: "worker_spawn_failed" },
      crash: { detail: "out of processes" },
    });
    await fleet.supervisor.ended;
  });
});

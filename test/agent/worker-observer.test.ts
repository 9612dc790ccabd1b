import { describe, expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { describeExitReason } from "../../src/otp/report/exit-reason.ts";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { hang, startPoet, until } from "./fleet.ts";

describe("a crash", () => {
  test("rejects the runs that the worker held, and the next worker serves those that waited", async () => {
    const fleet = await startPoet({ maxConcurrency: 1 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    const waiting = [agent.run("one"), agent.run("two")];
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    expect(agent.state).toBe("busy");
    fleet.launcher.worker("poet").crash({ exitCode: 7 });
    const error = await held;
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code: "worker_exited", exitCode: 7, agentId: "poet" });
    const results = await Promise.all(waiting);
    expect(results.map(({ output, incarnation }) => [output, incarnation])).toEqual([
      ["one", 2],
      ["two", 2],
    ]);
    const prompts = fleet.launcher.workers.map(({ runs }) => runs.map(({ prompt }) => prompt));
    expect(prompts).toEqual([["hang"], ["one", "two"]]);
  });

  test("is one record in the report, the rejected run and the handle, with the decision in it", async () => {
    const fleet = await startPoet({}, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    fleet.launcher.worker("poet").print("last words");
    fleet.launcher.worker("poet").crash();
    const error = (await held) as WorkerError;
    const { crash } = await fleet.report("agent.crashed");
    expect([error.crash === crash, agent.lastCrash === crash]).toEqual([true, true]);
    expect(crash).toMatchObject({
      cause: "signaled",
      signal: "SIGKILL",
      stderrTail: ["last words"],
      runsInFlight: [error.runId],
      decision: { type: "restart", because: "restart 1 of 3 allowed within 5000 ms" },
    });
    expect(crash.lastEvents.slice(0, 3)).toEqual(["worker.spawned", "worker.ready", "run.started"]);
  });

  test("before ready leaves the runs waiting for the next worker", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation < 3 ? { start: { signal: "SIGSEGV" } } : {};
    const fleet = await startPoet({}, { script });
    expect(await fleet.whileTimePasses(fleet.agent().run("patient"))).toMatchObject({
      output: "patient",
      incarnation: 3,
      attempts: 1,
    });
    expect(fleet.reports.filter(({ type }) => type === "agent.crashed")).toHaveLength(2);
  });
});

test("memory that was short is a cause of its own, after which the next worker starts", async () => {
  const fleet = await startPoet({}, { script: hang });
  const agent = fleet.agent();
  await agent.whenReady();
  const held = rejection(agent.run("hang"));
  await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
  fleet.launcher.worker("poet").crash({ signal: "SIGKILL", outOfMemory: true });
  expect(await held).toMatchObject({ code: "worker_exited", crash: { cause: "out_of_memory" } });
  const { crash } = await fleet.report("agent.crashed");
  expect(crash.describe).toMatch(/^its worker \(pid \d+\) ran out of memory and was ended by SIGKILL after \d+ ms$/);
  expect((await agent.run("next")).incarnation).toBe(2);
});

test("a crash has a fingerprint of each run, which is that of the same prompt and options in every worker", async () => {
  const fleet = await startPoet({}, { script: hang });
  const agent = fleet.agent();
  const prints: (readonly string[])[] = [];
  for (const incarnation of [1, 2]) {
    await agent.whenReady();
    const held = [
      rejection(agent.run("hang", { instructions: "as ever" })),
      rejection(agent.run("hang", { instructions: "in another way" })),
    ];
    await until("the runs", () => fleet.launcher.worker("poet").runs.length === 2);
    fleet.launcher.worker("poet").crash();
    await Promise.all(held);
    const { crash } = await fleet.report("agent.crashed", (report) => report.incarnation === incarnation);
    prints.push(crash.runFingerprints);
  }
  expect(prints[0]).toEqual(prints[1]);
  expect(new Set(prints[0]).size).toBe(2);
  expect(prints[0]?.[0]).toMatch(/^[0-9a-f]{16}$/);
});

describe("a lost connection", () => {
  test("of a process that lives gets it killed, with cause connection_lost and the record as ExitReason", async () => {
    const fleet = await startPoet({}, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    const worker = fleet.launcher.worker("poet");
    await until("the run", () => worker.runs.length === 1);
    worker.disconnect();
    await until("the loss", () => fleet.process().serving === undefined && fleet.clock.pending > 0);
    const later = agent.run("later");
    fleet.clock.advance(249);
    expect(agent.incarnation).toBe(1);
    fleet.clock.advance(1);
    expect(await worker.exited).toMatchObject({ cause: "killed" });
    const { crash } = await fleet.report("agent.crashed");
    expect(crash.cause).toBe("connection_lost");
    expect(await held).toMatchObject({ code: "worker_connection_lost", crash });
    const { reason } = await fleet.report("child.exited");
    expect(reason).toBe(crash);
    expect(describeExitReason(reason)).toContain("could no longer be reached");
    expect(await later).toMatchObject({ output: "later", incarnation: 2 });
  });

  test("that never stood is told with the reason", async () => {
    const fleet = await startPoet();
    await fleet.agent().whenReady();
    const { launch } = fleet.launcher;
    // The next worker names a socket where nobody listens.
    fleet.launcher.launch = (spec) => {
      fleet.launcher.launch = launch;
      const worker = launch.call(fleet.launcher, spec);
      const started = worker.started.then((outcome) =>
        "exit" in outcome ? outcome : { ready: { ...outcome.ready, socketPath: "/tmp/synapse-nobody-listens" } },
      );
      const { incarnation, pid, exited } = worker;
      const releaseSocket = () => worker.releaseSocket();
      return {
        incarnation,
        pid,
        exited,
        started,
        releaseSocket,
        stop: (...given) => worker.stop(...given),
        kill: () => worker.kill(),
        usage: () => worker.usage(),
        dumpStacks: () => worker.dumpStacks(),
      };
    };
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.crashed");
    const later = fleet.agent().run("later");
    const { crash } = await fleet.whileTimePasses(
      fleet.report("agent.crashed", (report) => report.crash.incarnation === 2),
    );
    expect(crash.cause).toBe("connection_lost");
    expect(crash.describe).toMatch(
      /said that it is ready, could not be reached and was killed after \d+ ms: .*nobody-listens/,
    );
    expect(await fleet.whileTimePasses(later)).toMatchObject({ output: "later", incarnation: 3 });
  });

  test("that is the first sign of an exit is told as the exit", async () => {
    const fleet = await startPoet();
    await fleet.agent().whenReady();
    const worker = fleet.launcher.worker("poet");
    worker.disconnect();
    await until("the loss", () => fleet.process().serving === undefined);
    worker.crash({ exitCode: 9 });
    expect((await fleet.report("agent.crashed")).crash).toMatchObject({ cause: "exited", exitCode: 9 });
    fleet.clock.advance(1_000);
    expect(await fleet.agent().run("next")).toMatchObject({ incarnation: 2 });
  });
});

import { describe, expect, test } from "vitest";
import type { RestartPolicy } from "../../../src/otp/policy/restart-policy.ts";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import type { ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { call } from "../../../src/otp/request/call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { ChildScope, RunningChild } from "../../../src/otp/supervisor/running-child.ts";
import { startDynamicSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet } from "../scripted.ts";
import { counted, listed, rejection } from "../support.ts";

/** A policy that restarts after so long. */
const restartAfter =
  (delayMs: number): RestartPolicy =>
  (state) => ({ decision: { type: "restart", delayMs, because: "the test says so" }, state });

/** A child with a stable identity, as an agent is: it ends, waits, and is begun again. */
function resident(id: string, options: Partial<ChildSpec> = {}) {
  const calls: string[] = [];
  let scope!: ChildScope;
  const spec = {
    id,
    ...options,
    start(given: ChildScope): RunningChild {
      scope = given;
      calls.push("start");
      return {
        ref: id,
        actor: given.supervisor,
        stop: (reason) => {
          calls.push("stop");
          given.exited(reason);
        },
        kill: () => {
          calls.push("kill");
          given.exited("killed");
        },
        resident: {
          halt: (reason) => {
            calls.push("halt");
            given.exited(reason);
          },
          restart: (delayMs) => void calls.push(`restart after ${delayMs}`),
          decided: ({ type }) => void calls.push(`decided ${type}`),
        },
      };
    },
  } as ChildSpec;
  return {
    spec,
    calls,
    ends: (reason: ExitReason) => scope.exited(reason),
    fails: (reason: ExitReason) => scope.startFailed(reason),
  };
}

describe("resident children", () => {
  test("one that ends is told the decision, then begun again with its delay; its ref stays", async () => {
    const { supervise } = createWorld();
    const a = resident("a");
    const supervisor = await supervise({ policy: restartAfter(200), children: [a.spec] });
    a.ends("died");
    expect(a.calls).toEqual(["start", "decided restart", "restart after 200"]);
    expect(supervisor.whichChild("a")).toMatchObject({ ref: "a", status: "running" });
    await supervisor.stop();
  });

  test("one that is left down is stopped, and its specification kept", async () => {
    const { supervise } = createWorld();
    const a = resident("a", { restart: "transient" });
    const supervisor = await supervise({ children: [a.spec] });
    a.ends("normal");
    await quiet();
    expect(a.calls).toEqual(["start", "decided leave", "stop"]);
    expect(listed(supervisor)).toEqual(["a stopped"]);
    expect(await supervisor.restartChild("a")).toBe("a");
    await supervisor.stop();
  });

  test("one_for_all halts its siblings and begins all of them again", async () => {
    const { supervise } = createWorld();
    const [a, b] = [resident("a"), resident("b")];
    const supervisor = await supervise({ strategy: "one_for_all", children: [a.spec, b.spec] });
    a.ends("died");
    await quiet();
    expect(a.calls).toEqual(["start", "decided restart", "restart after 0"]);
    expect(b.calls).toEqual(["start", "halt", "restart after 0"]);
    await supervisor.stop();
  });

  test("one whose first start fails for good is stopped and kept, without a restart", async () => {
    const { supervise, reports } = createWorld();
    const a = resident("a");
    const supervisor = await supervise({ children: [a.spec] });
    a.fails(new Error("no such module"));
    await quiet();
    expect(a.calls).toEqual(["start", "stop"]);
    expect(listed(supervisor)).toEqual(["a stopped"]);
    expect(reports.map(({ type }) => type)).toContain("child.start_failed");
    await supervisor.stop();
  });

  test("a supervisor that gives up stops them", async () => {
    const { supervise } = createWorld();
    const [a, b] = [resident("a"), resident("b")];
    const supervisor = await supervise({ maxRestarts: 0, children: [a.spec, b.spec] });
    a.ends("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(a.calls).toEqual(["start", "decided give_up", "stop"]);
    expect(b.calls).toEqual(["start", "stop"]);
  });
});

describe("delays", () => {
  test("a restart that waits can be cancelled by terminateChild and by stop", async () => {
    const { supervise, script, clock } = createWorld();
    const a = script("a");
    const supervisor = await supervise({ policy: restartAfter(200), children: [a.spec] });
    await a.end("died");
    expect([listed(supervisor), clock.pending]).toEqual([["a restarting"], 1]);
    await supervisor.terminateChild("a");
    expect([listed(supervisor), clock.pending]).toEqual([["a stopped"], 0]);
    clock.advance(200);
    await quiet();
    expect(a.refs).toHaveLength(1);
    await supervisor.restartChild("a");
    await a.end("died");
    await supervisor.stop();
    expect(clock.pending).toBe(0);
  });

  test("a restart that fails is decided anew, with its delay", async () => {
    const { supervise, script, clock } = createWorld();
    const a = script("a");
    const supervisor = await supervise({ policy: restartAfter(200), children: [a.spec] });
    a.fail = 2;
    await a.end("died");
    for (const left of [2, 1, 0]) {
      expect([a.fail, a.refs.length]).toEqual([left, 1]);
      clock.advance(200);
      await quiet();
    }
    expect(a.refs).toHaveLength(2);
    await supervisor.stop();
  });

  test("a delay longer than a timer can take is the longest; a negative one is none", async () => {
    const { supervise, script, clock } = createWorld();
    const [a, b] = [script("a"), script("b")];
    const supervisor = await supervise({
      policy: (state, { childId }) =>
        restartAfter(childId === "a" ? Number.POSITIVE_INFINITY : -1)(state, {} as never, 0),
      children: [a.spec, b.spec],
    });
    await a.end("died");
    await b.end("died");
    expect([a.refs.length, b.refs.length]).toEqual([1, 2]);
    clock.advance(2_147_483_647);
    await quiet();
    expect(a.refs).toHaveLength(2);
    await supervisor.stop();
  });
});

test("a policy of the user's may restart even a temporary child", async () => {
  const { supervise, superviseDynamic, script } = createWorld();
  const [a, b] = [script("a", { restart: "temporary" }), script("b", { restart: "temporary" })];
  const supervisor = await supervise({ policy: restartAfter(0), children: [a.spec] });
  const dynamic = await superviseDynamic({ policy: restartAfter(0) });
  await dynamic.startChild(b.spec);
  await a.end("died");
  await b.end("died");
  expect([a.refs.length, b.refs.length]).toEqual([2, 2]);
  expect([counted(supervisor), counted(dynamic)]).toEqual(["1/1/0/1", "1/1/0/1"]);
  await Promise.all([supervisor.stop(), dynamic.stop()]);
});

test("a name that is taken fails the start and leaves nothing", async () => {
  const { supervise, runtime } = createWorld();
  const first = await startSupervisor({}, { runtime, name: "taken" });
  const error = await rejection(startDynamicSupervisor({}, { runtime, name: "taken" }));
  expect(error).toMatchObject({ code: "already_started", value: first.process });
  expect(runtime.processCount).toBe(1);
  await first.stop();
  await (await supervise({})).stop();
  expect(runtime.names.size).toBe(0);
});

test("a call to a supervisor is refused, and it lives on", async () => {
  const { supervise, inProcess } = createWorld();
  const supervisor = await supervise({});
  await expect(inProcess(() => call(supervisor.process, "anything"))).rejects.toThrow("takes no calls");
  expect(supervisor.process.alive).toBe(true);
  await supervisor.stop();
});

test("its machine shows what it does: starting, running with its last decision, stopped", async () => {
  const { supervise, script } = createWorld();
  const a = script("a");
  const supervisor = await supervise({ strategy: "one_for_all", children: [a.spec] });
  expect(supervisor).toBeInstanceOf(Supervisor);
  await a.end("died");
  expect(supervisor.actor.getSnapshot()).toMatchObject({
    value: "running",
    context: {
      id: "supervisor",
      strategy: "one_for_all",
      children: 1,
      restarts: 1,
      lastExit: { childId: "a", reason: "died", decision: "restart", because: "restart 1 of 3 allowed within 5000 ms" },
    },
  });
  await supervisor.stop();
  expect(supervisor.actor.getSnapshot()).toMatchObject({ value: "stopped", context: { reason: "shutdown" } });
});

test("a wall clock that is set back keeps no restart in the window", async () => {
  const world = createWorld();
  const a = world.script("a");
  const supervisor = await world.supervise({ maxRestarts: 2, periodMs: 1_000, children: [a.spec] });
  await a.end("died");
  await a.end("died");
  world.clock.step(-3_600_000);
  for (let crash = 0; crash < 4; crash += 1) {
    world.clock.advance(2_000);
    await a.end("died");
  }
  expect([supervisor.process.alive, a.ref.alive]).toEqual([true, true]);
  await supervisor.stop();
});

describe("what is not the supervisor's doing", () => {
  const child: ChildSpec = { id: "a", logic: fromGenServer({ init: (_input: undefined) => ({ state: 0 }) }) };

  test.each([
    ["nothing", undefined],
    ["a promise", Promise.resolve({ decision: { type: "restart", delayMs: 0, because: "late" }, state: 0 })],
    ["an unknown decision", { decision: { type: "wait" }, state: 0 }],
    ["a restart without its pause", { decision: { type: "restart", because: "now" }, state: 0 }],
    ["a pause that is no number", { decision: { type: "restart", delayMs: Number.NaN, because: "now" }, state: 0 }],
  ])(
    "a policy that answers %s is not trusted: the restart intensity answers, and it is told",
    async (_what, answer) => {
      const { runtime, reports } = createWorld();
      const spec = { maxRestarts: 1, children: [child], policy: () => answer as never };
      const supervisor = await startSupervisor(spec, { runtime });
      exit(supervisor.whichChild("a").ref as Process, "kill");
      await quiet();
      exit(supervisor.whichChild("a").ref as Process, "kill");
      expect(await supervisor.ended).toBe("shutdown");
      const because = (type: string) =>
        reports.flatMap((report) => (report.type === type && "because" in report ? [report.because] : []));
      const told = expect.stringMatching(/^the policy answered .*: it must be \{ decision, state \}, at once$/);
      expect(because("policy.failed")).toEqual([told, told]);
      expect(because("supervisor.gave_up")).toEqual([
        expect.stringMatching(/^the policy answered .*; restart 2 within 5000 ms exceeds maxRestarts 1$/),
      ]);
    },
  );

  test("an onReport that throws is a warning, and children are restarted as ever", async () => {
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    const onReport = () => {
      throw new Error("raised by the supervisor's reader");
    };
    const supervisor = await startSupervisor({ children: [child] }, { onReport });
    const first = supervisor.whichChild("a").ref;
    exit(first as Process, "kill");
    await quiet();
    expect(supervisor.whichChild("a").status).toBe("running");
    expect(supervisor.whichChild("a").ref).not.toBe(first);
    await supervisor.stop();
    expect((await warned).message).toContain("raised by the supervisor's reader");
  });

  test("a defect in what it does ends it, so that its own supervisor decides", async () => {
    const { runtime, reports } = createWorld();
    // A child that breaks its contract: it throws when it is asked to end.
    const stubborn: ChildSpec = {
      id: "stubborn",
      start: ({ supervisor: actor }) => ({
        ref: "stubborn",
        actor,
        stop() {
          throw new Error("does not let itself be stopped");
        },
        kill: () => undefined,
      }),
    };
    const supervisor = await startSupervisor({ strategy: "one_for_all", children: [stubborn, child] }, { runtime });
    exit(supervisor.whichChild("a").ref as Process, "kill");
    await quiet();
    expect(supervisor.process.exitReason).toMatchObject({ message: "does not let itself be stopped" });
    expect(reports).toContainEqual(
      expect.objectContaining({ type: "process.crashed", process: supervisor.process.toString() }),
    );
  });

  test("a stop with a promise as its reason settles with an error that carries it", async () => {
    const { runtime } = createWorld();
    const supervisor = await startSupervisor({ children: [child] }, { runtime });
    const reason = new Promise(() => undefined);
    expect(await supervisor.stop(reason)).toMatchObject({ cause: reason });
    expect(supervisor.process.exitReason).toBe(reason);
  });
});

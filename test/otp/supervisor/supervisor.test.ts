import { describe, expect, test } from "vitest";
import { type AnyActorRef, createMachine, fromCallback, fromPromise, type InspectionEvent } from "xstate";
import { ProcessError } from "../../../src/errors.ts";
import type { ExitReason } from "../../../src/otp/report/exit-reason.ts";
import type { SupervisorReport } from "../../../src/otp/report/supervisor-report.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { ChildScope, RunningChild } from "../../../src/otp/supervisor/running-child.ts";
import type { SupervisorSpec } from "../../../src/otp/supervisor/spec.ts";
import { defineSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createVirtualClock } from "../../../src/testing/virtual-clock.ts";

/** A child that does what the test says and writes down what happens to it. */
function puppet(
  id: string,
  log: string[],
  options: Partial<ChildSpec> & { slow?: boolean; failStarts?: () => boolean } = {},
) {
  const { slow = false, failStarts, ...spec } = options;
  const exits: ((reason: ExitReason) => void)[] = [];
  let starts = 0;
  const child: ChildSpec = {
    id,
    ...spec,
    start(scope: ChildScope): RunningChild {
      if (failStarts?.() === true) {
        log.push(`fail ${id}`);
        throw new Error(`start of ${id} fails`);
      }
      starts += 1;
      log.push(`start ${id}`);
      exits.push(scope.exited);
      return {
        ref: `${id}#${starts}`,
        actor: scope.supervisor as AnyActorRef,
        stop: (reason) => {
          log.push(`stop ${id}`);
          if (!slow) scope.exited(reason);
        },
        kill: () => {
          log.push(`kill ${id}`);
          scope.exited("killed");
        },
      };
    },
  };
  return { child, exit: (reason: ExitReason) => exits.at(-1)?.(reason), starts: () => starts };
}

async function supervise(spec: Omit<SupervisorSpec, "id">) {
  const clock = createVirtualClock();
  const reports: SupervisorReport[] = [];
  const onReport = (report: unknown) => reports.push(report as SupervisorReport);
  const supervisor = await startSupervisor(spec, { clock, onReport });
  return { supervisor, clock, reports };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("order", () => {
  test("children start in order and stop in reverse order", async () => {
    const log: string[] = [];
    const children = ["c", "a", "b"].map((id) => puppet(id, log).child);
    const { supervisor } = await supervise({ children });
    await supervisor.stop();
    expect(log).toEqual(["start c", "start a", "start b", "stop b", "stop a", "stop c"]);
  });

  test("a nested supervisor starts and stops depth first", async () => {
    const log: string[] = [];
    const inner = defineSupervisor({ id: "n", children: [puppet("n1", log).child, puppet("n2", log).child] });
    const { supervisor } = await supervise({ children: [puppet("a", log).child, inner, puppet("z", log).child] });
    await supervisor.stop();
    expect(log.slice(0, 4)).toEqual(["start a", "start n1", "start n2", "start z"]);
    expect(log.slice(4)).toEqual(["stop z", "stop n2", "stop n1", "stop a"]);
  });

  test("a start that fails stops those that run, in reverse order, and is not retried", async () => {
    const log: string[] = [];
    const bad = puppet("c", log, { failStarts: () => true });
    const spec = { children: [puppet("a", log).child, puppet("b", log).child, bad.child, puppet("d", log).child] };
    const error = await startSupervisor(spec).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProcessError);
    expect(error).toMatchObject({ code: "start_failed", cause: { message: "start of c fails" } });
    expect(log).toEqual(["start a", "start b", "fail c", "stop b", "stop a"]);
  });
});

describe("one_for_one", () => {
  test("a crashed child comes back alone", async () => {
    const log: string[] = [];
    const [a, b] = [puppet("a", log), puppet("b", log)];
    const { supervisor, reports } = await supervise({ children: [a.child, b.child] });
    a.exit(new Error("crash of a"));
    expect([a.starts(), b.starts()]).toEqual([2, 1]);
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 0, workers: 2 });
    const exited = reports.find((report) => report.type === "child.exited");
    expect(exited).toMatchObject({
      offender: { childId: "a", path: "supervisor/a" },
      decision: { type: "restart", because: "restart 1 of 3 allowed within 5000 ms" },
    });
    await supervisor.stop();
  });

  test.each([
    ["permanent", "normal", 2],
    ["permanent", "died", 2],
    ["transient", "normal", 1],
    ["transient", { shutdown: "x" }, 1],
    ["transient", "died", 2],
    ["temporary", "died", 1],
  ] as const)("%s child that ends with %o has been started %i times", async (restart, reason, starts) => {
    const a = puppet("a", [], { restart });
    const { supervisor } = await supervise({ children: [a.child] });
    a.exit(reason);
    expect(a.starts()).toBe(starts);
    const specs = restart === "temporary" ? 0 : 1;
    expect(supervisor.countChildren()).toMatchObject({ specs, active: starts - 1 });
    await supervisor.stop();
  });

  test("more restarts than allowed stop all children in reverse order, without a hang", async () => {
    const log: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((id) => puppet(id, log)) as [
      ReturnType<typeof puppet>,
      ReturnType<typeof puppet>,
      ReturnType<typeof puppet>,
    ];
    const { supervisor, reports } = await supervise({ maxRestarts: 1, children: [a.child, b.child, c.child] });
    b.exit("died");
    b.exit("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(log.slice(-2)).toEqual(["stop c", "stop a"]);
    expect(reports.map(({ type }) => type)).toContain("supervisor.gave_up");
    await expect(supervisor.startChild(puppet("d", log).child)).rejects.toMatchObject({ code: "stopped" });
  });

  test("an old restart leaves the window as time passes", async () => {
    const a = puppet("a", []);
    const { supervisor, clock } = await supervise({ maxRestarts: 1, periodMs: 1_000, children: [a.child] });
    for (let crash = 0; crash < 5; crash += 1) {
      a.exit("died");
      clock.advance(1_001);
    }
    expect(a.starts()).toBe(6);
    await supervisor.stop();
  });

  test("a restart that fails is one more restart, retried until the limit", async () => {
    const log: string[] = [];
    let broken = false;
    const a = puppet("a", log, { failStarts: () => broken });
    const { supervisor } = await supervise({ maxRestarts: 3, children: [a.child, puppet("b", log).child] });
    broken = true;
    a.exit("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(log.filter((line) => line === "fail a")).toHaveLength(3);
  });

  test("a policy that delays is obeyed in the clock's time", async () => {
    const a = puppet("a", []);
    const { supervisor, clock } = await supervise({
      policy: (state) => ({ decision: { type: "restart", delayMs: 200, because: "back off" }, state }),
      children: [a.child],
    });
    a.exit("died");
    expect(supervisor.whichChildren()).toEqual([{ id: "a", ref: undefined, status: "restarting", type: "worker" }]);
    clock.advance(199);
    expect(a.starts()).toBe(1);
    clock.advance(1);
    expect(a.starts()).toBe(2);
    await supervisor.stop();
  });

  test("a stop during the delay drops the restart", async () => {
    const a = puppet("a", []);
    const { supervisor, clock } = await supervise({
      policy: (state) => ({ decision: { type: "restart", delayMs: 200, because: "back off" }, state }),
      children: [a.child],
    });
    a.exit("died");
    await supervisor.stop();
    expect(clock.pending).toBe(0);
    clock.advance(1_000);
    expect(a.starts()).toBe(1);
  });
});

describe("strategies", () => {
  test("one_for_all stops the siblings in reverse order and starts all in order", async () => {
    const log: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((id) => puppet(id, log)) as [
      ReturnType<typeof puppet>,
      ReturnType<typeof puppet>,
      ReturnType<typeof puppet>,
    ];
    const { supervisor } = await supervise({ strategy: "one_for_all", children: [a.child, b.child, c.child] });
    log.length = 0;
    b.exit("died");
    await settled();
    expect(log).toEqual(["stop c", "stop a", "start a", "start b", "start c"]);
    await supervisor.stop();
  });

  test("rest_for_one leaves those before the crashed child alone", async () => {
    const log: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((id) => puppet(id, log)) as [
      ReturnType<typeof puppet>,
      ReturnType<typeof puppet>,
      ReturnType<typeof puppet>,
    ];
    const { supervisor } = await supervise({ strategy: "rest_for_one", children: [a.child, b.child, c.child] });
    log.length = 0;
    b.exit("died");
    await settled();
    expect(log).toEqual(["stop c", "start b", "start c"]);
    await supervisor.stop();
  });
});

describe("stopping", () => {
  test("a child that does not stop in time is killed and reported", async () => {
    const log: string[] = [];
    const slow = puppet("slow", log, { slow: true, shutdownMs: 100 });
    const { supervisor, clock, reports } = await supervise({ children: [slow.child] });
    const stopping = supervisor.stop();
    clock.advance(99);
    expect(log).not.toContain("kill slow");
    clock.advance(1);
    await stopping;
    expect(log.slice(-2)).toEqual(["stop slow", "kill slow"]);
    expect(reports).toContainEqual(expect.objectContaining({ type: "child.shutdown_error", reason: "killed" }));
  });

  test("brutal_kill asks for nothing", async () => {
    const log: string[] = [];
    const { supervisor } = await supervise({ children: [puppet("a", log, { shutdownMs: "brutal_kill" }).child] });
    await supervisor.stop();
    expect(log).toEqual(["start a", "kill a"]);
  });

  test("an exit that arrives while the supervisor stops restarts nobody", async () => {
    const log: string[] = [];
    const a = puppet("a", log);
    const slow = puppet("slow", log, { slow: true, shutdownMs: 1_000 });
    const { supervisor, clock } = await supervise({ children: [a.child, slow.child] });
    const stopping = supervisor.stop();
    a.exit("died");
    clock.advance(1_000);
    await stopping;
    expect(a.starts()).toBe(1);
  });
});

describe("administration", () => {
  test("a child's life by hand", async () => {
    const { supervisor } = await supervise({});
    const a = puppet("a", []);
    expect(await supervisor.startChild(a.child)).toBe("a#1");
    await expect(supervisor.startChild(a.child)).rejects.toMatchObject({ code: "already_started" });
    await expect(supervisor.deleteChild("a")).rejects.toMatchObject({ code: "already_started" });
    await supervisor.terminateChild("a");
    await supervisor.terminateChild("a");
    expect(supervisor.countChildren()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
    await expect(supervisor.startChild(a.child)).rejects.toMatchObject({ code: "already_present" });
    expect(await supervisor.restartChild("a")).toBe("a#2");
    await supervisor.terminateChild("a");
    await supervisor.deleteChild("a");
    for (const call of [supervisor.terminateChild("a"), supervisor.restartChild("a"), supervisor.deleteChild("a")]) {
      await expect(call).rejects.toMatchObject({ code: "not_found", value: "a" });
    }
    await supervisor.stop();
  });

  test("a dynamic start that fails keeps nothing", async () => {
    const { supervisor } = await supervise({});
    const bad = puppet("bad", [], { failStarts: () => true });
    await expect(supervisor.startChild(bad.child)).rejects.toMatchObject({ code: "start_failed" });
    expect(supervisor.whichChildren()).toEqual([]);
    await supervisor.stop();
  });
});

describe("plain XState children", () => {
  test("logic that knows nothing of supervision is restarted when it crashes", async () => {
    let lives = 0;
    const crashing = fromCallback(({ receive }) => {
      lives += 1;
      receive(() => {
        throw new Error("callback child crashed");
      });
    });
    const { supervisor } = await supervise({ children: [{ id: "cb", logic: crashing }] });
    const [first] = supervisor.whichChildren();
    const { actor } = (first as { ref: { actor: AnyActorRef } }).ref;
    actor.send({ type: "boom" });
    expect(lives).toBe(2);
    expect(supervisor.whichChildren()[0]?.ref).not.toBe(first?.ref);
    await supervisor.stop();
  });

  test("a promise that resolves ends normally: a transient child stays down", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { supervisor, reports } = await supervise({
      children: [{ id: "job", restart: "transient", logic: fromPromise(() => promise) }],
    });
    resolve();
    await expect.poll(() => reports.find(({ type }) => type === "child.exited")).toMatchObject({ reason: "normal" });
    expect(supervisor.countChildren()).toMatchObject({ specs: 1, active: 0 });
    await supervisor.stop();
  });

  test("machines under a supervisor are seen by an inspector, with their parent", async () => {
    const events: InspectionEvent[] = [];
    const machine = createMachine({ id: "light", initial: "red", states: { red: {} } });
    const supervisor = await startSupervisor(
      { children: [{ id: "light", logic: machine }] },
      { inspect: (event) => void events.push(event) },
    );
    const actors = events.filter((event) => event.type === "@xstate.actor").map((event) => event.actorRef);
    const light = actors.find((actor) => (actor as AnyActorRef).id === "light") as AnyActorRef | undefined;
    expect((light as unknown as { _parent: AnyActorRef })._parent).toBe(supervisor.actor);
    await supervisor.stop();
  });
});

test("the tree is data: paths, states and restarts", async () => {
  const a = puppet("a", []);
  const inner = defineSupervisor({ id: "inner", children: [a.child] });
  const { supervisor } = await supervise({ children: [inner] });
  a.exit("died");
  expect(supervisor.tree()).toMatchObject({
    path: "supervisor",
    state: "running",
    children: [
      { id: "inner", type: "supervisor", state: "running", children: [{ path: "supervisor/inner/a", restarts: 1 }] },
    ],
  });
  await supervisor.stop();
});

test("a policy that throws is told, and the restart intensity answers in its place", async () => {
  const a = puppet("a", []);
  const policy = () => {
    throw new Error("the policy is broken");
  };
  const { supervisor, reports } = await supervise({ maxRestarts: 1, children: [a.child], policy });
  a.exit("died");
  await settled();
  expect([a.starts(), supervisor.process.alive]).toEqual([2, true]);
  a.exit("died");
  expect(await supervisor.ended).toBe("shutdown");
  const because = "the policy threw: Error: the policy is broken";
  const failed = reports.filter((report) => report.type === "policy.failed");
  const told = { policy: "supervisor", because, error: expect.objectContaining({ message: "the policy is broken" }) };
  expect(failed).toMatchObject([told, told]);
  const gaveUp = reports.find((report) => report.type === "supervisor.gave_up");
  expect(gaveUp).toMatchObject({ because: `${because}; restart 2 within 5000 ms exceeds maxRestarts 1` });
});

test("a kill starts nobody again and ends a start that hangs", async () => {
  const log: string[] = [];
  const hanging = { id: "hangs", start: () => new Promise<never>(() => undefined) };
  const { supervisor } = await supervise({ children: [puppet("a", log).child] });
  const starting = supervisor.startChild(hanging).catch((error: unknown) => error);
  supervisor.kill();
  expect(await supervisor.ended).toBe("killed");
  expect(await starting).toMatchObject({ code: "start_failed" });
  expect(log).toEqual(["start a", "kill a"]);
});

/** Conformance rows S112 to S122: restarts that fail for ever, counts, scale, and what is reported. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import type { SupervisorReport } from "../../../src/otp/report/supervisor-report.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { deleteChild, restartChild } from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet, type Script } from "../scripted.ts";
import { bystander, counted, listed } from "../support.ts";

/** Restarts so many that a loop does not end by itself. */
const endless = { maxRestarts: 1_000_000_000, periodMs: 10_000 };

/** Its start takes a turn, so that not much of the loop happens meanwhile. */
const slow = { slow: true };

/** A child whose every start fails from now on, and which has crashed. */
async function loop(child: Script): Promise<void> {
  child.fail = Number.POSITIVE_INFINITY;
  await child.end("died");
}

/** Time this process has computed, in milliseconds: what others do on the machine does not count. */
function cpuMs(): number {
  return process.cpuUsage().user / 1_000;
}

describe("a child whose restart fails again and again", () => {
  test("S112 terminateChild ends the loop; once its start is mended, restartChild works", async () => {
    const { script, supervise, log } = createWorld();
    const child = script("child1", slow);
    const supervisor = await supervise({ ...endless, children: [child.spec] });
    await loop(child);
    expect(listed(supervisor)).toEqual(["child1 restarting"]);
    expect(counted(supervisor)).toBe("1/0/0/1");
    await supervisor.terminateChild("child1");
    expect(listed(supervisor)).toEqual(["child1 stopped"]);
    const fails = log.length;
    await quiet();
    expect(log).toHaveLength(fails);
    child.fail = 0;
    expect(await supervisor.restartChild("child1")).toBe(child.refs[1]);
    await supervisor.stop();
  });

  test("S112 meanwhile other requests are answered: restart, delete and start are already_present", async () => {
    const { script, supervise } = createWorld();
    const [child, other] = [script("child1", slow), script("other")];
    const supervisor = await supervise({ ...endless, children: [child.spec] });
    await loop(child);
    for (const request of [
      supervisor.restartChild("child1"),
      supervisor.deleteChild("child1"),
      supervisor.startChild(child.spec),
    ]) {
      await expect(request).rejects.toMatchObject({ code: "already_present", value: "child1" });
    }
    expect(await supervisor.startChild(other.spec)).toBe(other.ref);
    expect(listed(supervisor)).toEqual(["other ref", "child1 restarting"]);
    child.fail = 0;
    await quiet();
    expect(listed(supervisor)).toEqual(["other ref", "child1 ref"]);
    await supervisor.stop();
  });

  test("S112 stopping the supervisor ends the loop", async () => {
    const { script, supervise, runtime } = createWorld();
    const child = script("child1", slow);
    const supervisor = await supervise({ ...endless, children: [child.spec] });
    await loop(child);
    expect(await supervisor.stop()).toBe("shutdown");
    expect(runtime.processCount).toBe(0);
  });

  test("S114 rest_for_one: those before it run, those after it wait, and a stop does not hang", async () => {
    const { script, supervise } = createWorld();
    const [child1, child2, child3] = [script("child1", slow), script("child2", slow), script("child3", slow)];
    const children = [child1.spec, child2.spec, child3.spec];
    const supervisor = await supervise({ ...endless, strategy: "rest_for_one", children });
    await loop(child2);
    expect(listed(supervisor)).toEqual(["child3 stopped", "child2 restarting", "child1 ref"]);
    expect(counted(supervisor)).toBe("3/1/0/3");
    await supervisor.terminateChild("child2");
    expect(listed(supervisor)).toEqual(["child3 stopped", "child2 stopped", "child1 ref"]);
    expect(await supervisor.stop()).toBe("shutdown");
  });

  test("S114 one_for_all: all wait, and a stop does not hang", async () => {
    const { script, supervise } = createWorld();
    const [child1, child2, child3] = [script("child1", slow), script("child2", slow), script("child3", slow)];
    const children = [child1.spec, child2.spec, child3.spec];
    const supervisor = await supervise({ ...endless, strategy: "one_for_all", children });
    await loop(child2);
    expect(listed(supervisor)[0]).toBe("child3 stopped");
    expect(listed(supervisor)[1]).toBe("child2 restarting");
    expect(await supervisor.stop()).toBe("shutdown");
    expect([child1, child2, child3].map(({ ref }) => ref.alive)).toEqual([false, false, false]);
  });

  test("S115 under a dynamic supervisor its old ref ends the loop (adapted: DynamicSupervisor; restart and delete are refused)", async () => {
    const { script, superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic(endless);
    const child = script("child1", slow);
    await supervisor.startChild(child.spec);
    await loop(child);
    for (const request of [restartChild(supervisor, "child1"), deleteChild(supervisor, "child1")]) {
      await expect(request).rejects.toMatchObject({ code: "invalid_argument", field: "supervisor" });
    }
    expect(listed(supervisor)).toEqual(["- restarting"]);
    expect(counted(supervisor)).toBe("1/0/0/1");
    await supervisor.terminateChild(child.ref);
    expect(listed(supervisor)).toEqual([]);
    expect(await supervisor.stop()).toBe("shutdown");
  });

  test("S115 a dynamic supervisor that is stopped during the loop does not hang (adapted: DynamicSupervisor)", async () => {
    const { script, superviseDynamic, runtime } = createWorld();
    const supervisor = await superviseDynamic(endless);
    const child = script("child1", slow);
    await supervisor.startChild(child.spec);
    await loop(child);
    expect(await supervisor.stop()).toBe("shutdown");
    expect(runtime.processCount).toBe(0);
  });
});

test("a restart that fails is retried even when its reason is clean and the child transient", async () => {
  const world = createWorld();
  const refs: Process[] = [];
  let refusals = 0;
  const child: ChildSpec = {
    id: "child1",
    restart: "transient",
    start() {
      refusals -= 1;
      if (refusals >= 0) throw new Exit("shutdown");
      refs.push(bystander(world));
      return refs.at(-1);
    },
  };
  const supervisor = await world.supervise({ children: [child] });
  refusals = 2;
  exit(refs[0] as Process, "died");
  await quiet();
  expect(listed(supervisor)).toEqual(["child1 ref"]);
  expect([refusals, supervisor.whichChild("child1").ref]).toEqual([-1, refs[1]]);
  await supervisor.stop();
});

test("S118 restarting children are counted as workers, not as active (adapted: DynamicSupervisor; specs is the number of children)", async () => {
  const { script, superviseDynamic } = createWorld();
  const supervisor = await superviseDynamic(endless);
  const children = [script("1", slow), script("2", slow), script("3", slow)];
  for (const { spec } of children) await supervisor.startChild(spec);
  expect(counted(supervisor)).toBe("3/3/0/3");
  for (const child of children) await child.end("died");
  expect(counted(supervisor)).toBe("3/3/0/3");
  const [child1, child2] = children as [Script, Script, Script];
  await loop(child1);
  await loop(child2);
  expect(counted(supervisor)).toBe("3/1/0/3");
  for (const child of children) child.fail = 0;
  await quiet();
  expect(counted(supervisor)).toBe("3/3/0/3");
  for (const [index, { ref }] of children.entries()) {
    await supervisor.terminateChild(ref);
    const left = 2 - index;
    expect(counted(supervisor)).toBe(`${left}/${left}/0/${left}`);
  }
  await supervisor.stop();
});

describe("scale", () => {
  /**
   * The least of up to eight ratios of what many cost to what few cost; the first one below `enough` ends it. What is quadratic is above it each
   * time, what a busy machine does to one measurement is not done to all.
   */
  async function leastRatio(enough: number, cost: (count: number) => Promise<number>): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 8 && least >= enough; round += 1) {
      const fewMs = Math.max(await cost(500), 1);
      least = Math.min(least, (await cost(5_000)) / fewMs);
    }
    return least;
  }

  test("S119 stopping 5,000 dynamic children one by one costs at most 50 times as much as 500 (adapted: DynamicSupervisor, half the numbers)", async () => {
    const terminating = async (count: number): Promise<number> => {
      const { script, superviseDynamic } = createWorld();
      const supervisor = await superviseDynamic();
      const refs: unknown[] = [];
      const { spec } = script("child", { restart: "temporary" });
      for (let index = 0; index < count; index += 1) refs.push(await supervisor.startChild(spec));
      const beganMs = cpuMs();
      for (const ref of refs) await supervisor.terminateChild(ref);
      const tookMs = cpuMs() - beganMs;
      expect(counted(supervisor)).toBe("0/0/0/0");
      await supervisor.stop();
      return tookMs;
    };
    expect(await leastRatio(50, terminating)).toBeLessThan(50);
  });

  test("S120 starting and stopping 5,000 children costs at most 100 times as much as 500 (adapted: smaller numbers)", async () => {
    const timing = async (count: number): Promise<{ startMs: number; stopMs: number }> => {
      const { script, supervise } = createWorld();
      const supervisor = await supervise({});
      const { spec } = script("child");
      const beganMs = cpuMs();
      for (let index = 0; index < count; index += 1) await supervisor.startChild({ ...spec, id: String(index) });
      const startedMs = cpuMs();
      for (let index = 0; index < count; index += 1) await supervisor.terminateChild(String(index));
      const stoppedMs = cpuMs();
      expect(counted(supervisor)).toBe(`${count}/0/0/${count}`);
      await supervisor.stop();
      return { startMs: startedMs - beganMs, stopMs: stoppedMs - startedMs };
    };
    for (const phase of ["startMs", "stopMs"] as const) {
      expect(await leastRatio(100, async (count) => (await timing(count))[phase])).toBeLessThan(100);
    }
  });
});

describe("S122 reports are data that holds who, what and why (adapted: structured records; a report for each child, none grouped)", () => {
  async function reported(act: (about: Awaited<ReturnType<typeof prepare>>) => Promise<unknown>) {
    const about = await prepare();
    await act(about);
    return about.reports;
  }
  async function prepare() {
    const world = createWorld();
    const child = world.script("child1", { shutdownMs: 100, stopMs: "infinity" });
    const supervisor = await world.supervise({ id: "sup", maxRestarts: 1, children: [child.spec] });
    return { ...world, child, supervisor };
  }
  const offender = (child: Script, incarnation: number) => ({
    childId: "child1",
    path: "sup/child1",
    process: child.refs[incarnation - 1]?.toString(),
    type: "worker",
    restart: "permanent",
    shutdownMs: 100,
    incarnation,
  });
  const ofType = (reports: SupervisorReport[], type: SupervisorReport["type"]) =>
    reports.filter((report) => report.type === type);

  test("S122 child_terminated: the child, the reason, and what is done about it (adapted: structured records)", async () => {
    let expected: object | undefined;
    const reports = await reported(async ({ child, supervisor, clock }) => {
      clock.advance(5);
      await child.end("died");
      expected = offender(child, 1);
      supervisor.kill();
      await supervisor.ended;
    });
    expect(ofType(reports, "child.exited")).toEqual([
      {
        type: "child.exited",
        supervisor: "sup",
        atMs: 5,
        offender: expected,
        reason: "died",
        decision: { type: "restart", delayMs: 0, because: "restart 1 of 1 allowed within 5000 ms" },
      },
    ]);
  });

  test("S122 start_error, and shutdown when the supervisor gives up (adapted: structured records)", async () => {
    const reports = await reported(async ({ child, supervisor }) => {
      await loop(child);
      await supervisor.ended;
    });
    expect(ofType(reports, "child.start_failed")).toMatchObject([
      {
        supervisor: "sup",
        offender: { childId: "child1", type: "worker" },
        reason: { message: "start of child1 fails" },
      },
    ]);
    expect(ofType(reports, "supervisor.gave_up")).toMatchObject([
      { supervisor: "sup", offender: { childId: "child1" }, because: expect.stringContaining("exceeds maxRestarts 1") },
    ]);
    expect(ofType(reports, "supervisor.stopped")).toMatchObject([{ supervisor: "sup", reason: "shutdown" }]);
  });

  test("S122 shutdown_error: a child that had to be killed (adapted: structured records)", async () => {
    let expected: object | undefined;
    const reports = await reported(async ({ child, supervisor, clock }) => {
      const stopping = supervisor.stop();
      expected = offender(child, 1);
      await quiet();
      clock.advance(100);
      await stopping;
    });
    expect(ofType(reports, "child.shutdown_error")).toEqual([
      { type: "child.shutdown_error", supervisor: "sup", atMs: 100, offender: expected, reason: "killed" },
    ]);
  });

  test("S122 progress: the supervisor and the child it has started (adapted: structured records)", async () => {
    let expected: object | undefined;
    const reports = await reported(async ({ child, supervisor }) => {
      expected = offender(child, 1);
      supervisor.kill();
      await supervisor.ended;
    });
    expect(ofType(reports, "child.started")).toEqual([
      { type: "child.started", supervisor: "sup", atMs: 0, offender: expected, restarted: false },
    ]);
  });
});

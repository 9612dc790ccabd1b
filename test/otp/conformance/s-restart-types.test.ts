/** Conformance rows S71 to S85: restart type and exit reason. */

import { describe, expect, test } from "vitest";
import type { RestartType } from "../../../src/otp/report/supervisor-report.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { Strategy } from "../../../src/otp/supervisor/spec.ts";
import { defineSupervisor } from "../../../src/otp/supervisor/start.ts";
import { describeReport } from "../../../src/report-log.ts";
import { createWorld, type Script } from "../scripted.ts";
import { counted, listed, rejection } from "../support.ts";

/** A supervisor that allows 2 restarts an hour, with one child. */
async function supervised(restart: RestartType, strategy: Strategy = "one_for_one", maxRestarts = 2) {
  const world = createWorld();
  const child = world.script("child1", { restart });
  const supervisor = await world.supervise({ strategy, maxRestarts, periodMs: 3_600_000, children: [child.spec] });
  return { ...world, child, supervisor };
}

/** Ends the child with each reason in turn, starting it again by request where it stays down, and says what each end came to. */
async function fates(restart: RestartType, reasons: readonly (string | object)[]): Promise<string[]> {
  const { child, supervisor } = await supervised(restart);
  const found: string[] = [];
  for (const reason of reasons) {
    const before = child.ref;
    await child.end(reason);
    const back = listed(supervisor)[0] === "child1 ref" && child.ref !== before;
    found.push(`${back ? "restarted" : (listed(supervisor)[0] ?? "removed")} ${counted(supervisor)}`);
    if (found.at(-1)?.startsWith("child1 stopped") === true) await supervisor.restartChild("child1");
    if (found.at(-1)?.startsWith("removed") === true) await supervisor.startChild(child.spec);
    expect(child.ref.alive).toBe(true);
  }
  await supervisor.stop();
  return found;
}

const restarted = "restarted 1/1/0/1";
const kept = "child1 stopped 1/0/0/1";
const removed = "removed 0/0/0/0";
const shutdowns = ["shutdown", { shutdown: "info" }];

test("S71 a permanent child that ends normally is restarted", async () => {
  expect(await fates("permanent", ["normal"])).toEqual([restarted]);
});

test("S72 a transient child that ends normally is kept, not restarted", async () => {
  expect(await fates("transient", ["normal"])).toEqual([kept]);
});

test("S73 a temporary child that ends normally is removed", async () => {
  expect(await fates("temporary", ["normal"])).toEqual([removed]);
});

test("S74 a permanent child that ends with shutdown is restarted, and both forms count", async () => {
  expect(await fates("permanent", shutdowns)).toEqual([restarted, restarted]);
  const { child, supervisor } = await supervised("permanent");
  for (const reason of [...shutdowns, "shutdown"]) await child.end(reason);
  expect(await supervisor.ended).toBe("shutdown");
  expect(child.refs).toHaveLength(3);
});

test("S75 a transient child that ends with shutdown, in both forms, is kept and can be restarted", async () => {
  expect(await fates("transient", shutdowns)).toEqual([kept, kept]);
});

test("S76 a temporary child that ends with shutdown, in both forms, is removed and its id is free", async () => {
  expect(await fates("temporary", shutdowns)).toEqual([removed, removed]);
});

test("S77 a permanent child that crashes is restarted", async () => {
  expect(await fates("permanent", ["died"])).toEqual([restarted]);
});

test("S78 a transient child that crashes is restarted", async () => {
  expect(await fates("transient", ["died"])).toEqual([restarted]);
});

test("S79 a temporary child that crashes is removed", async () => {
  expect(await fates("temporary", ["died"])).toEqual([removed]);
});

test("reasons that are no clean end restart a transient child", async () => {
  for (const reason of ["killed", "kill", "noproc", "timeout", new Error("S79 raised"), { other: "shutdown" }]) {
    expect(await fates("transient", [reason])).toEqual([restarted]);
  }
});

test("S80 the error of a tree's start holds the cause of the child deep inside (adapted: the top-level start error)", async () => {
  const { supervise, runtime } = createWorld();
  const undef = new TypeError("S80 is not a function");
  const faulty: ChildSpec = {
    id: "faulty",
    start() {
      throw undef;
    },
  };
  const inner = defineSupervisor({ id: "inner", children: [faulty] });
  const failed = (childId: string, reason: unknown) => ({
    shutdown: { type: "failed_to_start_child", childId, reason },
  });
  const error = await rejection(supervise({ children: [inner] }));
  expect(error).toMatchObject({ code: "start_failed", reason: failed("inner", failed("faulty", undef)) });
  expect(error).toMatchObject({ cause: { cause: undef } });
  expect(runtime.processCount).toBe(0);
});

test("S81 a child started by request is reported at debug level only; above that the first report is its end (adapted: levels of the log)", async () => {
  const { script, supervise, reports } = createWorld();
  const supervisor = await supervise({});
  const child = script("child1");
  await supervisor.startChild(child.spec);
  await child.end("died");
  const levels = reports.map((report) => [report.type, describeReport(report)[0]]);
  expect(levels).toContainEqual(["child.started", "debug"]);
  expect(levels.find(([, level]) => level !== "debug")?.[0]).toMatch(/^(process\.crashed|child\.exited)$/);
  expect(levels.filter(([type]) => type === "child.started")).toHaveLength(2);
  await supervisor.stop();
});

const strategies: Strategy[] = ["one_for_one", "one_for_all", "rest_for_one"];
type End = "killed" | "normal" | "died" | "terminated";

async function endBy(how: End, child: Script, supervisor: { terminateChild(id: string): Promise<void> }) {
  if (how === "killed") await child.kill();
  else if (how === "terminated") await supervisor.terminateChild("child1");
  else await child.end(how);
}

describe.each(strategies)("%s: what is kept of a child", (strategy) => {
  test.each([
    ["S82 a permanent child that was killed runs again", "permanent", "killed", "already_started"],
    ["S82 a permanent child that ended runs again", "permanent", "normal", "already_started"],
    ["S82 a permanent child that crashed runs again", "permanent", "died", "already_started"],
    ["S82 a permanent child that was stopped by request is kept", "permanent", "terminated", "already_present"],
    ["S83 a transient child that was killed runs again", "transient", "killed", "already_started"],
    ["S83 a transient child that ended is kept", "transient", "normal", "already_present"],
    ["S83 a transient child that crashed runs again", "transient", "died", "already_started"],
    ["S83 a transient child that was stopped by request is kept", "transient", "terminated", "already_present"],
    ["S84 a temporary child that was killed is removed", "temporary", "killed", "settled"],
    ["S84 a temporary child that ended is removed", "temporary", "normal", "settled"],
    ["S84 a temporary child that crashed is removed", "temporary", "died", "settled"],
    ["S84 a temporary child that was stopped by request is removed", "temporary", "terminated", "settled"],
  ] as const)("%s", async (_title, restart, how, answer) => {
    const { child, supervisor } = await supervised(restart, strategy);
    await endBy(how, child, supervisor);
    const refs = child.refs.length;
    const answered = await rejection(supervisor.startChild(child.spec));
    if (answer === "settled") {
      expect(answered).toBe("settled");
      expect(child.refs).toHaveLength(2);
    } else if (answer === "already_started") {
      expect(answered).toMatchObject({ code: answer, value: child.refs[1] });
    } else {
      expect(answered).toMatchObject({ code: answer });
      expect(await supervisor.restartChild("child1")).toBe(child.refs[refs]);
    }
    await supervisor.stop();
  });
});

describe("what is kept of a temporary child's start", () => {
  /** A child whose start holds much. */
  const large = (restart: RestartType): ChildSpec => {
    const { spec } = createWorld().script("child", { restart, input: Array(1_000).fill("large") });
    return spec;
  };

  test.each(strategies)(
    "S85 %s: the start and its arguments of a temporary child are not retained, of others they are (adapted: asserts the stored spec, not the heap)",
    async (strategy) => {
      const { supervise } = createWorld();
      const supervisor = await supervise({ strategy });
      for (const restart of ["permanent", "transient", "temporary"] as const) {
        await supervisor.startChild({ ...large(restart), id: restart });
      }
      expect(supervisor.getChildSpec("temporary")).toMatchObject({ restart: "temporary", spec: undefined });
      expect(supervisor.getChildSpec("permanent").spec).toHaveProperty("input");
      expect(supervisor.getChildSpec("transient").spec).toHaveProperty("input");
      await supervisor.stop();
    },
  );

  test("S85 nor under a dynamic supervisor (adapted: DynamicSupervisor; asserts the stored spec, not the heap)", async () => {
    const { superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic();
    const temporary = await supervisor.startChild(large("temporary"));
    const permanent = await supervisor.startChild(large("permanent"));
    expect(supervisor.getChildSpec(temporary)).toMatchObject({ restart: "temporary", spec: undefined });
    expect(supervisor.getChildSpec(permanent).spec).toHaveProperty("input");
    await supervisor.stop();
  });

  test("S97 nor after another temporary child has ended (adapted: DynamicSupervisor; asserts the stored spec, not the heap)", async () => {
    const { superviseDynamic, script } = createWorld();
    const supervisor = await superviseDynamic();
    const first = script("first", { restart: "temporary" });
    await supervisor.startChild(first.spec);
    await first.end("died");
    const ref = await supervisor.startChild(large("temporary"));
    expect(supervisor.getChildSpec(ref).spec).toBeUndefined();
    expect(counted(supervisor)).toBe("1/1/0/1");
    await supervisor.stop();
  });
});

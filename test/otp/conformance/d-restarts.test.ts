/** Conformance rows D15 to D34: DynamicSupervisor, restarts and stops. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { start } from "../../../src/otp/start/start.ts";
import type { DynamicSupervisorSpec } from "../../../src/otp/supervisor/dynamic.ts";
import { countChildren, defineDynamicSupervisor, terminateChild } from "../../../src/otp/supervisor/start.ts";
import { counts, createWorld, quiet, recorder, type ScriptOptions, until, type World } from "../scripted.ts";

/** Puts something before a child's own input. */
function shared(extra: unknown): NonNullable<DynamicSupervisorSpec["prepare"]> {
  return (spec) => ("logic" in spec ? { ...spec, input: [extra, ...(spec.input as unknown[])] } : spec);
}

describe("restarts", () => {
  const reasons: ExitReason[] = ["shutdown", { shutdown: "x" }, "whatever"];

  test.each([
    ["D15 a temporary child is never restarted", "temporary", ["0/0", "0/0", "0/0"]],
    ["D16 a transient child is restarted after an abnormal end only", "transient", ["0/0", "0/0", "1/1"]],
    ["D17 a permanent child is always restarted", "permanent", ["1/1", "2/2", "3/3"]],
  ] as const)("%s", async (_title, restart, expected) => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic({ maxRestarts: 100 });
    const seen: string[] = [];
    for (const reason of reasons) {
      const child = world.script("child", { restart });
      const first = await supervisor.startChild(child.spec);
      await child.end(reason);
      const { workers, active } = supervisor.countChildren();
      seen.push(`${workers}/${active}`);
      expect(() => supervisor.whichChild(first)).toThrow(expect.objectContaining({ code: "not_found" }));
    }
    expect(seen).toEqual(expected);
    await supervisor.stop();
  });

  test("D18 a restart that answers ok, ignore, an error or junk: replaced, removed, and retried until it starts", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic({ maxRestarts: 1_000_000 });
    let answer = (): unknown => undefined;
    const replaced = world.script("replaced");
    const start = (): Process => answer() as Process;
    const next = async () => {
      const child = world.script("other");
      answer = () => startUnder(world, child.spec);
      const first = (await supervisor.startChild({ start })) as Process;
      const crash = async () => {
        exit(first, "kill");
        await quiet();
      };
      return { first, crash };
    };
    await supervisor.startChild(replaced.spec);
    await replaced.end("died");
    expect(supervisor.whichChild(replaced.ref).status).toBe("running");
    await supervisor.terminateChild(replaced.ref);
    const ignored = await next();
    answer = () => undefined;
    await ignored.crash();
    expect(counts(supervisor)).toEqual([0, 0, 0, 0]);
    for (const bad of [() => "junk", () => Promise.reject(new Exit("found"))]) {
      const child = await next();
      const good = answer;
      answer = bad;
      await child.crash();
      expect(supervisor.whichChildren()).toEqual([
        { id: undefined, ref: undefined, status: "restarting", type: "worker" },
      ]);
      expect(counts(supervisor)).toEqual([1, 0, 0, 1]);
      answer = good;
      await until(() => supervisor.countChildren().active === 1, "the restart after bad answers");
      await supervisor.terminateChild(supervisor.whichChildren()[0]?.ref);
    }
    await supervisor.stop();
  });

  test("D19 a child that is being restarted, and one that was, count in maxChildren", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic({ maxChildren: 1, maxRestarts: 1_000_000 });
    const [a, b] = [world.script("a"), world.script("b")];
    await supervisor.startChild(a.spec);
    await a.end("died");
    await expect(supervisor.startChild(b.spec)).rejects.toMatchObject({ code: "queue_full" });
    a.fail = Number.POSITIVE_INFINITY;
    await a.end("died");
    expect(counts(supervisor)).toEqual([1, 0, 0, 1]);
    await expect(supervisor.startChild(b.spec)).rejects.toMatchObject({ code: "queue_full" });
    await supervisor.stop();
    expect(b.refs).toHaveLength(0);
  });

  test("D20 a restart starts with what was prepared, once", async () => {
    const { superviseDynamic } = createWorld();
    const { inputs, logic } = recorder();
    const supervisor = await superviseDynamic({ prepare: shared("extra") });
    const ref = (await supervisor.startChild({ logic, input: ["own"] })) as Process;
    exit(ref, "died");
    await quiet();
    expect(inputs).toEqual([
      ["extra", "own"],
      ["extra", "own"],
    ]);
    expect(counts(supervisor)).toEqual([1, 1, 0, 1]);
    await supervisor.stop();
  });

  test("D22 a restart that always fails ends the supervisor with shutdown", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic({ maxRestarts: 1 });
    const [a, b] = [world.script("a"), world.script("b")];
    await supervisor.startChild(a.spec);
    await supervisor.startChild(b.spec);
    a.fail = Number.POSITIVE_INFINITY;
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect([world.log.filter((line) => line === "fail a").length, b.ref.exitReason]).toEqual([1, "shutdown"]);
    expect(world.runtime.processCount).toBe(0);
  });
});

describe("stopping", () => {
  test("D24 shutdownMs may be 0 or 1, not -1", async () => {
    const { superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic();
    const { logic } = recorder();
    for (const shutdownMs of [0, 1]) expect(await supervisor.startChild({ logic, shutdownMs })).toBeDefined();
    const refused = supervisor.startChild({ logic, shutdownMs: -1 });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", field: "spec.shutdownMs", value: -1 });
    await supervisor.stop();
  });

  /** Three children; the last may be of another kind. Answers their reasons after a stop. */
  async function stopThree(options: ScriptOptions, last: ScriptOptions = options, advanceMs = 0) {
    const world: World = createWorld();
    const supervisor = await world.superviseDynamic();
    const children = [options, options, last].map((each, index) => world.script(`${index}`, each));
    for (const { spec } of children) await supervisor.startChild(spec);
    const stopping = supervisor.stop();
    await quiet();
    world.clock.advance(advanceMs);
    expect(await stopping).toBe("shutdown");
    expect(world.runtime.processCount).toBe(0);
    const errors = world.reports.filter(({ type }) => type === "child.shutdown_error");
    return { reasons: children.map(({ ref }) => ref.exitReason), errors: errors.length };
  }
  const three = (reason: ExitReason) => [reason, reason, reason];
  const oops = { shutdown: "oops" };

  test("D25 brutal_kill: all end with killed, unasked (adapted: kill closes a process without its hooks)", async () => {
    const options = { shutdownMs: "brutal_kill", stopMs: "infinity" } as const;
    expect(await stopThree(options)).toEqual({ reasons: three("killed"), errors: 0 });
  });

  test.each([
    ["D26 infinity, not trapping: all end with shutdown", { plain: true, shutdownMs: "infinity" }, "shutdown", 0],
    ["D27 infinity, trapping: all end with the reason they choose", { leaves: oops, shutdownMs: "infinity" }, oops, 3],
    ["D28 1,000 ms, not trapping: all end with shutdown", { plain: true, shutdownMs: 1_000 }, "shutdown", 0],
    ["D28 1,000 ms, trapping: all end with the reason they choose", { leaves: oops, shutdownMs: 1_000 }, oops, 3],
    [
      "D30 permanent children that leave normally are reported",
      { leaves: "normal", shutdownMs: "infinity" },
      "normal",
      3,
    ],
    ["a temporary child may leave normally", { leaves: "normal", restart: "temporary" }, "normal", 0],
  ] as [string, ScriptOptions, ExitReason, number][])("%s", async (_title, options, reason, errors) => {
    expect(await stopThree(options)).toEqual({ reasons: three(reason), errors });
  });

  test("D29 the one that does not leave in time is killed, the others end with shutdown (adapted: kill closes a process without its hooks)", async () => {
    const outcome = await stopThree({ shutdownMs: 1 }, { shutdownMs: 1, stopMs: "infinity" }, 1);
    expect(outcome).toEqual({ reasons: ["shutdown", "shutdown", "killed"], errors: 1 });
  });

  test.each([
    ["brutal_kill", "killed"],
    [1_000, "shutdown"],
  ] as const)(
    "D32 terminateChild with shutdownMs %s: the child ends with %s, a second one finds nothing",
    async (shutdownMs, reason) => {
      const world = createWorld();
      const supervisor = await world.superviseDynamic();
      const ref = (await supervisor.startChild(world.script("a", { shutdownMs }).spec)) as Process;
      await terminateChild(supervisor, ref);
      expect(await exited(ref)).toBe(reason);
      await expect(terminateChild(supervisor, ref)).rejects.toMatchObject({ code: "not_found", value: ref });
      expect(countChildren(supervisor)).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
      await supervisor.stop();
    },
  );

  test("D33 terminateChild by its old ref ends a child that is being restarted, and drops the retry", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic({ maxRestarts: 1_000_000 });
    const a = world.script("a");
    await supervisor.startChild(a.spec);
    const old = a.ref;
    a.fail = Number.POSITIVE_INFINITY;
    await a.end("died");
    await supervisor.terminateChild(old);
    await expect(supervisor.terminateChild(old)).rejects.toMatchObject({ code: "not_found" });
    expect(counts(supervisor)).toEqual([0, 0, 0, 0]);
    a.fail = 0;
    await quiet();
    expect(a.refs).toEqual([old]);
    await supervisor.stop();
  });
});

test("D34 children have no id, and specs is their number, those that restart included", async () => {
  const world = createWorld();
  const supervisor = await world.superviseDynamic({ maxRestarts: 1_000_000 });
  const [a, b] = [world.script("a"), world.script("b", { restart: "transient" })];
  await supervisor.startChild(a.spec);
  await supervisor.startChild(b.spec);
  await supervisor.startChild(defineDynamicSupervisor({ id: "nested" }));
  expect(supervisor.whichChildren().map(({ id, type }) => [id, type])).toEqual([
    [undefined, "worker"],
    [undefined, "worker"],
    [undefined, "supervisor"],
  ]);
  a.fail = Number.POSITIVE_INFINITY;
  await a.end("died");
  expect(supervisor.countChildren()).toEqual({ specs: 3, active: 2, supervisors: 1, workers: 2 });
  await supervisor.stop();
});

/** Starts a scripted child from a start function. */
async function startUnder(world: World, spec: ReturnType<World["script"]>["spec"]): Promise<Process> {
  return (await start(spec.logic, { runtime: world.runtime })) as Process;
}

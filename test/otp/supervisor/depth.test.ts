import { describe, expect, test } from "vitest";
import type { InspectionEvent } from "xstate";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import type { ProcessReport } from "../../../src/otp/report/process-report.ts";
import type { TreeNode } from "../../../src/otp/report/tree.ts";
import { ancestors } from "../../../src/otp/start/callers.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { countChildren, defineSupervisor, startSupervisor, tree } from "../../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { recorder, until } from "../scripted.ts";
import { rejection } from "../support.ts";

const depth = 5_000;
const { logic } = recorder();

/** Supervisors s1 to s5000, each the child of the one before; below them, one worker of the name "leaf". */
function nest(flags: { maxRestarts?: number } = {}, leaf: ChildSpec = { id: "leaf", logic, name: "leaf" }): ChildSpec {
  let spec = leaf;
  for (let level = depth; level > 0; level -= 1) {
    spec = defineSupervisor({ id: `s${level}`, ...flags, children: [spec] });
  }
  return spec;
}

function createRuntime() {
  const reports: ProcessReport[] = [];
  const runtime = new LocalRuntime({ onReport: (report) => reports.push(report) });
  const leaf = () => runtime.names.get("leaf") as Process;
  return { runtime, reports, leaf };
}

function levelsOf(root: TreeNode): string[] {
  const found: string[] = [];
  for (let node: TreeNode | undefined = root; node !== undefined; node = node.children?.[0]) found.push(node.id);
  return found;
}

const ids = ["root", ...Array.from({ length: depth }, (_, index) => `s${index + 1}`), "leaf"];

describe("5,000 supervisors, one below the other", () => {
  test("start, are told as a tree, found from the top, counted, and stopped", async () => {
    const { runtime, reports, leaf } = createRuntime();
    const root = await startSupervisor({ id: "root", children: [nest()] }, { runtime });
    expect(runtime.processCount).toBe(depth + 2);
    expect(levelsOf(tree(root))).toEqual(ids);
    expect([root.whereis("leaf"), root.whereis(ids.join("/"))]).toEqual([leaf(), leaf()]);
    expect((root.whereis("s5000") as Supervisor).path).toBe(ids.slice(0, -1).join("/"));
    expect([countChildren(root).active, ancestors(leaf()).length]).toEqual([1, depth + 1]);
    await root.stop();
    expect([runtime.processCount, runtime.names.size]).toEqual([0, 0]);
    const told = reports.map(({ type }) => type);
    expect(told.filter((type) => type === "child.started")).toHaveLength(depth + 1);
    expect(told.filter((type) => type === "supervisor.stopped")).toHaveLength(depth + 1);
  });

  test("are gone when the one at the top is killed, by itself or by a signal", async () => {
    const { runtime } = createRuntime();
    const killed = await startSupervisor({ id: "root", children: [nest()] }, { runtime });
    killed.kill();
    expect([await killed.ended, runtime.processCount]).toEqual(["killed", 0]);
    const signalled = await startSupervisor({ id: "root", children: [nest()] }, { runtime });
    exit(signalled.process, "kill");
    expect([await signalled.ended, runtime.processCount]).toEqual(["killed", 0]);
  });

  test("give up one after the other when none of them may restart", async () => {
    const { runtime, reports, leaf } = createRuntime();
    const root = await startSupervisor(
      { id: "root", maxRestarts: 0, children: [nest({ maxRestarts: 0 })] },
      { runtime },
    );
    exit(leaf(), "died");
    expect([await root.ended, runtime.processCount]).toEqual(["shutdown", 0]);
    expect(reports.filter(({ type }) => type === "supervisor.gave_up")).toHaveLength(depth + 1);
  });

  test("come back below the one that is killed", async () => {
    const { runtime, leaf } = createRuntime();
    const root = await startSupervisor({ id: "root", children: [nest()] }, { runtime });
    const before = leaf();
    exit((root.whereis("s100") as Supervisor).process, "kill");
    await until(
      () => runtime.processCount === depth + 2 && leaf()?.status === "running",
      "the restart of the lower part",
    );
    expect(leaf()).not.toBe(before);
    expect(levelsOf(tree(root))).toEqual(ids);
    await root.stop();
  });

  test("fail to start with the one at the bottom, and leave nothing", async () => {
    const { runtime } = createRuntime();
    const fails = (): never => {
      throw new Error("the start at the bottom fails");
    };
    const error = await rejection(
      startSupervisor({ id: "root", children: [nest({}, { id: "leaf", start: fails })] }, { runtime }),
    );
    const causes: Error[] = [];
    for (let cause = error as Error | undefined; cause !== undefined; cause = cause.cause as Error | undefined)
      causes.push(cause);
    expect(causes).toHaveLength(depth + 2);
    expect(causes.at(-1)?.message).toBe("the start at the bottom fails");
    expect(runtime.processCount).toBe(0);
  });

  test("are gone when the one at the top is killed while they start", async () => {
    const { runtime } = createRuntime();
    const never = { id: "leaf", start: () => new Promise<never>(() => undefined) };
    for (const started of [depth / 2, depth + 1]) {
      const starting = startSupervisor({ id: "root", children: [nest({}, never)] }, { runtime, name: "root" });
      for (let turn = 0; turn < 100 * depth && runtime.processCount < started; turn += 1) await undefined;
      expect(runtime.processCount).toBe(started);
      exit(runtime.names.get("root") as Process, "kill");
      expect(await rejection(starting)).toMatchObject({ code: "start_failed" });
      await until(() => runtime.processCount === 0, "the end of what had started");
    }
    expect(runtime.names.size).toBe(0);
  });

  test("are drawn by an inspector", async () => {
    const drawn = new Set<unknown>();
    const inspect = (event: InspectionEvent) => void (event.type === "@xstate.actor" && drawn.add(event.actorRef));
    const runtime = new LocalRuntime({ inspect });
    const root = await startSupervisor({ id: "root", children: [nest()] }, { runtime });
    await root.stop();
    expect(drawn.size).toBe(depth + 3);
  });
});

test("supervisors that are started by hand in start functions nest as deep", async () => {
  const { runtime, leaf } = createRuntime();
  let start = (): Promise<Supervisor> => startSupervisor({ children: [{ id: "leaf", logic, name: "leaf" }] });
  for (let level = 0; level < depth; level += 1) {
    const below = start;
    start = () => startSupervisor({ children: [{ id: "below", start: below }] });
  }
  const root = await startSupervisor({ children: [{ id: "top", start }] }, { runtime });
  expect(ancestors(leaf())).toHaveLength(depth + 2);
  await root.stop();
  expect(runtime.processCount).toBe(0);
});

test("the nearest of several of one id is found first, whatever stands before it", async () => {
  const { runtime } = createRuntime();
  const deep = defineSupervisor({
    id: "a",
    children: [defineSupervisor({ id: "b", children: [{ id: "twin", logic }] })],
  });
  const near = defineSupervisor({ id: "c", children: [{ id: "twin", logic }] });
  const root = await startSupervisor({ id: "root", children: [deep, near] }, { runtime });
  expect(root.whereis("twin")).toBe(root.whereis("root/c/twin"));
  await root.stop();
});

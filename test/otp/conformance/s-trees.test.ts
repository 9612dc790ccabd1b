/** Conformance rows S103 to S110: trees, links and names. */

import { describe, expect, test } from "vitest";
import { exit, unlink } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { spawnLink } from "../../../src/otp/start/spawn.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { DynamicSupervisor } from "../../../src/otp/supervisor/dynamic.ts";
import {
  defineDynamicSupervisor,
  defineSupervisor,
  restartChild,
  terminateChild,
} from "../../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet, type Script, until } from "../scripted.ts";
import { counted, listed } from "../support.ts";

/** How many incarnations each child has had. */
const lives = (children: readonly Script[]) => children.map(({ refs }) => refs.length);

describe("trees", () => {
  /** one_for_all over two permanent supervisors and a transient one; the second has a static and room for dynamic workers. */
  async function forest() {
    const world = createWorld();
    const [worker1, worker2, worker3, extra] = ["w1", "w2", "w3", "extra"].map((id) => world.script(id)) as [
      Script,
      Script,
      Script,
      Script,
    ];
    const top = await world.supervise({
      strategy: "one_for_all",
      maxRestarts: 3,
      children: [
        defineSupervisor({ id: "sup1", children: [worker1.spec] }),
        defineSupervisor({ id: "sup2", maxRestarts: 4, children: [worker2.spec] }),
        defineSupervisor({ id: "sup3", restart: "transient", children: [worker3.spec] }),
      ],
    });
    const sup2 = () => top.whichChild("sup2").ref as Supervisor;
    await sup2().startChild(extra.spec);
    return { ...world, top, sup2, worker1, worker2, worker3, extra };
  }

  test("S103 a supervisor that is stopped by request counts among specs and supervisors, not as active", async () => {
    const { top, worker3 } = await forest();
    expect(counted(top)).toBe("3/3/3/0");
    await top.terminateChild("sup3");
    expect(counted(top)).toBe("3/2/3/0");
    expect(worker3.ref.alive).toBe(false);
    await top.stop();
  });

  test("S104 a crash deep inside changes one ref only", async () => {
    const { top, sup2, worker1, worker2, worker3, extra } = await forest();
    const before = top.whichChildren().map(({ ref }) => ref);
    await extra.end("died");
    expect(extra.refs).toHaveLength(2);
    expect(lives([worker1, worker2, worker3])).toEqual([1, 1, 1]);
    expect(top.whichChildren().map(({ ref }) => ref)).toEqual(before);
    expect(sup2().whichChild("extra").ref).toBe(extra.ref);
    await top.stop();
  });

  test("S105 a supervisor that gives up restarts the whole tree, the part that was stopped by request too; added children are gone", async () => {
    const { top, sup2, worker1, worker2, worker3, extra } = await forest();
    await top.terminateChild("sup3");
    const given = sup2();
    extra.fail = Number.POSITIVE_INFINITY;
    await extra.end("died");
    expect(await given.ended).toBe("shutdown");
    await quiet();
    expect(counted(top)).toBe("3/3/3/0");
    expect(lives([worker1, worker2, worker3])).toEqual([2, 2, 2]);
    expect([worker1, worker2, worker3].every(({ ref }) => ref.alive)).toBe(true);
    expect(listed(sup2())).toEqual(["w2 ref"]);
    expect(sup2()).not.toBe(given);
    await top.stop();
  });

  test("a dynamic supervisor that is restarted begins without children", async () => {
    const { script, supervise } = createWorld();
    const top = await supervise({ children: [defineDynamicSupervisor({ id: "pool", maxRestarts: 0 })] });
    const pool = () => top.whichChild("pool").ref as DynamicSupervisor;
    const a = script("a");
    const first = pool();
    await first.startChild(a.spec);
    await a.end("died");
    expect(await first.ended).toBe("shutdown");
    await quiet();
    expect(counted(pool())).toBe("0/0/0/0");
    expect(a.refs).toHaveLength(1);
    await top.stop();
  });
});

test("S106 a child that has taken its link to the supervisor away is stopped like any other (adapted: stopping waits for the end, not for the link)", async () => {
  const { supervise, script } = createWorld();
  let supervisorProcess: Process | undefined;
  const unlinking: ChildSpec = {
    id: "unlinking",
    shutdownMs: 100,
    start: ({ process }) => {
      supervisorProcess = process;
      return spawnLink(({ receive }) => {
        unlink(process);
        return receive(() => false);
      });
    },
  };
  const supervisor = await supervise({ children: [unlinking] });
  await quiet();
  const ref = supervisor.whichChild("unlinking").ref as Process;
  expect([ref.alive, ref.links?.size ?? 0]).toEqual([true, 0]);
  expect(supervisorProcess).toBe(supervisor.process);
  await supervisor.terminateChild("unlinking");
  expect(ref.alive).toBe(false);
  const next = script("next");
  expect(await supervisor.startChild(next.spec)).toBe(next.ref);
  expect(supervisor.process.queueLength).toBe(0);
  await supervisor.stop();
});

describe("names", () => {
  /** A named supervisor with a named worker below a top. */
  async function named() {
    const world = createWorld();
    const worker = world.script("worker", { name: "the worker" });
    const middle = defineSupervisor({ id: "middle", name: "the middle", children: [worker.spec] });
    const top = await world.supervise({ strategy: "one_for_all", children: [middle] });
    const holder = (name: string) => world.runtime.names.get(name);
    return { ...world, worker, top, holder };
  }

  test("S107 when the supervisor is killed both names pass to new processes (adapted: local names)", async () => {
    const { top, holder, worker, runtime } = await named();
    const [middle, first] = [holder("the middle") as Process, holder("the worker")];
    exit(middle, "kill");
    await until(() => worker.refs.length === 2, "the worker is back");
    expect(middle.exitReason).toBe("killed");
    expect(holder("the middle")).not.toBe(middle);
    expect(holder("the worker")).toBe(worker.refs[1]);
    expect([holder("the middle")?.alive, holder("the worker")?.alive, first?.alive]).toEqual([true, true, false]);
    await top.stop();
    expect([runtime.names.size, runtime.processCount]).toEqual([0, 0]);
  });

  test("S108 when the worker is killed its name passes to a new process", async () => {
    const { top, holder, worker } = await named();
    await worker.kill();
    expect(worker.refs).toHaveLength(2);
    expect(holder("the worker")).toBe(worker.refs[1]);
    await top.stop();
  });

  test("S109 when the worker raises its name passes to a new process", async () => {
    const { top, holder, worker } = await named();
    await worker.end(new Error("S109 raises"));
    expect(worker.refs).toHaveLength(2);
    expect(holder("the worker")).toBe(worker.refs[1]);
    await top.stop();
  });

  test("S110 the supervisor is asked by its name to stop the worker and to start it again", async () => {
    const { top, holder, worker, inProcess } = await named();
    const ref = await inProcess(async () => {
      await terminateChild("the middle", "worker");
      expect(holder("the worker")).toBeUndefined();
      return restartChild("the middle", "worker");
    });
    expect(ref).toBe(worker.refs[1]);
    expect(holder("the worker")).toBe(ref);
    await top.stop();
  });
});

/** Conformance rows S28 to S49: children started, stopped, forgotten and looked up by request. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { isAlive } from "../../../src/otp/start/names.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { deleteChild, restartChild, startChild, terminateChild } from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet } from "../scripted.ts";
import { bystander, counted, listed } from "../support.ts";

/** A supervisor with one permanent child. */
async function withChild() {
  const world = createWorld();
  const child = world.script("child1");
  const supervisor = await world.supervise({ children: [child.spec] });
  return { ...world, child, supervisor };
}

/** A dynamic supervisor with as many children as it is told. */
async function withInstances(count: number) {
  const world = createWorld();
  const supervisor = await world.superviseDynamic();
  const instances = Array.from({ length: count }, (_, index) => world.script(String(index)));
  for (const { spec } of instances) await supervisor.startChild(spec);
  return { ...world, world, instances, supervisor };
}

test("S28 one permanent child is listed and counted as 1/1/0/1", async () => {
  const { supervisor, child } = await withChild();
  expect(supervisor.whichChildren()).toEqual([{ id: "child1", ref: child.ref, status: "running", type: "worker" }]);
  expect(counted(supervisor)).toBe("1/1/0/1");
  await supervisor.stop();
});

test("S29 startChild with the id of a running child is already_started with its ref; nothing changes", async () => {
  const { supervisor, child, log } = await withChild();
  await expect(supervisor.startChild(child.spec)).rejects.toMatchObject({ code: "already_started", value: child.ref });
  expect(listed(supervisor)).toEqual(["child1 ref"]);
  expect(log).toEqual(["start child1"]);
  await supervisor.stop();
});

test("S30 terminateChild, deleteChild and restartChild of an unknown id are not_found", async () => {
  const { supervisor } = await withChild();
  for (const request of [
    supervisor.terminateChild("nobody"),
    supervisor.deleteChild("nobody"),
    supervisor.restartChild("nobody"),
  ]) {
    await expect(request).rejects.toMatchObject({ code: "not_found", value: "nobody" });
  }
  await supervisor.stop();
});

test("S33 terminateChild of a stopped child is fine", async () => {
  const { supervisor, log } = await withChild();
  await supervisor.terminateChild("child1");
  await supervisor.terminateChild("child1");
  expect(listed(supervisor)).toEqual(["child1 stopped"]);
  expect(counted(supervisor)).toBe("1/0/0/1");
  expect(log).toEqual(["start child1", "stop child1"]);
  await supervisor.stop();
});

test("S34 startChild with the id of a stopped child is already_present", async () => {
  const { supervisor, child } = await withChild();
  await supervisor.terminateChild("child1");
  await expect(supervisor.startChild(child.spec)).rejects.toMatchObject({ code: "already_present", value: "child1" });
  await supervisor.stop();
});

test("S35 restartChild of a stopped child gives a new ref; of a running one it is already_started", async () => {
  const { supervisor, child } = await withChild();
  await supervisor.terminateChild("child1");
  const ref = await supervisor.restartChild("child1");
  expect(ref).toBe(child.refs[1]);
  expect(counted(supervisor)).toBe("1/1/0/1");
  await expect(supervisor.restartChild("child1")).rejects.toMatchObject({ code: "already_started", value: ref });
  await supervisor.stop();
});

test("S35 a restartChild that fails keeps the specification and settles with the child's error", async () => {
  const { supervisor, child } = await withChild();
  await supervisor.terminateChild("child1");
  child.fail = 1;
  const failing = supervisor.restartChild("child1");
  await expect(failing).rejects.toMatchObject({ code: "start_failed", reason: { message: "start of child1 fails" } });
  expect(listed(supervisor)).toEqual(["child1 stopped"]);
  expect(await supervisor.restartChild("child1")).toBe(child.ref);
  await supervisor.stop();
});

test("S36 deleteChild of a running child is already_started; of a stopped one it forgets it", async () => {
  const { supervisor, child } = await withChild();
  await expect(supervisor.deleteChild("child1")).rejects.toMatchObject({ code: "already_started", value: child.ref });
  await supervisor.terminateChild("child1");
  await supervisor.deleteChild("child1");
  await expect(supervisor.restartChild("child1")).rejects.toMatchObject({ code: "not_found" });
  expect(listed(supervisor)).toEqual([]);
  expect(counted(supervisor)).toBe("0/0/0/0");
  await supervisor.stop();
});

test("S37 after deletion the same specification starts anew", async () => {
  const { supervisor, child } = await withChild();
  await supervisor.terminateChild("child1");
  await supervisor.deleteChild("child1");
  expect(await supervisor.startChild(child.spec)).toBe(child.refs[1]);
  expect(counted(supervisor)).toBe("1/1/0/1");
  await supervisor.stop();
});

describe("dynamic supervisors", () => {
  test("S39 without children nothing is listed (adapted: DynamicSupervisor; specs is the number of children, 0)", async () => {
    const { supervisor } = await withInstances(0);
    expect(listed(supervisor)).toEqual([]);
    expect(counted(supervisor)).toBe("0/0/0/0");
    await supervisor.stop();
  });

  test("S40 two instances have no ids and no order (adapted: DynamicSupervisor; specs is 2)", async () => {
    const { supervisor, instances } = await withInstances(2);
    const refs = supervisor.whichChildren().map(({ ref }) => ref);
    expect(new Set(refs)).toEqual(new Set(instances.map(({ ref }) => ref)));
    expect(listed(supervisor)).toEqual(["- ref", "- ref"]);
    expect(counted(supervisor)).toBe("2/2/0/2");
    await supervisor.stop();
  });

  test("S41 terminateChild with an id is not_found (adapted: DynamicSupervisor)", async () => {
    const { supervisor, instances } = await withInstances(1);
    await expect(supervisor.terminateChild("0")).rejects.toMatchObject({ code: "not_found", value: "0" });
    expect(isAlive(instances[0]?.ref as Process)).toBe(true);
    await supervisor.stop();
  });

  test("S42 terminateChild with a ref settles when the process is gone (adapted: DynamicSupervisor; specs is 1)", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic();
    const [slow, other] = [world.script("slow", { stopMs: 50 }), world.script("other")];
    for (const { spec } of [slow, other]) await supervisor.startChild(spec);
    let done = false;
    const terminating = supervisor.terminateChild(slow.ref).then(() => {
      done = true;
    });
    await quiet();
    expect([done, slow.ref.alive]).toEqual([false, true]);
    world.clock.advance(50);
    await terminating;
    expect(slow.ref.alive).toBe(false);
    expect(counted(supervisor)).toBe("1/1/0/1");
    await supervisor.stop();
  });

  test("S43 terminateChild with a dead ref is not_found (adapted: DynamicSupervisor, as Elixir's)", async () => {
    const { supervisor, instances } = await withInstances(1);
    const ref = instances[0]?.ref;
    await supervisor.terminateChild(ref);
    await expect(supervisor.terminateChild(ref)).rejects.toMatchObject({ code: "not_found" });
    await supervisor.stop();
  });

  test("S44 terminateChild with a stranger is not_found and leaves it alive (adapted: DynamicSupervisor)", async () => {
    const { supervisor, world } = await withInstances(1);
    const stranger = bystander(world);
    await expect(supervisor.terminateChild(stranger)).rejects.toMatchObject({ code: "not_found" });
    expect(isAlive(stranger)).toBe(true);
    exit(stranger, "kill");
    await supervisor.stop();
  });

  test("S45 restartChild and deleteChild are refused (adapted: DynamicSupervisor)", async () => {
    const { supervisor } = await withInstances(1);
    for (const request of [restartChild(supervisor, "0"), deleteChild(supervisor, "0")]) {
      await expect(request).rejects.toMatchObject({ code: "invalid_argument", field: "supervisor" });
    }
    await supervisor.stop();
  });

  test("S49 lookup by the ref of a live instance only (adapted: DynamicSupervisor; anything else is not_found)", async () => {
    const { supervisor, world, instances } = await withInstances(2);
    const [first, second] = instances.map(({ ref }) => ref);
    expect(supervisor.whichChild(first)).toEqual({ id: undefined, ref: first, status: "running", type: "worker" });
    await supervisor.terminateChild(second);
    const stranger = bystander(world);
    for (const value of [second, stranger, "0"]) {
      expect(() => supervisor.whichChild(value)).toThrow(expect.objectContaining({ code: "not_found", value }));
    }
    exit(stranger, "kill");
    await supervisor.stop();
  });
});

test("S47 a child that answers more than its process is restarted with a new ref, and nothing of the old is kept", async () => {
  const world = createWorld();
  const processes: Process[] = [];
  const child: ChildSpec = {
    id: "child1",
    start() {
      const process = bystander(world);
      processes.push(process);
      return { process, info: `extra ${processes.length}` };
    },
  };
  const supervisor = await world.supervise({ children: [child] });
  expect(supervisor.whichChild("child1").ref).toEqual({ process: processes[0], info: "extra 1" });
  exit(processes[0] as Process, "died");
  await quiet();
  expect(supervisor.whichChild("child1").ref).toEqual({ process: processes[1], info: "extra 2" });
  expect(counted(supervisor)).toBe("1/1/0/1");
  await supervisor.stop();
});

test("S47 a child whose start answers an info hands it to who started it, shows its ref alone, and drops it in a restart", async () => {
  const world = createWorld();
  const processes: Process[] = [];
  const start = () => {
    processes.push(bystander(world));
    return { ref: processes.at(-1) as Process, info: `extra ${processes.length}` };
  };
  const supervisor = await world.supervise({});
  expect(await supervisor.startChild({ id: "child1", start })).toEqual({ ref: processes[0], info: "extra 1" });
  exit(processes[0] as Process, "died");
  await quiet();
  expect(supervisor.whichChild("child1").ref).toBe(processes[1]);
  expect(counted(supervisor)).toBe("1/1/0/1");
  await supervisor.stop();
});

test("S48 the list is newest first at each step, and one child can be looked up", async () => {
  const { script, supervise } = createWorld();
  const supervisor = await supervise({});
  const [child1, child2] = [script("child1"), script("child2")];
  expect(() => supervisor.whichChild("child1")).toThrow(expect.objectContaining({ code: "not_found" }));
  await supervisor.startChild(child1.spec);
  expect(listed(supervisor)).toEqual(["child1 ref"]);
  await supervisor.startChild(child2.spec);
  expect(listed(supervisor)).toEqual(["child2 ref", "child1 ref"]);
  expect(supervisor.whichChild("child1")).toMatchObject({ id: "child1", ref: child1.ref });
  await supervisor.terminateChild("child1");
  expect(listed(supervisor)).toEqual(["child2 ref", "child1 stopped"]);
  expect(supervisor.whichChild("child1")).toMatchObject({ ref: undefined, status: "stopped" });
  await supervisor.deleteChild("child1");
  expect(listed(supervisor)).toEqual(["child2 ref"]);
  expect(() => supervisor.whichChild("child1")).toThrow(expect.objectContaining({ code: "not_found" }));
  await supervisor.stop();
});

test("a stopped temporary child is forgotten by terminateChild", async () => {
  const { script, supervise } = createWorld();
  const child = script("a", { restart: "temporary" });
  const supervisor = await supervise({ children: [child.spec] });
  await supervisor.terminateChild("a");
  expect(listed(supervisor)).toEqual([]);
  expect(await supervisor.startChild(child.spec)).toBe(child.refs[1]);
  await supervisor.stop();
});

test("requests are handled one at a time, in the order they are made", async () => {
  const { script, supervise, clock, log } = createWorld();
  const [a, b] = [script("a", { stopMs: 100 }), script("b")];
  const supervisor = await supervise({ children: [a.spec] });
  const settledInOrder: string[] = [];
  const requests = [
    terminateChild(supervisor, "a").then(() => settledInOrder.push("terminate a")),
    startChild(supervisor, b.spec).then(() => settledInOrder.push("start b")),
    restartChild(supervisor, "a").then(() => settledInOrder.push("restart a")),
    deleteChild(supervisor, "a").catch(({ code }: { code: string }) => settledInOrder.push(code)),
  ];
  await quiet();
  expect(log).toEqual(["start a", "stop a"]);
  clock.advance(100);
  await Promise.all(requests);
  expect(settledInOrder).toEqual(["terminate a", "start b", "restart a", "already_started"]);
  expect(log).toEqual(["start a", "stop a", "start b", "start a"]);
  const stopping = supervisor.stop();
  await quiet();
  clock.advance(100);
  await stopping;
});

test("a child's end during a slow start waits its turn", async () => {
  const world = createWorld();
  const a = world.script("a");
  const gate = Promise.withResolvers<undefined>();
  const supervisor = await world.supervise({ children: [a.spec] });
  const starting = supervisor.startChild({ id: "slow", start: () => gate.promise });
  await a.end("died");
  expect(a.refs).toHaveLength(1);
  expect(counted(supervisor)).toBe("2/0/0/2");
  gate.resolve(undefined);
  await starting;
  await quiet();
  expect(a.refs).toHaveLength(2);
  await supervisor.stop();
});

test("the end of an incarnation that is not the current one is ignored", async () => {
  const { script, supervise } = createWorld();
  const ends: ((reason: string) => void)[] = [];
  const a = script("a");
  const child: ChildSpec = {
    id: "stale",
    start(scope) {
      ends.push(scope.exited);
      return {
        ref: ends.length,
        actor: scope.supervisor,
        stop: (reason) => scope.exited(reason),
        kill: () => scope.exited("killed"),
      };
    },
  };
  const supervisor = await supervise({ children: [a.spec, child] });
  ends[0]?.("died");
  expect(supervisor.whichChild("stale").ref).toBe(2);
  ends[0]?.("died");
  expect(supervisor.whichChild("stale").ref).toBe(2);
  expect(ends).toHaveLength(2);
  await supervisor.stop();
});

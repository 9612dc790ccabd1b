import { expect, test } from "vitest";
import { formatTree, type TreeNode } from "../../../src/otp/report/tree.ts";
import type { DynamicSupervisor } from "../../../src/otp/supervisor/dynamic.ts";
import { defineDynamicSupervisor, defineSupervisor, tree } from "../../../src/otp/supervisor/start.ts";
import { createWorld } from "../scripted.ts";

test("a tree shows every child in start order with path, state and restarts; what does not run is stopped", async () => {
  const { script, supervise } = createWorld();
  const [a, b, c] = [script("a"), script("b"), script("c", { restart: "transient" })];
  const inner = defineSupervisor({ id: "inner", children: [b.spec, c.spec] });
  const supervisor = await supervise({ id: "root", children: [a.spec, inner] });
  await b.end("died");
  await b.end("died");
  await c.end("normal");
  await supervisor.terminateChild("a");
  expect(tree(supervisor)).toEqual({
    id: "root",
    path: "root",
    type: "supervisor",
    state: "running",
    restarts: 0,
    children: [
      { id: "a", path: "root/a", type: "worker", state: "stopped", restarts: 0 },
      {
        id: "inner",
        path: "root/inner",
        type: "supervisor",
        state: "running",
        restarts: 0,
        children: [
          { id: "b", path: "root/inner/b", type: "worker", state: "running", restarts: 2 },
          { id: "c", path: "root/inner/c", type: "worker", state: "stopped", restarts: 0 },
        ],
      },
    ],
  });
  await supervisor.stop();
  expect(tree(supervisor)).toMatchObject({ state: "stopped" });
});

test("the children of a dynamic supervisor are numbered below it", async () => {
  const { script, supervise } = createWorld();
  const supervisor = await supervise({ children: [defineDynamicSupervisor({ id: "pool" })] });
  const pool = supervisor.whichChild("pool").ref as DynamicSupervisor;
  for (const id of ["x", "y"]) await pool.startChild(script(id).spec);
  const paths = tree(supervisor).children?.[0]?.children?.map(({ path }) => path);
  expect(paths).toEqual(["supervisor/pool/1", "supervisor/pool/2"]);
  await supervisor.stop();
});

test("what a running child of another kind adds to its node is shown", async () => {
  const { supervise } = createWorld();
  const supervisor = await supervise({
    children: [
      {
        id: "agent",
        start: ({ supervisor: actor, exited }) => ({
          ref: "agent",
          actor,
          stop: exited,
          kill: () => exited("killed"),
          node: () => ({ state: "ready", pid: 7, incarnation: 3 }),
        }),
      },
    ],
  });
  expect(tree(supervisor).children).toMatchObject([{ id: "agent", state: "ready", pid: 7, incarnation: 3 }]);
  await supervisor.stop();
});

test("whereis finds a running child by id or by path, the nearest first, and the supervisor itself", async () => {
  const { script, supervise } = createWorld();
  const [near, far] = [script("same"), script("same")];
  const inner = defineSupervisor({ id: "inner", children: [far.spec] });
  const supervisor = await supervise({ children: [inner, near.spec] });
  expect(supervisor.whereis("same")).toBe(near.ref);
  expect(supervisor.whereis("supervisor/inner/same")).toBe(far.ref);
  expect(supervisor.whereis("supervisor")).toBe(supervisor);
  expect(supervisor.whereis("nobody")).toBeUndefined();
  await supervisor.terminateChild("same");
  expect(supervisor.whereis("same")).toBe(far.ref);
  await supervisor.stop();
});

test("a tree is printed with a line for each node", () => {
  const node = (id: string, state: string, rest: Partial<TreeNode> = {}): TreeNode => ({
    id,
    path: id,
    type: "worker",
    state,
    restarts: 0,
    ...rest,
  });
  const root = node("service", "running", {
    children: [
      node("front", "running", {
        restarts: 1,
        children: [node("chat", "ready", { restarts: 2, incarnation: 3, pid: 77 }), node("cities", "stopped")],
      }),
      node("tools", "crashed", { incarnation: 1, children: [] }),
    ],
  });
  expect(formatTree(root)).toBe(
    [
      "service: running",
      "├─ front: running, 1 restart",
      "│  ├─ chat: ready, 2 restarts, worker 3, pid 77",
      "│  └─ cities: stopped",
      "└─ tools: crashed, worker 1",
    ].join("\n"),
  );
});

test("a tree of 5,000 levels is printed too", () => {
  let root: TreeNode = { id: "leaf", path: "leaf", type: "worker", state: "running", restarts: 0 };
  for (let level = 0; level < 5_000; level += 1) root = { ...root, id: String(level), children: [root] };
  expect(formatTree(root).split("\n")).toHaveLength(5_001);
});

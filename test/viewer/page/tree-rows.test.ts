import { expect, test } from "vitest";
import type { NodeStatus } from "../../../src/inspect/inspected-system.ts";
import { treeRows } from "../../../src/viewer/page/tree-rows.ts";

const nodes = new Map(
  ["house", "house/poet", "house/team", "house/team/a/b", "house/late"].map((path): [string, NodeStatus] => [
    path,
    {
      path,
      id: path.split("/").at(-1) ?? "",
      kind: "process",
      state: path.endsWith("poet") ? "crashed" : "running",
      restarts: 0,
    },
  ]),
);
const shown = (folded: string[], search = "") =>
  treeRows(nodes, new Set(folded), search).map(({ node, level, position, siblings }) => [
    node.path,
    level,
    position,
    siblings,
  ]);

test("rows stand below their parents, with their place among their siblings; ids may have slashes in them", () => {
  expect(shown([])).toEqual([
    ["house", 1, 1, 1],
    ["house/poet", 2, 1, 3],
    ["house/team", 2, 2, 3],
    ["house/team/a/b", 3, 1, 1],
    ["house/late", 2, 3, 3],
  ]);
});

test("what is folded hides what is below it", () => {
  expect(shown(["house/team"]).map(([path]) => path)).toEqual(["house", "house/poet", "house/team", "house/late"]);
});

test("a search finds by name and by state, whatever is folded", () => {
  expect(shown(["house"], "B team").map(([path]) => path)).toEqual(["house/team/a/b"]);
  expect(shown([], "crashed").map(([path]) => path)).toEqual(["house/poet"]);
  expect(shown([], "nobody")).toEqual([]);
});

/** The supervision tree as a list of rows: what is folded is left out, and a search leaves what it finds. */

import type { NodeStatus } from "../../inspect/inspected-system.ts";

/** A row of the tree. */
export interface TreeRow {
  readonly node: NodeStatus;
  /** 1 for the root. */
  readonly level: number;
  readonly hasChildren: boolean;
  readonly open: boolean;
  /** Its place among its siblings, from 1, and how many they are. */
  readonly position: number;
  readonly siblings: number;
}

/** Makes the rows. */
export function treeRows(
  nodes: ReadonlyMap<string, NodeStatus>,
  folded: ReadonlySet<string>,
  search: string,
): TreeRow[] {
  const words = search
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length > 0) {
    const found = [...nodes.values()].filter((node) => {
      const text = `${node.path} ${node.state} ${node.kind}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    return found.map((node, index) => ({
      node,
      level: 1,
      hasChildren: false,
      open: false,
      position: index + 1,
      siblings: found.length,
    }));
  }
  const children = new Map<string, NodeStatus[]>();
  const roots: NodeStatus[] = [];
  for (const node of nodes.values()) {
    const parent = parentOf(node.path, nodes);
    if (parent === undefined) roots.push(node);
    else if (children.has(parent)) children.get(parent)?.push(node);
    else children.set(parent, [node]);
  }
  const rows: TreeRow[] = [];
  const left: [NodeStatus, number, number, number][] = [];
  const push = (siblings: readonly NodeStatus[], level: number) => {
    for (let index = siblings.length - 1; index >= 0; index -= 1) {
      left.push([siblings[index] as NodeStatus, level, index + 1, siblings.length]);
    }
  };
  push(roots, 1);
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [node, level, position, siblings] = next;
    const below = children.get(node.path);
    const open = below !== undefined && !folded.has(node.path);
    rows.push({ node, level, hasChildren: below !== undefined, open, position, siblings });
    if (open) push(below, level + 1);
  }
  return rows;
}

/** The path above; ids may have slashes in them. */
function parentOf(path: string, nodes: ReadonlyMap<string, NodeStatus>): string | undefined {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const above = path.slice(0, end);
    if (nodes.has(above)) return above;
  }
  return undefined;
}

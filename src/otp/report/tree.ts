/** A supervision tree as data. */

import { invalidArgument } from "../../errors.ts";

/** One node of a tree, as it is at the moment of asking. */
export interface TreeNode {
  id: string;
  /** Ids from the root, joined by "/". */
  path: string;
  type: "supervisor" | "worker";
  /** The state of its machine ("running", "ready", "crashed", …); "stopped" for a child that is kept but does not run. */
  state: string;
  /** How often its supervisor has restarted it. */
  restarts: number;
  /** Process id of the worker, for an agent that has one now. */
  pid?: number;
  /** The worker's number, for an agent: 1, 2, 3, … */
  incarnation?: number;
  /** In start order; supervisors only. */
  children?: TreeNode[];
}

/** The nodes of a tree from the root on, each before its children, with how far below the root it is. */
export function* walkTree(root: TreeNode): Generator<{ readonly node: TreeNode; readonly depth: number }> {
  // A list of what is left to do, for a tree may be deeper than the stack.
  const left = [{ node: root, depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    yield next;
    const { node, depth } = next;
    const { children = [] } = node;
    for (let index = children.length - 1; index >= 0; index -= 1) {
      left.push({ node: children[index] as TreeNode, depth: depth + 1 });
    }
  }
}

/**
 * A tree as text, a line for each node: its id, its state, and where it has them its restarts, worker number and pid. Source: the tree that Elixir's
 * observer draws, and the shape of `tree(1)`.
 * @throws CallerError "invalid_argument" for what is no tree
 */
export function formatTree(root: TreeNode): string {
  if (typeof root !== "object" || root === null) throw invalidArgument("root", root, "a tree, as `tree` answers it");
  const lines: string[] = [];
  // A list of what is left to do, for a tree may be deeper than the stack.
  const left: { node: TreeNode; indent: string; branch: string; below: string }[] = [
    { node: root, indent: "", branch: "", below: "" },
  ];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { node, indent, branch, below } = next;
    lines.push(`${indent}${branch}${describeNode(node)}`);
    const children = node.children ?? [];
    const last = children.length - 1;
    for (let index = last; index >= 0; index -= 1) {
      const child = children[index];
      if (child === undefined) continue;
      const isLast = index === last;
      left.push({
        node: child,
        indent: indent + below,
        branch: isLast ? "└─ " : "├─ ",
        below: isLast ? "   " : "│  ",
      });
    }
  }
  return lines.join("\n");
}

function describeNode({ id, state, restarts, pid, incarnation }: TreeNode): string {
  const facts = [state];
  if (restarts > 0) facts.push(restarts === 1 ? "1 restart" : `${restarts} restarts`);
  if (incarnation !== undefined) facts.push(`worker ${incarnation}`);
  if (pid !== undefined) facts.push(`pid ${pid}`);
  return `${id}: ${facts.join(", ")}`;
}

/** A supervision tree as data. */

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

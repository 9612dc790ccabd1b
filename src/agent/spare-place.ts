/** The place of an agent's spare worker, which not every agent has. */

import type { TreeNode } from "../otp/report/tree.ts";
import type { AgentWorker, WorkerKeeper } from "./agent-worker.ts";
import type { SpareInfo } from "./instance-info.ts";
import { Spare, type SpareParts } from "./spare.ts";

/** What a group does with its spare worker. Without one every question has the answer of nobody. */
export class SparePlace {
  readonly #spare: Spare | undefined;
  readonly #agentId: string;
  readonly #path: () => string | undefined;

  constructor(parts: SpareParts, path: () => string | undefined) {
    this.#spare = parts.spec.spare === true ? new Spare(parts) : undefined;
    this.#agentId = parts.spec.id;
    this.#path = path;
  }

  /** Undefined while none is wanted. */
  get info(): SpareInfo | undefined {
    return this.#spare?.info;
  }

  /** As nodes of the tree: one or none. */
  get nodes(): TreeNode[] {
    const { info } = this;
    if (info === undefined) return [];
    const { state, incarnation, pid, losses: restarts } = info;
    const id = `${this.#agentId}/spare`;
    const node: TreeNode = { id, path: `${this.#path()}/${id}`, type: "worker", state, restarts, incarnation };
    return [pid === undefined ? node : { ...node, pid }];
  }

  /** See {@link Spare.want}. */
  want(): void {
    this.#spare?.want();
  }

  /** See {@link Spare.take}. */
  take(keeper: WorkerKeeper): AgentWorker | undefined {
    return this.#spare?.take(keeper);
  }

  /** See {@link Spare.renew}. */
  renew(incarnation: number): void {
    this.#spare?.renew(incarnation);
  }

  /** See {@link Spare.end}. */
  end(how: "drain" | "kill"): void {
    this.#spare?.end(how);
  }

  /** See {@link Spare.whenGone}. */
  whenGone(): Promise<void> {
    return this.#spare?.whenGone() ?? Promise.resolve();
  }
}

/** What a supervisor tells: its reports, its tree, its counts, and which child is where. */

import type { Process } from "../process/process.ts";
import { processIn } from "../process/target.ts";
import type { Offender, SupervisorReport } from "../report/supervisor-report.ts";
import type { TreeNode } from "../report/tree.ts";
import type { Clock } from "../scheduler/clock.ts";
import { actorState } from "../scheduler/xstate-adapter.ts";
import { type Child, isActive, refBelow } from "./child.ts";
import type { SupervisorHost } from "./host.ts";
import type { SupervisorActor } from "./machine.ts";
import type { NormalSupervisorSpec } from "./spec.ts";

/** What `countChildren` answers. */
export interface ChildCounts {
  /** Specifications kept. */
  specs: number;
  /** Children that run now. */
  active: number;
  supervisors: number;
  workers: number;
}

/** A supervisor, as far as it tells of itself and its children. */
export abstract class TellingSupervisor {
  abstract readonly path: string;
  abstract readonly process: Process;
  abstract readonly actor: SupervisorActor;
  protected readonly spec: NormalSupervisorSpec;
  protected readonly host: SupervisorHost;
  protected abstract readonly clock: Clock;

  constructor(spec: NormalSupervisorSpec, host: SupervisorHost) {
    this.spec = spec;
    this.host = host;
  }

  /** The children, oldest first. */
  protected abstract children(): Child[];

  state(): unknown {
    return this.actor.getSnapshot().context;
  }

  /** How many specifications, running children, supervisors and workers there are. */
  countChildren(): ChildCounts {
    const counts: ChildCounts = { specs: 0, active: 0, supervisors: 0, workers: 0 };
    for (const child of this.children()) {
      counts.specs += 1;
      if (isActive(child)) counts.active += 1;
      if (child.spec.type === "supervisor") counts.supervisors += 1;
      else counts.workers += 1;
    }
    return counts;
  }

  /** The ref of a running child, by id or by path, anywhere below; undefined when there is none. The nearest comes first. */
  whereis(name: string): unknown {
    if (name === this.path) return this;
    const level: TellingSupervisor[] = [this];
    // The list grows while it is read: level by level, and a tree of any depth needs no stack.
    for (const supervisor of level) {
      for (const child of supervisor.children()) {
        const { spec, path, status, running } = child;
        if (status === "running" && (spec.id === name || path === name)) return running?.ref;
        const below = refBelow(child);
        if (below instanceof TellingSupervisor) level.push(below);
      }
    }
    return undefined;
  }

  /** The subtree as data. */
  tree(): TreeNode {
    const state = this.process.alive ? actorState(this.actor) : "stopped";
    const root: TreeNode = { id: this.spec.id, path: this.path, type: "supervisor", state, restarts: 0, children: [] };
    const parents = [{ supervisor: this as TellingSupervisor, children: root.children as TreeNode[] }];
    for (const { supervisor, children } of parents) {
      for (const child of supervisor.children()) {
        const node = nodeOf(child);
        children.push(node);
        const below = refBelow(child);
        if (!(below instanceof TellingSupervisor) || node.children !== undefined) continue;
        node.children = [];
        parents.push({ supervisor: below, children: node.children });
      }
    }
    return root;
  }

  /** Whether anybody is told of reports: nobody makes one for no one, as a storm of restarts shows. */
  protected get isHeard(): boolean {
    return this.host.onReport !== undefined || this.process.runtime.tellsCrashes;
  }

  protected report(report: DistributiveOmit<SupervisorReport, "supervisor" | "atMs">): void {
    this.tell({ ...report, supervisor: this.path, atMs: this.clock.now() });
  }

  protected tell(report: unknown): void {
    const { onReport } = this.host;
    if (onReport !== undefined) onReport(report);
    else this.process.runtime.report(report as SupervisorReport);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function nodeOf({ spec, path, status, restarts, running }: Child): TreeNode {
  const { id, type } = spec;
  const state = running === undefined ? status : actorState(running.actor);
  return Object.assign({ id, path, type, state, restarts } satisfies TreeNode, running?.node?.());
}

/** The child of a report. */
export function offender(child: Child): Offender {
  const { id, type, restart, shutdownMs } = child.spec;
  const about: Offender = { childId: id, path: child.path, type, restart, shutdownMs, incarnation: child.incarnation };
  const process = processIn(child.lastRef);
  if (process !== undefined) about.process = process.toString();
  return about;
}

/** What a supervisor tells: its reports, its tree, its counts, and which child is where. */

import { LocalProcess } from "../process/local-process.ts";
import type { Process } from "../process/process.ts";
import { hasProcess } from "../process/target.ts";
import type { Offender, SupervisorReport } from "../report/supervisor-report.ts";
import type { TreeNode } from "../report/tree.ts";
import type { Clock } from "../scheduler/clock.ts";
import { actorState } from "../scheduler/xstate-adapter.ts";
import { type Child, isActive } from "./child.ts";
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
    for (const { spec, path, status, running } of this.children()) {
      if (status === "running" && (spec.id === name || path === name)) return running?.ref;
    }
    for (const { running } of this.children()) {
      const found = running?.ref instanceof TellingSupervisor ? running.ref.whereis(name) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The subtree as data. */
  tree(): TreeNode {
    const children = this.children().map((child): TreeNode => {
      const { id, type } = child.spec;
      const state = child.running === undefined ? child.status : actorState(child.running.actor);
      const node: TreeNode = { id, path: child.path, type, state, restarts: child.restarts };
      if (child.running?.ref instanceof TellingSupervisor) node.children = child.running.ref.tree().children ?? [];
      return Object.assign(node, child.running?.node?.());
    });
    const state = this.process.alive ? actorState(this.actor) : "stopped";
    return { id: this.spec.id, path: this.path, type: "supervisor", state, restarts: 0, children };
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

/** The child of a report. */
export function offender(child: Child): Offender {
  const { id, type, restart, shutdownMs } = child.spec;
  const about: Offender = { childId: id, path: child.path, type, restart, shutdownMs, incarnation: child.incarnation };
  const { lastRef } = child;
  if (lastRef instanceof LocalProcess) about.process = lastRef.toString();
  else if (hasProcess(lastRef)) about.process = lastRef.process.toString();
  return about;
}

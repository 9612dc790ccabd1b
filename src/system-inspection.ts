/** What inspectors may follow of a system, and the inspectors that do. */

import type { AnyActorRef, InspectionEvent } from "xstate";
import type { AgentEnvironment, AgentSlot } from "./agent/environment.ts";
import {
  type InspectedSystem,
  isSystemInspector,
  type NodeStatus,
  type SystemInspector,
  type ToldLine,
  type ToldReport,
  type ToldRun,
} from "./inspect/inspected-system.ts";
import { type GuardedInspector, guardInspector, type Inspector } from "./inspect/observer.ts";
import type { MetricsCollector } from "./metrics.ts";
import type { LocalRuntime } from "./otp/process/runtime.ts";
import { type TreeNode, walkTree } from "./otp/report/tree.ts";
import type { Report } from "./report.ts";
import { describeReport } from "./report-log.ts";
import type { Reporter } from "./reporter.ts";
import { statusOf } from "./system-health.ts";
import { toldRuns } from "./told-runs.ts";

/** Parts of a system that inspectors are told of. */
export interface InspectedParts {
  readonly name: string;
  readonly runtime: LocalRuntime;
  readonly environment: AgentEnvironment;
  readonly reporter: Reporter;
  readonly metrics: MetricsCollector;
  tree(): TreeNode;
}

/** Agents whose memory is read for one look at the tree, in turn: each costs a file. */
const readsAtATime = 64;

/** The inspectors of one system. */
export class SystemInspection implements InspectedSystem {
  readonly name: string;
  readonly #parts: InspectedParts;
  readonly #lineListeners = new Set<(line: ToldLine) => void>();
  readonly #readings = new Map<string, { pid: number; facts: Pick<NodeStatus, "memoryBytes" | "lagMs"> }>();
  readonly #inspectors = new Set<SystemInspector>();
  readonly #guarded = new Set<GuardedInspector>();
  #turn = 0;

  constructor(parts: InspectedParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  /**
   * Lets an inspector follow the system from now on. An observer of XState's events is told first which actors there are.
   * @returns the function that ends it; rejects as the inspector's `attach` does
   */
  async attach(inspector: Inspector | SystemInspector): Promise<() => Promise<void>> {
    if (isSystemInspector(inspector)) {
      await inspector.attach(this);
      this.#inspectors.add(inspector);
      return async () => {
        if (this.#inspectors.delete(inspector)) await inspector.detach(this);
      };
    }
    const guarded = guardInspector(inspector, (trouble) => this.#parts.reporter.report(trouble));
    for (const actorRef of this.actors()) {
      const { sessionId: rootId } = this.#parts.runtime.root;
      guarded.next({ type: "@xstate.actor", actorRef, rootId } as InspectionEvent);
    }
    const unobserve = this.observe(guarded.next);
    this.#guarded.add(guarded);
    return async () => {
      unobserve();
      guarded.flush();
      this.#guarded.delete(guarded);
    };
  }

  /**
   * Attaches those that the options name.
   * @returns rejects as the first of them that cannot; those before it are detached
   */
  async attachAll(
    inspectors: Inspector | SystemInspector | readonly (Inspector | SystemInspector)[] = [],
  ): Promise<void> {
    try {
      for (const inspector of [inspectors].flat()) await this.attach(inspector);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The system has ended: everybody is told what is left to tell. */
  async close(): Promise<void> {
    for (const guarded of this.#guarded) guarded.flush();
    const inspectors = [...this.#inspectors];
    this.#inspectors.clear();
    await Promise.allSettled(inspectors.map(async (inspector) => inspector.detach(this)));
  }

  *actors(): Generator<AnyActorRef> {
    yield* this.#parts.runtime.actors();
    for (const { actors } of this.#parts.environment.agents.values()) yield* actors;
  }

  observe(observer: (event: InspectionEvent) => void): () => void {
    return this.#parts.runtime.observe(observer);
  }

  onReport(listener: (told: ToldReport) => void): () => void {
    return this.#parts.reporter.listen((report) => listener(told(report)));
  }

  onLine(listener: (line: ToldLine) => void): () => void {
    this.#lineListeners.add(listener);
    const { environment } = this.#parts;
    environment.onLine ??= (line) => {
      for (const tell of this.#lineListeners) tell({ ...line, atMs: Date.now() });
    };
    return () => {
      this.#lineListeners.delete(listener);
      if (this.#lineListeners.size === 0) environment.onLine = undefined;
    };
  }

  runs(): ToldRun[] {
    return toldRuns(this.#parts.environment).runs;
  }

  recordings(): string[] {
    return [...this.#inspectors].flatMap(({ recording }) => recording ?? []);
  }

  health(): { ok: boolean; text: string } {
    const { environment } = this.#parts;
    const status = statusOf(environment.agents.values(), environment.stopping === undefined);
    return { ok: status === "serving", text: status };
  }

  trouble(error: unknown): void {
    this.#parts.reporter.report({ type: "inspect.threw", error });
  }

  nodes(): NodeStatus[] {
    const { environment } = this.#parts;
    const agents = new Map([...environment.agents.values()].map((slot) => [slot.path, slot]));
    this.#readSome();
    const nodes: NodeStatus[] = [];
    for (const { node } of walkTree(this.#parts.tree())) {
      const { path, id, type, state, restarts, pid, incarnation } = node;
      const slot = agents.get(path);
      const isAgent = slot !== undefined || incarnation !== undefined;
      const kind = type === "supervisor" ? type : isAgent ? "agent" : "process";
      const facts = slot === undefined ? {} : this.#agentFacts(slot);
      nodes.push({
        path,
        id,
        kind,
        state,
        restarts,
        ...(pid === undefined ? {} : { pid }),
        ...(incarnation === undefined ? {} : { incarnation }),
        ...facts,
      });
    }
    return nodes;
  }

  #agentFacts({ handle }: AgentSlot): Partial<NodeStatus> {
    const { completed, failed, tokens, meanRunMs } = this.#parts.metrics.brief(handle.id);
    const read = this.#readings.get(handle.id);
    return {
      queued: handle.queueLength,
      inFlight: handle.inFlight,
      completed,
      failed,
      tokens,
      ...(meanRunMs === undefined ? {} : { meanRunMs }),
      ...(handle.lastCrash === undefined ? {} : { lastCrash: handle.lastCrash.describe }),
      ...(read === undefined || read.pid !== handle.pid ? {} : read.facts),
    };
  }

  #readSome(): void {
    const { environment } = this.#parts;
    const slots = [...environment.agents.values()];
    for (let count = 0; count < Math.min(readsAtATime, slots.length); count += 1) {
      this.#turn = (this.#turn + 1) % slots.length;
      const slot = slots[this.#turn];
      if (slot?.handle.pid === undefined) continue;
      const { handle, loop } = slot;
      const pid = slot.handle.pid;
      const memoryBytes = environment.memoryOf(pid);
      this.#readings.set(handle.id, {
        pid,
        facts: {
          ...(memoryBytes === undefined ? {} : { memoryBytes }),
          ...(loop === undefined ? {} : { lagMs: Math.round(loop.lagMs) }),
        },
      });
    }
  }
}

function told(report: Report): ToldReport {
  const [level, text] = describeReport(report);
  const atMs = "atMs" in report ? report.atMs : Date.now();
  return { atMs, level, text, report };
}

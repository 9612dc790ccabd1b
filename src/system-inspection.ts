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

/** Workers whose memory is read for one look at the tree, in turn: each costs a file. */
const readsAtATime = 64;

/** The inspectors of one system. */
export class SystemInspection implements InspectedSystem {
  readonly name: string;
  readonly #parts: InspectedParts;
  readonly #lineListeners = new Set<(line: ToldLine) => void>();
  /** The memory of workers, by the paths of their agents or instances. */
  readonly #readings = new Map<string, { readonly pid: number; readonly memoryBytes: number | undefined }>();
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
    const walked = [...walkTree(this.#parts.tree())].map(({ node }) => node);
    this.#readSome(walked);
    return walked.map(({ path, id, type, state, restarts, pid, incarnation }) => {
      const slot = agents.get(path);
      const isAgent = slot !== undefined || incarnation !== undefined;
      const read = this.#readings.get(path);
      return {
        path,
        id,
        kind: type === "supervisor" ? type : isAgent ? "agent" : "process",
        state,
        restarts,
        ...(pid === undefined ? {} : { pid }),
        ...(incarnation === undefined ? {} : { incarnation }),
        ...(slot === undefined ? {} : this.#agentFacts(slot)),
        ...(read?.memoryBytes === undefined || read.pid !== pid ? {} : { memoryBytes: read.memoryBytes }),
      };
    });
  }

  #agentFacts({ handle, loop }: AgentSlot): Partial<NodeStatus> {
    const { completed, failed, tokens, meanRunMs } = this.#parts.metrics.brief(handle.id);
    const { lastCrash } = handle;
    const decision = handle.state === "stopped" ? lastCrash?.decision : undefined;
    return {
      queued: handle.queueLength,
      inFlight: handle.inFlight,
      completed,
      failed,
      tokens,
      ...(meanRunMs === undefined ? {} : { meanRunMs }),
      ...(lastCrash === undefined ? {} : { lastCrash: lastCrash.describe }),
      ...(decision === undefined || decision.type === "restart" ? {} : { leftDown: decision.because }),
      ...(handle.pid === undefined || loop === undefined ? {} : { lagMs: Math.round(loop.lagMs) }),
    };
  }

  #readSome(nodes: readonly TreeNode[]): void {
    const { environment } = this.#parts;
    const workers = nodes.filter(({ pid }) => pid !== undefined);
    // Those of workers that are gone go with time.
    if (this.#readings.size > workers.length * 2 + readsAtATime) this.#readings.clear();
    for (let count = 0; count < Math.min(readsAtATime, workers.length); count += 1) {
      this.#turn = (this.#turn + 1) % workers.length;
      const { path = "", pid } = workers[this.#turn] ?? {};
      if (pid !== undefined) this.#readings.set(path, { pid, memoryBytes: environment.memoryOf(pid) });
    }
  }
}

function told(report: Report): ToldReport {
  const [level, text] = describeReport(report);
  const atMs = "atMs" in report ? report.atMs : Date.now();
  return { atMs, level, text, report };
}

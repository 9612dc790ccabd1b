/** What a system has done since it began, in numbers: counted from its own reports. */

import { type AgentHealth, isServing } from "./agent/agent-health.ts";
import type { AgentSlot } from "./agent/environment.ts";
import type { SpareInfo } from "./agent/instance-info.ts";
import type { KeptRuns } from "./agent/run-ledger.ts";
import { errorName } from "./agent/run-outcome.ts";
import { Histogram, type HistogramValue } from "./histogram.ts";
import type { Report } from "./report.ts";

/** How an agent is at the moment. */
type CurrentNumbers = Pick<AgentHealth, "id" | "path" | "state" | "serving" | "queueLength" | "inFlight">;

/** The numbers of one agent. Counts begin with the system. */
export interface AgentMetrics extends CurrentNumbers {
  /** Its instances, by state; an agent without instances is one. */
  readonly instances: Readonly<Record<string, number>>;
  /** State of its spare worker; absent where none is kept. */
  readonly spare?: SpareInfo["state"];
  /** Workers that were started. */
  readonly workersSpawned: number;
  /** Crashes by cause ("signaled", "exited", "start_timeout", …). */
  readonly crashes: Readonly<Record<string, number>>;
  readonly runs: {
    /** Runs that a worker has taken. */
    readonly started: number;
    readonly completed: number;
    readonly paused: number;
    readonly failed: number;
    readonly cancelled: number;
  };
  /** Runs that failed or were cancelled, by code and, of a failed run, its kind: "run_failed/user_code", "worker_exited". */
  readonly errors: Readonly<Record<string, number>>;
  /** How long runs waited for a worker. */
  readonly waits: HistogramValue;
  /** How long callers waited for their answers. */
  readonly durations: HistogramValue;
  /** How long workers took from spawn to ready. */
  readonly starts: HistogramValue;
  /** What the runs have used, as far as they told: also those that failed. */
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly requests: number;
    readonly toolCalls: number;
  };
}

/** The numbers of a system. */
export interface SystemMetrics {
  /** The system's name. */
  readonly name: string;
  readonly agents: readonly AgentMetrics[];
  /** Of the runs that `agent.start` began. */
  readonly keptRuns: KeptRuns;
  /** Reports by type, of agents, supervisors and processes. */
  readonly reports: Readonly<Record<string, number>>;
}

/** Counts what a system reports. */
export class MetricsCollector {
  readonly #agents = new Map<string, AgentCounts>();
  readonly #reports = new Map<string, number>();

  /** Counts a report. Never throws. */
  count(report: Report): void {
    increase(this.#reports, report.type);
    if ("agentId" in report) this.#of(report.agentId).count(report);
  }

  /** The numbers now. */
  value(name: string, slots: Iterable<AgentSlot>, keptRuns: KeptRuns): SystemMetrics {
    const agents = [...slots].map((slot) => {
      // Not of its health: that reads files, and this is asked often.
      const { agentId: id, path = id, state, runs, instances: all, spare } = slot;
      const { queueLength, inFlight } = runs;
      const instances = new Map<string, number>();
      for (const instance of all) increase(instances, instance.state);
      const current = {
        id,
        path,
        state,
        serving: isServing(slot),
        queueLength,
        inFlight,
        instances: Object.fromEntries(instances),
      };
      return { ...current, ...(spare === undefined ? {} : { spare: spare.state }), ...this.#of(id).value() };
    });
    return { name, agents, keptRuns, reports: Object.fromEntries(this.#reports) };
  }

  /** The numbers of one agent in short. */
  brief(id: string): { completed: number; failed: number; tokens: number; meanRunMs: number | undefined } {
    return this.#of(id).brief();
  }

  #of(id: string): AgentCounts {
    const known = this.#agents.get(id);
    if (known !== undefined) return known;
    const counts = new AgentCounts();
    this.#agents.set(id, counts);
    if (this.#agents.size > maxAgents) this.#agents.delete(this.#agents.keys().next().value ?? id);
    return counts;
  }
}

/** Agents whose counts are kept: those of temporary agents that are long gone make room. */
const maxAgents = 10_000;

const usageNames = ["inputTokens", "outputTokens", "requests", "toolCalls"] as const;

type Counted = Omit<AgentMetrics, keyof CurrentNumbers | "instances" | "spare">;

class AgentCounts {
  readonly #crashes = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #runs = { started: 0, completed: 0, paused: 0, failed: 0, cancelled: 0 };
  readonly #usage = { inputTokens: 0, outputTokens: 0, requests: 0, toolCalls: 0 };
  readonly #waits = new Histogram();
  readonly #durations = new Histogram();
  readonly #starts = new Histogram();
  #workersSpawned = 0;

  count(report: Extract<Report, { agentId: string }>): void {
    switch (report.type) {
      case "worker.spawned":
        this.#workersSpawned += 1;
        return;
      case "agent.ready":
      case "agent.swapped":
        this.#starts.add(report.startMs);
        return;
      case "agent.crashed":
        increase(this.#crashes, report.crash.cause);
        return;
      case "run.started":
        // A run that is tried again is the same run.
        if (report.attempt > 1) return;
        this.#runs.started += 1;
        this.#waits.add(report.waitedMs);
        return;
      case "run.settled": {
        const { outcome, durationMs, usage } = report;
        this.#runs[outcome] += 1;
        this.#durations.add(durationMs);
        const error = errorName(report);
        if (error !== undefined) increase(this.#errors, error);
        if (usage === undefined) return;
        for (const name of usageNames) this.#usage[name] += usage[name];
        return;
      }
    }
  }

  brief(): ReturnType<MetricsCollector["brief"]> {
    const { completed, paused, failed, cancelled } = this.#runs;
    return {
      completed: completed + paused,
      failed: failed + cancelled,
      tokens: this.#usage.inputTokens + this.#usage.outputTokens,
      meanRunMs: this.#durations.meanMs,
    };
  }

  value(): Counted {
    return {
      workersSpawned: this.#workersSpawned,
      crashes: Object.fromEntries(this.#crashes),
      runs: { ...this.#runs },
      errors: Object.fromEntries(this.#errors),
      waits: this.#waits.value(),
      durations: this.#durations.value(),
      starts: this.#starts.value(),
      usage: { ...this.#usage },
    };
  }
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** A system as an inspector sees it: what it may follow, whatever the inspector makes of it. */

import type { ActorSource } from "./feed.ts";

/** A report of the system's, with the sentence of its log line. */
export interface ToldReport {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
  readonly report: { readonly type: string };
}

/** A line that a worker has written. */
export interface ToldLine {
  readonly atMs: number;
  readonly agentId: string;
  readonly incarnation: number;
  readonly level: string;
  readonly text: string;
}

/** One place of the supervision tree, with its numbers. */
export interface NodeStatus {
  /** Ids from the root, joined by "/". */
  readonly path: string;
  readonly id: string;
  readonly kind: "supervisor" | "agent" | "process";
  readonly state: string;
  readonly restarts: number;
  readonly pid?: number;
  readonly incarnation?: number;
  /** Runs that wait. */
  readonly queued?: number;
  /** Runs that work. */
  readonly inFlight?: number;
  /** Runs that have been answered since the system began. */
  readonly completed?: number;
  /** And those that were not. */
  readonly failed?: number;
  readonly tokens?: number;
  /** How long callers have waited for their answers, on average, in milliseconds. */
  readonly meanRunMs?: number;
  /** How long the worker's event loop took to answer the last time, in milliseconds. */
  readonly lagMs?: number;
  /** Memory of the worker in bytes. */
  readonly memoryBytes?: number;
  readonly lastCrash?: string;
  /** Of an agent whose policy has left it down: why. */
  readonly leftDown?: string;
}

/** A call that a run asks people about. */
export interface ToldAsk {
  /** Consent to a call, the result of one that is made elsewhere, or an answer to a question. */
  readonly kind: "approval" | "external" | "question";
  readonly toolName: string;
  /** Summarised. */
  readonly args: unknown;
}

/** What a run waits for. */
export interface ToldWait {
  /** What `agent.answer` takes. */
  readonly token: string;
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  readonly deadlineAtMs?: number;
  /** Absent: any JSON value answers it. */
  readonly asks?: readonly ToldAsk[];
}

/** A run that belongs to the system, or one of a caller that waits for an answer from outside. */
export interface ToldRun {
  readonly runId: string;
  readonly agentId: string;
  readonly state: "queued" | "running" | "waiting" | "paused" | "completed" | "failed" | "cancelled";
  /** Whether it belongs to the system: its caller may leave and come back. */
  readonly kept: boolean;
  /** Of a kept one: as `RunInfo`. */
  readonly detached?: boolean;
  readonly idempotencyKey?: string;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  readonly attempts?: number;
  readonly incarnation?: number;
  /** Of a waiting one. */
  readonly waits?: readonly ToldWait[];
  /** Of a paused one. */
  readonly asks?: readonly ToldAsk[];
  /** Of one that has failed or was cancelled: what its error says. */
  readonly error?: string;
}

/** What an inspector may follow. Every function that it gets back ends what it began. */
export interface InspectedSystem extends ActorSource {
  readonly name: string;
  /** Listeners must not throw. */
  onReport(listener: (told: ToldReport) => void): () => void;
  onLine(listener: (line: ToldLine) => void): () => void;
  /** The tree now, each place after its parent. */
  nodes(): NodeStatus[];
  /** Runs that wait for an answer from outside, then those that belong to the system, the newest first; not all, where there are many. */
  runs(): ToldRun[];
  /** The files that recorders of the system write at the moment. */
  recordings(): string[];
  /** Whether everything serves; else what does not, in one sentence. */
  health(): { readonly ok: boolean; readonly text: string };
}

/** An inspector that follows a system from its start, or from when it is attached, to its end. */
export interface SystemInspector {
  /** Begins to follow a system. Its throw or rejection keeps the system from starting. */
  attach(system: InspectedSystem): void | Promise<void>;
  /** The system has ended, or the inspector is to leave it: settles when all is released. Does not reject. */
  detach(system: InspectedSystem): void | Promise<void>;
  /** The file that it writes, while it does. */
  readonly recording?: string | undefined;
}

/** Whether an inspector follows systems, and not XState's events alone. */
export function isSystemInspector(value: unknown): value is SystemInspector {
  if (typeof value !== "object" || value === null) return false;
  const { attach, detach } = value as Partial<SystemInspector>;
  return typeof attach === "function" && typeof detach === "function";
}

/** The runs that belong to a system: all that run, and those that have ended as long as there is room and time. */

import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { type Clock, setIdleTimeout } from "../otp/scheduler/clock.ts";
import { defaultRunLimits, type RunLimits } from "./run-limits.ts";
import { type LiveRun, RunRecord, type RunRecordParts } from "./run-record.ts";
import type { RunOutcome } from "./run-result.ts";
import type { AttachOptions, RunFilter, RunHandle, RunInfo, RunState, Runs } from "./runs.ts";
import { agentStoppedError } from "./worker-error.ts";

/** What the system keeps, in numbers. */
export interface KeptRuns {
  /** Runs that wait or run. */
  readonly live: number;
  /** Runs that have ended and are kept. */
  readonly ended: number;
  /** About what their events and outcomes take in memory. */
  readonly bytes: number;
}

const states: readonly unknown[] = [
  "queued",
  "running",
  "waiting",
  "paused",
  "completed",
  "failed",
  "cancelled",
] satisfies RunState[];
const filterFields: ReadonlySet<string> = new Set(["agent", "state", "limit"] satisfies (keyof RunFilter)[]);
const attachFields: ReadonlySet<string> = new Set(["after"] satisfies (keyof AttachOptions)[]);

/** To how much the events of runs that run are cut when they alone are too many: a share of the limit, so that the next event does not cut again. */
const cutTo = 7 / 8;

/** The book of a system's runs. */
export class RunLedger implements Runs {
  readonly #clock: Clock;
  readonly #limits: RunLimits;
  /** By id, in the order of their starts. */
  readonly #runs = new Map<string, RunRecord>();
  /** Those that have ended, in the order of their ends, and when, by the monotonic clock. */
  readonly #ended = new Map<RunRecord, number>();
  /** Those of them that still have events. */
  readonly #endedWithEvents = new Set<RunRecord>();
  readonly #keys = new Map<string, RunRecord>();
  #bytes = 0;
  #timer: unknown;
  #closed = false;

  constructor(clock: Clock, limits: RunLimits = defaultRunLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get(runId: string): RunInfo | undefined {
    return this.#find(runId)?.info;
  }

  list(filter: RunFilter = {}): RunInfo[] {
    if (typeof filter !== "object" || filter === null) throw invalidArgument("filter", filter, "an object");
    checkKnownFields("filter", filter, filterFields);
    const { agent, state, limit = Number.POSITIVE_INFINITY } = filter;
    const agentId = typeof agent === "object" && agent !== null ? agent.id : agent;
    if (agent !== undefined && typeof agentId !== "string") {
      throw invalidArgument("filter.agent", agent, "an agent's id or definition");
    }
    if (state !== undefined && !states.includes(state)) {
      throw invalidArgument("filter.state", state, `one of ${states.join(", ")}`);
    }
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isInteger(limit) && limit >= 0)) {
      throw invalidArgument("filter.limit", limit, "an integer of 0 or more");
    }
    this.#expire();
    const found: RunInfo[] = [];
    for (const record of [...this.#runs.values()].reverse()) {
      if (found.length >= limit) break;
      if (agentId !== undefined && record.parts.agentId !== agentId) continue;
      if (state === undefined || record.state === state) found.push(record.info);
    }
    return found;
  }

  attach<Output = unknown>(runId: string, options: AttachOptions = {}): RunHandle<Output, RunOutcome<Output>> {
    if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
    checkKnownFields("options", options, attachFields);
    const record = this.#known(runId) as RunRecord<Output>;
    const { after = 0 } = options;
    const { lastSeq } = record.log;
    if (!Number.isInteger(after) || after < 0 || after > lastSeq) {
      const rule = `an integer from 0 to ${lastSeq}, the number of the last event of run "${runId}"`;
      throw invalidArgument("options.after", after, rule);
    }
    record.log.check(after);
    return record.handle(after);
  }

  cancel(runId: string, reason?: string): boolean {
    if (reason !== undefined && typeof reason !== "string") throw invalidArgument("reason", reason, "a text");
    const { live } = this.#known(runId);
    live?.cancel(reason);
    return live !== undefined;
  }

  /** What is kept now, in numbers. */
  get kept(): KeptRuns {
    this.#expire();
    return { live: this.#runs.size - this.#ended.size, ended: this.#ended.size, bytes: this.#bytes };
  }

  /** The run that was started for an agent under a key; undefined: none that is kept. */
  ofKey(agentId: string, key: string): RunRecord | undefined {
    this.#expire();
    return this.#keys.get(keyName(agentId, key));
  }

  /** A run that begins. */
  add<Output>(run: LiveRun<Output>, facts: Omit<RunRecordParts, "maxBytes" | "resized" | "ended">): RunRecord<Output> {
    const record = new RunRecord<Output>(run, {
      ...facts,
      maxBytes: this.#limits.maxBytesPerRun,
      resized: (bytes) => this.#resized(bytes),
      ended: (ended) => this.#noteEnd(ended),
    });
    this.#runs.set(run.id, record as RunRecord);
    if (facts.idempotencyKey !== undefined) {
      this.#keys.set(keyName(facts.agentId, facts.idempotencyKey), record as RunRecord);
    }
    return record;
  }

  /** The system has ended: what still runs has nobody to end it. What is kept can be read as long as it is kept. */
  close(): void {
    this.#closed = true;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { runId, live, parts } of this.#runs.values()) {
      live?.fail(agentStoppedError(parts.agentId, "stopped while the run ended", undefined, runId));
    }
  }

  #noteEnd(record: RunRecord): number {
    this.#ended.set(record, this.#clock.monotonicMs());
    this.#endedWithEvents.add(record);
    this.#arm();
    return this.#clock.now();
  }

  #resized(bytes: number): void {
    this.#bytes += bytes;
    if (this.#ended.size > this.#limits.maxRuns) this.#forgetOldest();
    if (this.#bytes > this.#limits.maxBytes) this.#makeRoom();
  }

  /** Events of ended runs go first, then ended runs, then the oldest events of those that run. What ended last is kept. */
  #makeRoom(): void {
    const { maxBytes } = this.#limits;
    for (const record of this.#endedWithEvents) {
      if (this.#bytes <= maxBytes) return;
      this.#endedWithEvents.delete(record);
      this.#cut(record, () => record.log.clear());
    }
    while (this.#bytes > maxBytes && this.#ended.size > 1) this.#forgetOldest();
    if (this.#bytes <= maxBytes) return;
    const live = [...this.#runs.values()].filter((record) => record.live !== undefined);
    const sizes = live.map(({ bytes }) => bytes);
    const rest = this.#bytes - sizes.reduce((sum, bytes) => sum + bytes, 0);
    const level = levelOf(sizes, maxBytes * cutTo - rest);
    for (const record of live) {
      while (record.bytes > level && this.#cut(record, () => record.log.dropOldest()));
    }
  }

  /** Does something that makes a record smaller, and answers whether it has. */
  #cut(record: RunRecord, cut: () => void): boolean {
    const before = record.bytes;
    cut();
    this.#bytes -= before - record.bytes;
    return record.bytes < before;
  }

  #forgetOldest(): void {
    const [record] = this.#ended.keys();
    if (record === undefined) return;
    this.#ended.delete(record);
    this.#endedWithEvents.delete(record);
    this.#runs.delete(record.runId);
    const { agentId, idempotencyKey } = record.parts;
    if (idempotencyKey !== undefined) this.#keys.delete(keyName(agentId, idempotencyKey));
    this.#bytes -= record.bytes;
    // Who reads it still is told that it is gone.
    record.log.clear();
  }

  /** Forgets what has been kept long enough. */
  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const endedAtMs of this.#ended.values()) {
      if (endedAtMs + this.#limits.keepMs > nowMs) return;
      this.#forgetOldest();
    }
  }

  /** Waits for the next that expires. */
  #arm(): void {
    const [endedAtMs] = this.#ended.values();
    if (this.#closed || this.#timer !== undefined || endedAtMs === undefined) return;
    const leftMs = Math.max(1, Math.ceil(endedAtMs + this.#limits.keepMs - this.#clock.monotonicMs()));
    const fire = () => {
      this.#timer = undefined;
      this.#expire();
      this.#arm();
    };
    this.#timer = setIdleTimeout(this.#clock, fire, leftMs);
  }

  #find(runId: string): RunRecord | undefined {
    if (typeof runId !== "string") throw invalidArgument("runId", runId, "a run's id");
    this.#expire();
    return this.#runs.get(runId);
  }

  #known(runId: string): RunRecord {
    const record = this.#find(runId);
    if (record !== undefined) return record;
    const message = `no run "${runId}" is kept: it was not started with agent.start, or has ended too long ago`;
    throw new CallerError("not_found", message, { field: "runId", value: runId });
  }
}

/** The most that each may have, so that all of them together have room: those with less keep what they have. */
function levelOf(sizes: readonly number[], room: number): number {
  let left = room;
  let count = sizes.length;
  for (const size of sizes.toSorted((one, other) => one - other)) {
    if (size * count > left) break;
    left -= size;
    count -= 1;
  }
  return count === 0 ? Number.POSITIVE_INFINITY : left / count;
}

function keyName(agentId: string, key: string): string {
  return JSON.stringify([agentId, key]);
}

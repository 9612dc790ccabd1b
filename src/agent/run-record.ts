/** What is known of one run that belongs to its system: while it runs by the run itself, after its end by what it has left. */

import type { SynapseError } from "../errors.ts";
import { LogReader } from "./log-reader.ts";
import type { OpenWait } from "./open-waits.ts";
import { RunLog } from "./run-log.ts";
import type { Prompt } from "./run-options.ts";
import type { RunEvent, RunOutcome } from "./run-result.ts";
import type { RunHandle, RunInfo, RunState } from "./runs.ts";
import { partialsOf, textOf } from "./select-events.ts";
import { hasEnded, type SendOptions } from "./steering.ts";
import { bytesOf } from "./value-bytes.ts";

/** The run of a record, while it runs. */
export interface LiveRun<Output> {
  readonly id: string;
  readonly result: Promise<RunOutcome<Output>>;
  /** Whether a worker has it. */
  readonly working: boolean;
  /** What it waits for. */
  readonly waits: readonly OpenWait[];
  readonly attempts: number;
  readonly lastIncarnation: number;
  send(content: Prompt, options?: SendOptions): Promise<void>;
  cancel(reason?: string): void;
  fail(error: Error): void;
}

/** What a record is made with, beside its run. */
export interface RunRecordParts {
  readonly agentId: string;
  readonly detached: boolean;
  readonly idempotencyKey: string | undefined;
  /** Of what was asked; empty without a key. */
  readonly fingerprint: string;
  readonly startedAtMs: number;
  /** What the outcome holds of what the run was given, in bytes. */
  readonly givenBytes: number;
  readonly maxBytes: number;
  /** The record takes so many bytes more, or less. */
  readonly resized: (bytes: number) => void;
  /** The run has ended. Returns the time, as `startedAtMs`. */
  readonly ended: (record: RunRecord) => number;
}

/** One run, from its start until it is forgotten. */
export class RunRecord<Output = unknown> {
  readonly runId: string;
  readonly parts: RunRecordParts;
  readonly log: RunLog<Output>;
  readonly result: Promise<RunOutcome<Output>>;
  #live: LiveRun<Output> | undefined;
  /** As it was when the run ended. */
  #taken = { attempts: 0, incarnation: 0 };
  #endedAtMs: number | undefined;
  #error: SynapseError | undefined;
  #outcomeBytes = 0;
  #readers = 0;

  constructor(run: LiveRun<Output>, parts: RunRecordParts) {
    this.runId = run.id;
    this.result = run.result;
    this.parts = parts;
    this.log = new RunLog({ runId: run.id, ...parts });
    this.#live = run;
  }

  /** The run, while it runs. */
  get live(): LiveRun<Output> | undefined {
    return this.#live;
  }

  /** About what it takes in memory. */
  get bytes(): number {
    return this.log.bytes + this.#outcomeBytes;
  }

  get state(): RunState {
    const { terminal } = this.log;
    if (terminal !== undefined) return terminal.type as RunState;
    if (this.#live?.working !== true) return "queued";
    return this.#live.waits.length > 0 ? "waiting" : "running";
  }

  /** As a plain value. */
  get info(): RunInfo<Output> {
    const { agentId, detached, idempotencyKey, startedAtMs } = this.parts;
    const { terminal, firstSeq, lastSeq } = this.log;
    const waits = this.#live?.waits ?? [];
    return {
      runId: this.runId,
      agentId,
      state: this.state,
      detached,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      startedAtMs,
      ...(this.#endedAtMs === undefined ? {} : { endedAtMs: this.#endedAtMs }),
      ...this.#takenNow,
      firstSeq,
      lastSeq,
      bytes: this.bytes,
      ...(waits.length === 0 ? {} : { waits }),
      ...(terminal?.type === "completed" ? { result: terminal.result } : {}),
      ...(terminal?.type === "paused" ? { paused: terminal.paused } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  /** Keeps an event of the run; a terminal one comes with the error, where there is one. */
  keep(event: RunEvent<Output>, end?: { readonly error: SynapseError | undefined }): void {
    const before = this.bytes;
    if (end === undefined) this.log.add(event, false);
    else {
      this.#taken = this.#takenNow;
      this.#live = undefined;
      this.#error = end.error;
      this.#outcomeBytes = bytesOf(event) + this.parts.givenBytes;
      this.log.add(event, true);
      this.#endedAtMs = this.parts.ended(this as RunRecord);
    }
    this.parts.resized(this.bytes - before);
  }

  /** A handle whose readers begin after this number. */
  handle(after: number): RunHandle<Output, RunOutcome<Output>> {
    const record = this;
    const { runId, result } = this;
    const { agentId } = this.parts;
    const read = () => record.#read(after);
    return {
      runId,
      agentId,
      get state() {
        return record.state;
      },
      [Symbol.asyncIterator]: read,
      text: () => textOf(read, result),
      partial: () => partialsOf(read, result),
      result,
      async send(content, options) {
        if (record.#live === undefined) throw hasEnded({ agentId, runId });
        await record.#live.send(content, options);
      },
      cancel: (reason) => record.#live?.cancel(reason),
    };
  }

  get #takenNow(): { attempts: number; incarnation: number } {
    const run = this.#live;
    return run === undefined ? this.#taken : { attempts: run.attempts, incarnation: run.lastIncarnation };
  }

  #read(after: number): LogReader<Output> {
    this.#readers += 1;
    return new LogReader(this.log, after, () => {
      this.#readers -= 1;
      if (this.#readers === 0 && !this.parts.detached) this.#live?.cancel("its last reader left the loop");
    });
  }
}

/** A run that belongs to its system: it runs at full speed whoever reads, or at its readers', and its record keeps what it tells. */

import type { SynapseError } from "../errors.ts";
import type { OpenWait } from "./open-waits.ts";
import type { PendingRun, RunOwner } from "./pending-run.ts";
import type { InnerRunOptions, Prompt } from "./run-options.ts";
import type { LiveRun, RunRecord } from "./run-record.ts";
import type { RunEvent } from "./run-result.ts";
import { StreamRun } from "./run-stream.ts";

/** A streaming run whose one reader is its record. */
export class DetachedRun<Output> extends StreamRun<Output> implements LiveRun<Output> {
  #record: RunRecord<Output> | undefined;
  #attempts = 0;
  #lastIncarnation = 0;
  #error: SynapseError | undefined;

  constructor(owner: RunOwner, prompt: Prompt, options: InnerRunOptions) {
    super(owner, prompt, options);
    // Whoever asks for the result hears of a failure; that nobody does is no fault.
    this.result.catch(() => undefined);
  }

  get working(): boolean {
    return this.progress !== undefined;
  }

  get waits(): readonly OpenWait[] {
    return this.owner.waits.of(this.id);
  }

  get attempts(): number {
    return this.#attempts;
  }

  get lastIncarnation(): number {
    return this.#lastIncarnation;
  }

  /** What it holds of the messages that it was given, in bytes. */
  get givenBytes(): number {
    return this.request.message.messageHistoryJson.byteLength;
  }

  /** Begins: it is queued now, and read to its end. `paced`: when a reader reads, and as fast as the fastest does. */
  run(record: RunRecord<Output>, { paced = false } = {}): void {
    this.#record = record;
    void this.drain(paced ? () => record.log.wanted() : undefined);
  }

  override begin(...given: Parameters<PendingRun["begin"]>): void {
    this.#attempts = this.request.attempt;
    this.#lastIncarnation = given[1];
    super.begin(...given);
  }

  protected override failed(error: Error): void {
    this.#error = error as SynapseError;
    super.failed(error);
  }

  protected override keep(event: RunEvent<Output>, terminal: boolean): void {
    this.#record?.keep(event, terminal ? { error: this.#error } : undefined);
  }
}

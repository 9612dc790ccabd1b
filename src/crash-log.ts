/** The last crashes of a system, all agents together: its memory of what went wrong, in bounds. */

import type { CrashRecord } from "./crash.ts";

/** Keeps the last records that it is handed. */
export class CrashLog {
  readonly #most: number;
  #records: CrashRecord[] = [];

  /** @param most how many it keeps, 0 or more */
  constructor(most: number) {
    this.#most = most;
  }

  /** A worker has crashed. */
  note(crash: CrashRecord): void {
    this.#records.push(crash);
    // Cut in halves, so that a crash costs no copy of all that are kept.
    if (this.#records.length > this.#most * 2) this.#records = this.#last();
  }

  /** The records, newest last: of one agent, or of all. */
  list(agentId?: string): CrashRecord[] {
    const last = this.#last();
    return agentId === undefined ? last : last.filter((crash) => crash.agentId === agentId);
  }

  #last(): CrashRecord[] {
    return this.#records.slice(Math.max(0, this.#records.length - this.#most));
  }
}

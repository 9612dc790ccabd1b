/** What becomes of a run whose worker dies: whether it is tried again, and when it is to blame. */

import type { CrashRecord } from "../crash.ts";
import { checkKnownFields, invalidArgument } from "../errors.ts";

/** When a run is tried again. */
export interface RetryOptions {
  /**
   * When its worker dies: "never" (default), or "if_idempotent": once more, where the run is `idempotent` and its stream has told nothing yet.
   */
  readonly onWorkerExit?: "if_idempotent" | "never" | undefined;
}

/**
 * What becomes of a run whose worker has died.
 * - "again": it waits for the next worker, in front of all others
 * - "set_aside": it was in flight at two deaths in a row, and is not tried again
 * - "lost": it ends with its worker
 */
export type RunFate = "again" | "set_aside" | "lost";

const known: ReadonlySet<string> = new Set(["onWorkerExit"] satisfies (keyof RetryOptions)[]);

/** @throws CallerError "invalid_argument" */
export function checkRetry(field: string, retry: RetryOptions | undefined): void {
  if (retry === undefined) return;
  if (typeof retry !== "object" || retry === null) throw invalidArgument(field, retry, "an object of onWorkerExit");
  checkKnownFields(field, retry, known);
  const { onWorkerExit } = retry;
  if (onWorkerExit !== undefined && onWorkerExit !== "if_idempotent" && onWorkerExit !== "never") {
    throw invalidArgument(`${field}.onWorkerExit`, onWorkerExit, '"if_idempotent" or "never"');
  }
}

/** How many workers may die with one run. */
const deathsAllowed = 2;

/** The deaths of the workers that carried one run. */
export class Deaths {
  readonly #repeatable: boolean;
  readonly #crashes: CrashRecord[] = [];

  /** The run's own word goes before its agent's. */
  constructor(run: { idempotent?: boolean | undefined; retry?: RetryOptions | undefined }, agent?: RetryOptions) {
    const rule = run.retry?.onWorkerExit ?? agent?.onWorkerExit ?? "never";
    this.#repeatable = run.idempotent === true && rule === "if_idempotent";
  }

  /** The records, oldest first. */
  get crashes(): readonly CrashRecord[] {
    return this.#crashes;
  }

  /** One more; what becomes of the run. `told`: its caller has heard of it already. */
  add(crash: CrashRecord, told: boolean): RunFate {
    this.#crashes.push(crash);
    if (!this.#repeatable) return "lost";
    if (this.#crashes.length >= deathsAllowed) return "set_aside";
    return told ? "lost" : "again";
  }
}

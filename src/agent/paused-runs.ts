/** The paused runs of one agent that its process knows by their tokens: memory, no process. */

import { CallerError, invalidArgument } from "../errors.ts";
import type { PausedRun } from "./paused-run.ts";
import type { InnerRunOptions, RunOptions } from "./run-options.ts";

/** How many are kept; the oldest gives way. */
const mostKept = 1_000;
/** How many spent tokens are remembered. */
const mostSpent = 10_000;

/** What a paused run goes on with. */
export interface KeptRun {
  readonly paused: PausedRun;
  /** As the run before had them, but for what was of that run alone. */
  readonly options: RunOptions;
}

/** Paused runs by their tokens. Each goes on once. */
export class PausedRuns {
  readonly #kept = new Map<string, KeptRun>();
  readonly #spent = new Set<string>();

  keep(paused: PausedRun, options: InnerRunOptions): void {
    const { signal: _signal, timeoutMs: _time, partialOutput: _partial, deferredResults: _answers, ...most } = options;
    const { frontend: _frontend, ...rest } = most;
    this.#kept.set(paused.token, { paused, options: rest });
    this.#spent.delete(paused.token);
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value as string);
  }

  /**
   * The run of a token, or the one that was stored elsewhere; then the token is spent.
   * @throws CallerError "not_found" for a token that is spent or unknown, "invalid_argument" for what is neither a token nor a paused run
   */
  take(given: string | PausedRun, agentId: string): KeptRun {
    const token = typeof given === "string" ? given : given?.token;
    if (typeof token !== "string") throw invalidArgument("paused", given, "a token, or a paused run");
    const kept = this.#kept.get(token);
    this.#kept.delete(token);
    if (kept === undefined && (typeof given === "string" || this.#spent.has(token))) {
      const message = `agent "${agentId}" keeps no paused run of the token "${token}": it has gone on, or was paused by another process`;
      throw new CallerError("not_found", message, { field: "paused", value: token });
    }
    this.#spend(token);
    if (kept !== undefined || typeof given === "string") return kept as KeptRun;
    if (given.agentId !== agentId) throw invalidArgument("paused.agentId", given.agentId, `"${agentId}"`);
    if (!Array.isArray(given.messages) || !Array.isArray(given.requests)) {
      throw invalidArgument("paused", given, "a paused run, with its messages and requests");
    }
    return { paused: given, options: {} };
  }

  #spend(token: string): void {
    this.#spent.add(token);
    if (this.#spent.size > mostSpent) this.#spent.delete(this.#spent.values().next().value as string);
  }
}

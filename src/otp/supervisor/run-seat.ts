/** The part about runs of one policy where it is set: its state, and who waits for it. */

import { pass } from "../policy/per-child.ts";
import type { AnyRestartPolicy } from "../policy/restart-policy.ts";
import { askAll, type RunDecision, type RunHappening, type RunPolicy, runPolicyOf } from "../policy/run-policy.ts";

/** Someone whose runs wait. */
export interface RunWaiter {
  readonly agentId: string;
  /** Something has changed: it asks again, or withdraws. */
  retry(): void;
}

const letGo: RunPolicy = (state) => ({ decision: pass, state });

/** A seat. One without such a part lets everything go. */
export class RunSeat {
  #policy: RunPolicy;
  #state: unknown;
  /** In the order in which they came. */
  readonly #waiters = new Map<string, RunWaiter>();
  #telling = false;
  #toldMore = false;

  constructor(policy: AnyRestartPolicy | undefined) {
    this.#policy = runPolicyOf(policy) ?? letGo;
  }

  /** Whether there is anything to ask. */
  get limits(): boolean {
    return this.#policy !== letGo;
  }

  get policy(): RunPolicy {
    return this.#policy;
  }

  /** As the policy has left it. */
  get state(): unknown {
    return this.#state;
  }

  /** Replaces the policy, and who waits asks the new one. */
  set(policy: AnyRestartPolicy, state: "keep" | "reset"): void {
    this.#policy = runPolicyOf(policy) ?? letGo;
    if (state === "reset") this.#state = undefined;
    this.changed();
  }

  /** Someone waits until it is asked to try again. */
  await(waiter: RunWaiter): void {
    this.#waiters.set(waiter.agentId, waiter);
  }

  /** Whether those who wait are asking again, each in its turn. */
  get telling(): boolean {
    return this.#telling;
  }

  /** The one who waits for an agent's runs. */
  waiter(agentId: string): RunWaiter | undefined {
    return this.#waiters.get(agentId);
  }

  /** Something has happened that makes room, perhaps: who waits asks again, in order. */
  tell(happened: Exclude<RunHappening, { type: "asked" }>, nowMs: number): void {
    if (happened.type === "withdrawn") this.#waiters.delete(happened.agentId);
    this.#state = this.#policy(this.#state, happened, nowMs).state;
    this.changed();
  }

  /** What the policy has left as its state, of a question to several. */
  leave(state: unknown): void {
    this.#state = state;
  }

  /** Who waits asks again, in order. What that changes is told in another round, not in a turn within the turn. */
  changed(): void {
    this.#toldMore = true;
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#toldMore) {
        this.#toldMore = false;
        for (const waiter of [...this.#waiters.values()]) {
          if (this.#waiters.get(waiter.agentId) === waiter) waiter.retry();
        }
      }
    } finally {
      this.#telling = false;
    }
  }
}

/** What seats answer about a run, and which of them does; none where it may go as it is. */
export interface SeatsAnswer {
  readonly decision: RunDecision;
  readonly by: RunSeat | undefined;
}

/**
 * Asks seats about one run, in order. `commit`: the run is handed over if they let it; else they are asked what they would answer, and forget that they were.
 */
export function askSeats(
  seats: readonly RunSeat[],
  asked: Extract<RunHappening, { type: "asked" }>,
  nowMs: number,
  commit: boolean,
): SeatsAnswer {
  const { decision, by, states } = askAll(seats, asked, nowMs);
  if (commit) for (const [index, seat] of seats.entries()) seat.leave(states[index]);
  return { decision, by: seats[by] };
}

/** Where the runs of one agent are asked about before a worker gets them: what policies say of its own budget, and of those above it. */

import { RunError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import { askSeats, type RunSeat, type RunWaiter, type SeatsAnswer } from "../otp/supervisor/run-seat.ts";
import type { Usage } from "../usage.ts";
import type { AgentReportFacts } from "./agent-report.ts";

/** The agent as its gate sees it. */
export interface RunGateOwner {
  readonly agentId: string;
  readonly clock: () => Clock;
  /** Who is asked, nearest first. */
  readonly seats: () => readonly RunSeat[];
  /** Hands waiting runs to the workers that take some, through this gate. */
  readonly serve: () => void;
  /** Tells the system. */
  readonly report: (facts: AgentReportFacts) => void;
}

/**
 * What becomes of a run that is to be handed over.
 * - "go": it is; with another model than its own, where one is named
 * - "wait": it stays where it is
 * - "refuse": it ends with this error
 */
export type Passage =
  | { readonly type: "go"; readonly model: string | undefined }
  | { readonly type: "wait" }
  | { readonly type: "refuse"; readonly error: RunError };

const wait: Passage = { type: "wait" };

/** How a policy holds a run back. */
type Limit = "wait" | "degrade" | "refuse";

/**
 * Runs are limited no more when none has been held back for so long, in milliseconds: at its limit a budget lets one go now and then, and nobody wants to hear of
 * each.
 */
const quietMs = 60_000;

/** The gate. A run that waits is not asked about again before something has changed: a run has ended, a policy is another, the time has come. */
export class RunGate implements RunWaiter {
  readonly #owner: RunGateOwner;
  /** Whom the runs that workers hold were asked about with. */
  readonly #held = new Map<string, readonly RunSeat[]>();
  /** Where its runs wait. */
  #awaited: RunSeat | undefined;
  #because = "";
  /** Whether it asks again. */
  #retrying = false;
  /** Whether the answer to a question is awaited: what happens meanwhile is others' business. */
  #asking = false;
  #timer: unknown;
  /** How its runs are limited, as was told, since when, and when one was held back last. */
  #limited: { readonly told: Set<Limit>; readonly sinceMs: number; lastMs: number } | undefined;

  constructor(owner: RunGateOwner) {
    this.#owner = owner;
  }

  get agentId(): string {
    return this.#owner.agentId;
  }

  /** Why its runs wait for room; undefined: they do not. */
  get held(): string | undefined {
    return this.#awaited === undefined ? undefined : this.#because;
  }

  /** Whether a run that came now would be handed over, were there a place. */
  get open(): boolean {
    if (this.#awaited !== undefined) return false;
    const seats = this.#owner.seats();
    return seats.length === 0 || askSeats(seats, this.#asked(""), this.#nowMs, false).decision.type !== "wait";
  }

  /** Asks whether a run may be handed over now, for which a worker has a place. */
  ask(runId: string): Passage {
    if (this.#awaited !== undefined && !this.#retrying) return wait;
    // It was handed over before, and its worker has died with it: nobody knows what it has used.
    if (this.#held.has(runId)) this.settled(runId, undefined);
    const seats = this.#owner.seats();
    if (seats.length === 0) return this.#go(runId, seats);
    const { decision, by } = this.#question(runId, seats);
    switch (decision.type) {
      case "pass":
        this.#endLimit();
        return this.#go(runId, seats);
      case "degrade":
        this.#tellLimit("degrade", decision.because);
        return this.#go(runId, seats, decision.model);
      case "wait":
        this.#tellLimit("wait", decision.because);
        this.#because = decision.because;
        // Behind others it is asked when they are.
        this.#await(by, decision.behind === undefined ? decision.untilMs : undefined);
        return wait;
      case "refuse": {
        const { because, retryAfterMs } = decision;
        this.#tellLimit("refuse", because);
        this.#leave();
        const facts = { agentId: this.agentId, runId, retriable: true };
        const message = `agent "${this.agentId}" has used its budget: ${because}`;
        const error = new RunError(
          "budget_exceeded",
          message,
          retryAfterMs === undefined ? facts : { ...facts, retryAfterMs },
        );
        return { type: "refuse", error };
      }
    }
  }

  #question(runId: string, seats: readonly RunSeat[]): SeatsAnswer {
    this.#asking = true;
    try {
      return this.#askInOrder(runId, seats);
    } finally {
      this.#asking = false;
    }
  }

  /** Who goes first may have nothing to hand over any more, and says so when it is asked. */
  #askInOrder(runId: string, seats: readonly RunSeat[]): SeatsAnswer {
    const asked = new Set<string>();
    for (;;) {
      const answer = askSeats(seats, this.#asked(runId), this.#nowMs, true);
      const { decision, by } = answer;
      const first = decision.type === "wait" ? decision.behind : undefined;
      if (first === undefined || asked.has(first)) return answer;
      asked.add(first);
      const waiter = by?.waiter(first);
      if (waiter === undefined) by?.tell({ type: "withdrawn", agentId: first }, this.#nowMs);
      // In a round in which all who wait ask again, it has its turn.
      else if (by?.telling === true) return answer;
      else waiter.retry();
    }
  }

  /** Nothing of a run is left; what it has used, where that is known. Of one that was not handed over nothing is to be told. */
  settled(runId: string, usage: Usage | undefined): void {
    this.#tell(runId, (agentId) => ({ type: "settled", agentId, runId, usage }));
  }

  /** A worker has not begun a run: it waits again. */
  returned(runId: string): void {
    this.#tell(runId, (agentId) => ({ type: "returned", agentId, runId }));
  }

  /** There is no run that a worker has a place for: nobody is to wait behind it. */
  withdraw(): void {
    if (this.#awaited !== undefined) this.#leave();
  }

  retry(): void {
    if (this.#retrying || this.#asking) return;
    this.#retrying = true;
    try {
      this.#owner.serve();
    } finally {
      this.#retrying = false;
    }
  }

  get #nowMs(): number {
    return this.#owner.clock().monotonicMs();
  }

  #asked(runId: string) {
    return { type: "asked", agentId: this.agentId, runId } as const;
  }

  #go(runId: string, seats: readonly RunSeat[], model?: string): Passage {
    this.#leave();
    if (seats.length > 0) this.#held.set(runId, seats);
    return { type: "go", model };
  }

  #tell(runId: string, happened: (agentId: string) => Parameters<RunSeat["tell"]>[0]): void {
    const seats = this.#held.get(runId);
    if (seats === undefined) return;
    this.#held.delete(runId);
    for (const seat of seats) seat.tell(happened(this.agentId), this.#nowMs);
  }

  #await(seat: RunSeat | undefined, untilMs: number | undefined): void {
    if (seat !== this.#awaited) this.#leave();
    this.#awaited = seat;
    seat?.await(this);
    this.#clearTimer();
    if (untilMs === undefined) return;
    const inMs = Math.min(Math.max(1, Math.ceil(untilMs - this.#nowMs)), longestTimerMs);
    this.#timer = this.#owner.clock().setTimeout(() => {
      this.#timer = undefined;
      this.#awaited?.changed();
    }, inMs);
  }

  #leave(): void {
    const seat = this.#awaited;
    this.#awaited = undefined;
    this.#clearTimer();
    seat?.tell({ type: "withdrawn", agentId: this.agentId }, this.#nowMs);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#owner.clock().clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tellLimit(by: Limit, because: string): void {
    const nowMs = this.#nowMs;
    this.#limited ??= { told: new Set(), sinceMs: nowMs, lastMs: nowMs };
    this.#limited.lastMs = nowMs;
    if (this.#limited.told.has(by)) return;
    this.#limited.told.add(by);
    this.#owner.report({ type: "agent.limited", by, because });
  }

  #endLimit(): void {
    if (this.#limited === undefined || this.#nowMs - this.#limited.lastMs < quietMs) return;
    const forMs = Math.round(this.#nowMs - this.#limited.sinceMs);
    this.#limited = undefined;
    this.#owner.report({ type: "agent.unlimited", forMs });
  }
}

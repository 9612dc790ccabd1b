/** The policies that are asked about an end: the child's own, its supervisor's, and the restart intensity that answers where both pass. */

import { describeValue } from "../../describe-value.ts";
import type { AnyRestartPolicy, ChildExit, Pass, PassingPolicy, RestartPolicy } from "../policy/restart-policy.ts";
import { describeExitReason, exitReasonOf } from "../report/exit-reason.ts";
import type { RestartDecision } from "../report/supervisor-report.ts";
import { longestTimerMs } from "../scheduler/clock.ts";
import type { Child } from "./child.ts";
import { RunSeat } from "./run-seat.ts";
import type { SupervisorRules } from "./running-child.ts";
import type { NormalSupervisorSpec } from "./spec.ts";

/** What becomes of the state of a policy that another one replaces: the new one is given it, or begins without any. */
export type PolicyState = "keep" | "reset";

/** A policy that threw, or answered what cannot be carried out. */
export interface PolicyFailure {
  /** Whose policy it is. */
  readonly policy: "child" | "supervisor";
  readonly because: string;
  /** What it threw. */
  readonly error?: unknown;
}

/** A policy and what it has answered last. */
interface Seat {
  policy: PassingPolicy;
  state: unknown;
}

/** The policies of one supervisor and its children. */
export class PolicyChain implements SupervisorRules {
  readonly intensity: RestartPolicy;
  #intensityState: unknown;
  /** The supervisor's own; undefined: the restart intensity alone. */
  #own: Seat | undefined;
  /** Those of children, once they have been asked. */
  #ofChildren: WeakMap<Child, Seat> | undefined;
  /** What they say about runs: the supervisor's, and those of children that have a policy. */
  readonly #runs: RunSeat;
  #runsOfChildren: WeakMap<Child, RunSeat> | undefined;
  readonly #runsAbove: () => readonly RunSeat[];
  readonly #failed: (child: Child, failure: PolicyFailure) => void;

  /** @param runsAbove what is asked about runs above the supervisor, nearest first */
  constructor(
    { policy, intensity }: NormalSupervisorSpec,
    failed: (child: Child, failure: PolicyFailure) => void,
    runsAbove: () => readonly RunSeat[] = () => [],
  ) {
    this.intensity = intensity;
    if (policy !== undefined) this.#own = { policy, state: undefined };
    this.#runs = new RunSeat(policy);
    this.#runsAbove = runsAbove;
    this.#failed = failed;
  }

  get policy(): PassingPolicy | undefined {
    return this.#own?.policy;
  }

  /** Who is asked before a run of this child is handed over: its own policy, the supervisor's, and those above, as far as they limit runs. */
  runSeatsOf(child: Child): readonly RunSeat[] {
    const ofChild = child.spec.policy === undefined ? this.#runsOfChildren?.get(child) : this.#runSeatOf(child);
    const seats = ofChild === undefined ? [this.#runs] : [ofChild, this.#runs];
    return [...seats.filter(({ limits }) => limits), ...this.#runsAbove()];
  }

  /** Replaces the supervisor's policy. */
  set(policy: AnyRestartPolicy, state: PolicyState): void {
    const kept = this.#own === undefined ? this.#intensityState : this.#own.state;
    this.#own = { policy: policy as PassingPolicy, state: state === "keep" ? kept : undefined };
    this.#runs.set(policy, state);
  }

  /** Replaces a child's policy, or gives it one. */
  setOf(child: Child, policy: AnyRestartPolicy, state: PolicyState): void {
    const kept = this.#ofChildren?.get(child)?.state;
    const runs = this.#runSeatOf(child);
    child.spec = { ...child.spec, policy };
    this.#ofChildren ??= new WeakMap();
    this.#ofChildren.set(child, { policy: policy as PassingPolicy, state: state === "keep" ? kept : undefined });
    runs.set(policy, state);
  }

  /** Replaces what a child's policy says about runs, and nothing else of it. */
  setRunsOf(child: Child, policy: AnyRestartPolicy, state: PolicyState): void {
    this.#runSeatOf(child).set(policy, state);
  }

  /** What is to be done. A policy that fails is told, and the restart intensity answers in its place: who is broken brings nobody down. */
  decide(child: Child, exit: ChildExit, nowMs: number): RestartDecision {
    const own = this.#own;
    const { policy } = child.spec;
    if (own === undefined && policy === undefined) return this.#ask(exit, nowMs);
    const seats: [PolicyFailure["policy"], Seat | undefined][] = [
      ["child", policy === undefined ? undefined : this.#seatOf(child, policy as PassingPolicy)],
      ["supervisor", own],
    ];
    for (const [whose, seat] of seats) {
      if (seat === undefined) continue;
      const answer = answerOf(seat, exit, nowMs);
      if ("because" in answer) {
        this.#failed(child, { policy: whose, ...answer });
        const decision = this.#ask(exit, nowMs);
        return { ...decision, because: `${answer.because}; ${decision.because}` };
      }
      if (answer.decision.type !== "pass") return possible(child, answer.decision);
    }
    return this.#ask(exit, nowMs);
  }

  #ask(exit: ChildExit, nowMs: number): RestartDecision {
    const { decision, state } = this.intensity(this.#intensityState, exit, nowMs);
    this.#intensityState = state;
    return decision;
  }

  #runSeatOf(child: Child): RunSeat {
    this.#runsOfChildren ??= new WeakMap();
    let seat = this.#runsOfChildren.get(child);
    if (seat === undefined) {
      seat = new RunSeat(child.spec.policy);
      this.#runsOfChildren.set(child, seat);
    }
    return seat;
  }

  #seatOf(child: Child, policy: PassingPolicy): Seat {
    this.#ofChildren ??= new WeakMap();
    let seat = this.#ofChildren.get(child);
    if (seat === undefined) {
      seat = { policy, state: undefined };
      this.#ofChildren.set(child, seat);
    }
    return seat;
  }
}

/** Asks one policy. Its state stays what it was when it fails. */
function answerOf(
  seat: Seat,
  exit: ChildExit,
  nowMs: number,
): { decision: RestartDecision | Pass } | Omit<PolicyFailure, "policy"> {
  try {
    const answer: unknown = seat.policy(seat.state, exit, nowMs);
    if (!isAnswer(answer)) {
      return { because: `the policy answered ${describeValue(answer)}: it must be { decision, state }, at once` };
    }
    seat.state = answer.state;
    return { decision: answer.decision };
  } catch (error) {
    return { because: `the policy threw: ${describeExitReason(exitReasonOf(error))}`, error };
  }
}

/** Whether a policy's answer can be carried out. */
function isAnswer(answer: unknown): answer is ReturnType<PassingPolicy> {
  const { decision } = (answer ?? {}) as { decision?: { type?: unknown; delayMs?: unknown } };
  if (decision?.type === "restart") return typeof decision.delayMs === "number" && !Number.isNaN(decision.delayMs);
  return ["leave", "give_up", "pass"].includes(decision?.type as string);
}

/** A decision as far as it can be carried out: with a pause that a timer can make, and of a child that can be started again. */
function possible(child: Child, decision: RestartDecision): RestartDecision {
  if (decision.type !== "restart") return decision;
  if (child.spec.spec === undefined && child.running?.resident === undefined) {
    const because = "a temporary child that began before the policy was set is not kept for a restart";
    return { type: "leave", because };
  }
  if (decision.delayMs === 0) return decision;
  return { ...decision, delayMs: Math.min(Math.max(0, decision.delayMs), longestTimerMs) };
}

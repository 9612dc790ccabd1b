/** Ends for policies to decide about, and what a policy makes of a sequence of them. */

import fc from "fast-check";
import { expect } from "vitest";
import { RunError } from "../../../src/errors.ts";
import type { AnyRestartPolicy, ChildExit, PassingPolicy } from "../../../src/otp/policy/restart-policy.ts";

/** An end of a permanent child by an error of its own. */
export function crash(about: Partial<ChildExit> = {}): ChildExit {
  return { childId: "a", restart: "permanent", reason: new Error("it crashed"), incarnation: 1, ...about };
}

/** The error of a run that a provider has refused with this status. */
export function refused(httpStatus: number, facts: { retryAfterMs?: number; message?: string } = {}): RunError {
  const { message = `status ${httpStatus}`, ...rest } = facts;
  return new RunError("run_failed", message, { kind: "model_http", httpStatus, ...rest });
}

/** An end, `gapMs` after the child was to be started again. */
export interface Step {
  readonly gapMs: number;
  readonly exit: ChildExit;
}

/** What a policy has answered: when it was asked, and what came of it. */
export interface Answered {
  readonly atMs: number;
  readonly exit: ChildExit;
  readonly type: string;
  readonly delayMs: number;
  /** When the next incarnation begins; without a restart the time of the end. */
  readonly startsAtMs: number;
  readonly because: string;
}

/** Asks a policy about one end after the other: of each child, the next end comes `gapMs` after its restart. */
export function play(policy: AnyRestartPolicy, steps: readonly Step[]): Answered[] {
  let state: unknown;
  let nowMs = 0;
  const incarnations = new Map<string, number>();
  return steps.map(({ gapMs, exit }) => {
    const incarnation = (incarnations.get(exit.childId) ?? 0) + 1;
    incarnations.set(exit.childId, incarnation);
    nowMs += gapMs;
    const asked = { ...exit, incarnation };
    const answer = (policy as PassingPolicy)(state, asked, nowMs);
    state = answer.state;
    const { decision } = answer;
    const delayMs = decision.type === "restart" ? decision.delayMs : 0;
    const atMs = nowMs;
    nowMs += delayMs;
    const because = decision.type === "pass" ? "" : decision.because;
    return { atMs, exit: asked, type: decision.type, delayMs, startsAtMs: nowMs, because };
  });
}

/** Ends of one child, some apart. */
export const gaps = (maxGapMs: number) =>
  fc.array(fc.integer({ min: 0, max: maxGapMs }), { maxLength: 40, size: "max" });

/** Ends of many kinds, of some children. */
export const steps = fc.array(
  fc.record({
    gapMs: fc.integer({ min: 0, max: 3_000 }),
    exit: fc.record({
      childId: fc.constantFrom("a", "b", "c"),
      restart: fc.constantFrom("permanent" as const, "transient" as const, "temporary" as const),
      reason: fc.oneof(
        fc.constantFrom("normal", "killed", { cause: "hung" }, { cause: "out_of_memory" }, new TypeError("a mistake")),
        fc.constantFrom(401, 402, 429, 503).map((status) => refused(status)),
      ),
      incarnation: fc.constant(1),
      failedStarts: fc.constantFrom(0, 0, 1, 2),
      charged: fc.constantFrom(true, true, true, false),
    }),
  }),
  { maxLength: 40, size: "max" },
);

/** The same inputs make the same outputs: in another copy of the policy, with states that cannot be changed, and when an old state is asked about again. */
export function expectPure(make: () => AnyRestartPolicy): void {
  fc.assert(
    fc.property(steps, (sequence) => {
      const [policy, copy] = [make() as PassingPolicy, make() as PassingPolicy];
      const seen: { state: unknown; exit: ChildExit; nowMs: number; answer: unknown }[] = [];
      let state: unknown;
      let nowMs = 0;
      for (const { gapMs, exit } of sequence) {
        nowMs += gapMs;
        const answer = policy(state, exit, nowMs);
        seen.push({ state, exit, nowMs, answer });
        state = answer.state;
      }
      for (const one of seen.toReversed()) {
        expect(policy(one.state, one.exit, one.nowMs)).toEqual(one.answer);
        expect(copy(one.state, one.exit, one.nowMs)).toEqual(one.answer);
      }
    }),
  );
}

/** What a call throws for its argument. */
export function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    const { code, field, value } = error as { code?: unknown; field?: unknown; value?: unknown };
    return { code, field, value };
  }
  return undefined;
}

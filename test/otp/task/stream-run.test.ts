/**
 * What holds for every stream of tasks: random sources, durations, failures, consumers and supervisors, on a virtual clock. `FC_RUNS` runs more; a
 * counterexample prints its seed.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { trapExit } from "../../../src/otp/process/link.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { startTaskSupervisor, TaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, leftovers, type Place } from "../in-process.ts";
import { createSource, type Source, sourceKinds } from "./random-source.ts";

const runs = Number(process.env.FC_RUNS ?? 500);
const timeoutMs = 6;

/** Never as long as the timeout, so that it is clear which comes first. */
const durationMs = fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 5, 7, 12);

const plans = fc.record({
  kind: fc.constantFrom(...sourceKinds),
  items: fc.array(fc.record({ readMs: durationMs, workMs: durationMs, fails: fc.constantFrom(false, false, true) }), {
    maxLength: 16,
    size: "max",
  }),
  endless: fc.boolean(),
  maxConcurrency: fc.integer({ min: 1, max: 5 }),
  ordered: fc.boolean(),
  below: fc.constantFrom("nobody" as const, "a supervisor, linked" as const, "a supervisor" as const),
  timed: fc.boolean(),
  /** How long the consumer takes after each outcome, in turn. */
  pacesMs: fc.array(durationMs, { minLength: 1, maxLength: 4 }),
  /** Outcomes it asks for at a time. */
  asks: fc.constantFrom(1, 1, 1, 3),
  /** Outcomes after which it leaves, if it does. */
  leavesAfter: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
});

type Plan = typeof plans extends fc.Arbitrary<infer Value> ? Value : never;

/** What a consumer and the tasks have seen. */
interface Seen {
  readonly outcomes: unknown[];
  readonly worked: number[];
  asking: number;
  left: boolean;
}

const isEndless = (plan: Plan) => plan.endless && plan.items.length > 0 && plan.leavesAfter !== undefined;
const itemOf = (plan: Plan, position: number) => plan.items[position % plan.items.length] as Plan["items"][number];

test("no item is read unasked or beyond the bound, each is worked on once, and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const place = createPlace();
      const seen: Seen = { outcomes: [], worked: [], asking: 0, left: false };
      const source = createSource({
        kind: plan.kind,
        readMs: plan.items.map(({ readMs }) => readMs),
        endless: isEndless(plan),
        clock: place.clock,
        onRead(reads) {
          expect(seen.asking).toBeGreaterThan(0);
          expect(reads - seen.outcomes.length).toBeLessThanOrEqual(plan.maxConcurrency);
        },
      });
      await elapse(place, consume(plan, { place, seen, source }));
      checkSeen(plan, seen, source);
      expect([place.runtime.processCount, place.clock.pending]).toEqual([0, 0]);
    }),
    { numRuns: runs },
  );
});

async function consume(plan: Plan, { place, seen, source }: { place: Place; seen: Seen; source: Source }) {
  const { maxConcurrency, ordered, below, pacesMs, asks, leavesAfter = Number.POSITIVE_INFINITY } = plan;
  const { clock, runtime } = place;
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
  // As many as run at a time: one more would be refused.
  const supervisor = await startTaskSupervisor({ maxChildren: maxConcurrency }, { runtime });
  await place.run(async (context) => {
    trapExit();
    const others = runtime.processCount;
    const work = async (position: number) => {
      seen.worked.push(position);
      if (runtime.processCount - others > maxConcurrency) throw new Exit("too many tasks");
      const { workMs, fails } = itemOf(plan, position);
      if (workMs > 0) await sleep(workMs);
      if (fails) throw new Exit("fails");
      return position;
    };
    const options = {
      maxConcurrency,
      ordered,
      timeoutMs: plan.timed ? timeoutMs : ("infinity" as const),
      onTimeout: "kill_task",
      zipInputOnExit: true,
    } as const;
    const stream = {
      nobody: () => Task.asyncStream(source.inputs, work, options),
      "a supervisor, linked": () => TaskSupervisor.asyncStream(supervisor, source.inputs, work, options),
      "a supervisor": () => TaskSupervisor.asyncStreamNolink(supervisor, source.inputs, work, options),
    }[below]();
    const iterator = stream[Symbol.asyncIterator]();
    const ask = async () => {
      seen.asking += 1;
      const { done, value } = await iterator.next();
      seen.asking -= 1;
      if (done !== true) seen.outcomes.push(value);
      return done === true;
    };
    for (let round = 0; ; round += 1) {
      if (seen.outcomes.length >= leavesAfter) {
        seen.left = true;
        const { reads } = source;
        await sleep(30);
        expect(source.reads).toBe(reads);
        await iterator.return?.();
        break;
      }
      if ((await Promise.all(Array.from({ length: asks }, ask))).includes(true)) break;
      const paceMs = pacesMs[round % pacesMs.length] as number;
      if (paceMs > 0) await sleep(paceMs);
    }
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(runtime.processCount).toBe(others);
    expect(supervisor.whichChildren()).toEqual([]);
    expect(await leftovers(context)).toEqual([]);
    expect([context.self.links?.size ?? 0, context.self.exitHooks?.size]).toEqual([0, 1]);
  });
  await supervisor.stop();
}

function checkSeen(plan: Plan, { outcomes, worked, left }: Seen, source: Source): void {
  const outcomeOf = (position: number): unknown => {
    const { workMs, fails } = itemOf(plan, position);
    if (plan.timed && workMs > timeoutMs) return { exit: { input: position, reason: "timeout" } };
    return fails ? { exit: { input: position, reason: "fails" } } : { ok: position };
  };
  const positions = outcomes.map((outcome) => {
    const { ok, exit } = outcome as { ok?: number; exit?: { input: number } };
    return ok ?? exit?.input ?? -1;
  });
  expect(outcomes).toEqual(positions.map(outcomeOf));
  if (plan.ordered) expect(positions).toEqual(positions.map((_position, index) => index));
  for (const each of [positions, worked]) expect(new Set(each).size).toBe(each.length);
  expect(worked.toSorted((a, b) => a - b)).toEqual(worked.map((_position, index) => index));
  expect(worked.length).toBeLessThanOrEqual(source.reads);
  if (!left) expect([positions.length, worked.length]).toEqual([plan.items.length, plan.items.length]);
  // A generator that has not begun has nothing to end.
  const begun = source.opened > 0;
  expect(source.opened).toBeLessThanOrEqual(1);
  expect(source.ended).toBe(begun ? 1 : 0);
}

/** Moves time in steps of 1 ms until a promise settles and no timer waits. */
async function elapse(place: Place, promise: Promise<void>): Promise<void> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  const deadlineMs = place.clock.now() + 10_000;
  do {
    if (place.clock.now() > deadlineMs) expect.fail("the stream hangs");
    await new Promise((resolve) => setImmediate(resolve));
    place.clock.advance(1);
  } while (!settled || place.clock.pending > 0);
  await promise;
}

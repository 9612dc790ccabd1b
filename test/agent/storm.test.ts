import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunError } from "../../src/errors.ts";
import type { FakeRun } from "../../src/testing/index.ts";
import { type Fleet, startPoet, until } from "./fleet.ts";

const seconds = 1_000;

/** What happens to an agent between two turns of the event loop. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("ask" as const), idempotent: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("crash" as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("turns" as const), count: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 3 * seconds }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const), graceful: fc.boolean() }) },
);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The same promise; its rejection is looked at later. */
function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Time goes on until every promise has settled. */
async function settleAll(fleet: Fleet, promises: readonly Promise<unknown>[]): Promise<void> {
  await fleet.whileTimePasses(Promise.allSettled(promises));
}

test("whatever dies, is restarted, added or retired: each run is answered once, runs once unless it may twice, and no place is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 10, maxLength: 60, size: "max" }),
      fc.constantFrom(
        3,
        { min: 1, max: 4, scaleUpAfterMs: 100, idleMs: 500 },
        { min: 0, max: 3, scaleUpAfterMs: 50, idleMs: 300 },
      ),
      fc.boolean(),
      async (happenings, instances, spare) => {
        const begun = new Map<string, number>();
        const script = {
          answer: async ({ prompt }: FakeRun) => {
            begun.set(prompt, (begun.get(prompt) ?? 0) + 1);
            await turns(3);
            return prompt;
          },
        };
        const retry = { onWorkerExit: "if_idempotent" } as const;
        const fleet = await startPoet(
          { instances, spare, maxConcurrency: 2, retry },
          { script, supervisor: { maxRestarts: 10_000 } },
        );
        const agent = fleet.agent();
        const runs: { idempotent: boolean; prompt: string; result: Promise<unknown> }[] = [];
        const restarts: Promise<unknown>[] = [];
        for (const one of happenings) {
          switch (one.type) {
            case "ask": {
              const prompt = `${runs.length}`;
              const { idempotent } = one;
              runs.push({ idempotent, prompt, result: heard(agent.run(prompt, { idempotent })) });
              break;
            }
            case "crash": {
              const pids = [...agent.instances.map(({ pid }) => pid), agent.health.spare?.pid].filter(
                (pid) => pid !== undefined,
              );
              const pid = pids[one.pick % Math.max(1, pids.length)];
              fleet.launcher.workers.find((worker) => worker.pid === pid)?.crash();
              break;
            }
            case "turns":
              await turns(one.count);
              break;
            case "time":
              fleet.clock.advance(one.ms);
              break;
            case "restart":
              restarts.push(heard(agent.restart({ graceful: one.graceful })));
          }
        }
        await settleAll(fleet, [...runs.map(({ result }) => result), ...restarts]);
        for (const { idempotent, prompt, result } of runs) {
          const count = begun.get(prompt) ?? 0;
          expect(count).toBeLessThanOrEqual(idempotent ? 2 : 1);
          await result.then(
            (answer) => expect(answer).toMatchObject({ output: prompt }),
            (error: unknown) =>
              expect(error).toMatchObject(
                // A restart waits for the runs of its worker, and then no longer.
                restarts.length > 0 && (error as RunError).kind === "interrupted"
                  ? { code: "run_failed", retriable: true }
                  : { code: expect.stringMatching(/^(worker_exited|run_poisoned)$/) },
              ),
          );
        }
        const settled = fleet.reports.flatMap((report) => (report.type === "run.settled" ? [report.runId] : []));
        expect([settled.length, new Set(settled).size]).toEqual([runs.length, runs.length]);
        expect([agent.inFlight, agent.queueLength]).toEqual([0, 0]);
        // Whatever is left serves: as many at a time as there are places.
        await fleet.whileTimePasses(agent.whenReady());
        await settleAll(
          fleet,
          Array.from({ length: 10 }, (_, index) => agent.run(`after ${index}`)),
        );
        await fleet.whileTimePasses(
          until("all to rest", () => agent.inFlight === 0 && agent.instances.every(({ inFlight }) => inFlight === 0)),
        );
        await fleet.whileTimePasses(agent.stop());
        const exits = await fleet.whileTimePasses(Promise.all(fleet.launcher.workers.map(({ exited }) => exited)));
        expect(exits).toHaveLength(fleet.launcher.workers.length);
      },
    ),
    { numRuns: 15 },
  );
}, 120_000);

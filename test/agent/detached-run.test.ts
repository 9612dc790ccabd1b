import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunEvent } from "../../src/agent/run-result.ts";
import type { RunHandle } from "../../src/agent/runs.ts";
import type { FakeRun } from "../../src/testing/index.ts";
import { within } from "../rpc/agent-server.ts";
import { startPoet } from "./fleet.ts";

const terminals: readonly string[] = ["completed", "paused", "failed", "cancelled"];

/** What happens between two turns of the event loop. */
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("start" as const), chunks: fc.nat(8), idempotent: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("attach" as const), pick: fc.nat(), after: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("leave" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("crash" as const) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("turns" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 2_000 }) }) },
);

interface Reader {
  readonly run: RunHandle;
  readonly after: number;
  readonly events: AsyncIterator<RunEvent>;
  readonly got: RunEvent[];
  readonly end: Promise<void>;
  left?: true;
}

/** Reads on until it is left or the run has ended. */
function follow(run: RunHandle, after: number, events: AsyncIterator<RunEvent>): Reader {
  const got: RunEvent[] = [];
  const reading = async () => {
    for (let step = await events.next(); step.done !== true; step = await events.next()) got.push(step.value);
  };
  return { run, after, events, got, end: reading() };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("whatever crashes, is read, left or cancelled: each run has one terminal event, and each reader every number after its own once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 60, size: "max" }), async (happenings) => {
      async function* pieces(prompt: string) {
        for (let index = 0; index < Number(prompt); index += 1) {
          await turns(1);
          yield `${index} `;
        }
      }
      const fleet = await startPoet(
        { maxConcurrency: 3, retry: { onWorkerExit: "if_idempotent" } },
        {
          script: { answer: ({ prompt }: FakeRun) => ({ chunks: pieces(prompt) }) },
          supervisor: { maxRestarts: 10_000 },
        },
      );
      const { ledger } = fleet.environment;
      const runs: RunHandle[] = [];
      const readers: Reader[] = [];
      for (const one of happenings) {
        const run = "pick" in one ? runs[one.pick % Math.max(1, runs.length)] : undefined;
        if (one.type === "start") runs.push(fleet.agent().start(String(one.chunks), { idempotent: one.idempotent }));
        else if (one.type === "crash") fleet.launcher.workers.at(-1)?.crash();
        else if (one.type === "turns") await turns(one.count);
        else if (one.type === "time") fleet.clock.advance(one.ms);
        else if (run === undefined) continue;
        else if (one.type === "cancel") ledger.cancel(run.runId);
        else if (one.type === "attach") {
          const after = one.after % ((ledger.get(run.runId)?.lastSeq ?? 0) + 1);
          readers.push(follow(run, after, ledger.attach(run.runId, { after })[Symbol.asyncIterator]()));
        } else {
          const reader = readers[one.pick % Math.max(1, readers.length)];
          if (reader === undefined) continue;
          reader.left = true;
          await reader.events.return?.();
        }
      }
      const ends = [...runs.map(({ result }) => result), ...readers.map(({ end }) => end)];
      await within("the end of everything", fleet.whileTimePasses(Promise.allSettled(ends)));
      const whole = new Map<string, RunEvent[]>();
      for (const run of runs) {
        const all = follow(run, 0, run[Symbol.asyncIterator]());
        await within("a run from its beginning", all.end);
        whole.set(run.runId, all.got);
        expect(all.got.map(({ seq }) => seq)).toEqual(all.got.map((_, index) => index + 1));
        expect(all.got.filter(({ type }) => terminals.includes(type))).toEqual([all.got.at(-1)]);
        expect(all.got.at(-1)?.type).toBe(run.state);
      }
      for (const { run, after, got, left } of readers) {
        const due = whole.get(run.runId)?.slice(after) ?? [];
        expect(got).toEqual(left === true ? due.slice(0, got.length) : due);
      }
      expect(ledger.kept.live).toBe(0);
      fleet.supervisor.kill();
    }),
    { numRuns: 40 },
  );
});

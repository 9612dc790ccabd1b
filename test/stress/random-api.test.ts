import { pino } from "pino";
import { expect, test } from "vitest";
import { startSystem } from "../../src/start-system.ts";
import { createFakeLauncher, createVirtualClock, type FakeRun, type FakeWorker } from "../../src/testing/index.ts";
import { realClock } from "../../src/worker/clock.ts";
import { createChance } from "./random.ts";
import { callAtRandom, mostWorkers, type World } from "./random-api.ts";

/** Seeds that are tried; `STRESS_SEEDS` says how many, `STRESS_SEED` names one. */
const only = process.env.STRESS_SEED;
const seeds =
  only === undefined ? Array.from({ length: Number(process.env.STRESS_SEEDS ?? 10) }, (_, n) => n + 1) : [Number(only)];

/** A world of fake workers whose time the test moves. */
function fakeWorld(seed: number): World {
  const clock = createVirtualClock(1_000_000);
  const living = new Map<string, Set<FakeWorker>>();
  const numbers = new Map<string, Set<number>>();
  const twice: string[] = [];
  // The workers have chances of their own, so that what they do does not depend on the order in which the caller is served.
  const fate = createChance(seed ^ 0x5eed);
  const answer = (run: FakeRun, worker: FakeWorker) => {
    if (run.prompt === "crash") worker.crash({ exitCode: fate.pick([0, 7]) });
    if (run.prompt === "hang") return { hang: true } as const;
    if (run.prompt === "chunks") return { chunks: ["one ", "two ", "three"] };
    if (run.prompt === "raise") throw new Error("the agent failed by chance");
    return run.prompt;
  };
  const launcher = createFakeLauncher({
    clock: { ...realClock, ...clock },
    script: ({ agentId, incarnation }) => {
      if ((living.get(agentId)?.size ?? 0) >= mostWorkers(agentId))
        twice.push(`agent ${agentId} has more than ${mostWorkers(agentId)} workers`);
      // A temporary agent that begins anew is another one, and counts from 1.
      const known = incarnation === 1 ? new Set<number>() : (numbers.get(agentId) ?? new Set());
      if (known.has(incarnation)) twice.push(`agent ${agentId} has two workers ${incarnation}`);
      numbers.set(agentId, known.add(incarnation));
      if (fate.oneIn(25)) return { answer, start: "never" };
      if (fate.oneIn(25)) return { answer, start: { exitCode: fate.pick([0, 3]) } };
      return fate.oneIn(10) ? { answer, onStop: "ignore" } : { answer };
    },
  });
  const launch = launcher.launch.bind(launcher);
  const watched = {
    ...launcher,
    launch(spec: Parameters<typeof launch>[0]) {
      launch(spec);
      const worker = launcher.worker(spec.agentId);
      const set = living.get(spec.agentId) ?? new Set();
      living.set(spec.agentId, set.add(worker));
      void worker.exited.then(() => set.delete(worker));
      return worker;
    },
  };
  return {
    spec: { entry: "poet.py:agent", startTimeoutMs: 300 },
    start: (options) =>
      startSystem({ logger: pino({ level: "silent" }), ...options }, { launcher: watched, interpreter: "-", clock }),
    prompt: (chance) => chance.pick(["hello", "hello", "hello", "chunks", "hang", "crash", "raise"]),
    harm(agent, chance) {
      const workers = [...(living.get(agent.id) ?? [])];
      const worker = workers[chance.below(Math.max(1, workers.length))];
      if (worker === undefined) return;
      if (chance.oneIn(3)) worker.disconnect();
      else if (chance.oneIn(4)) void worker.stop(200);
      else worker.crash(chance.pick([{ exitCode: 0 }, { exitCode: 7 }, { signal: "SIGKILL" as const }]));
    },
    async pass(chance) {
      clock.advance(chance.pick([0, 1, 10, 100]));
    },
    wrong: () => twice.pop(),
    left() {
      const alive = [...living].flatMap(([id, workers]) => (workers.size === 0 ? [] : [`a worker of ${id} lives`]));
      return clock.pending === 0 ? alive : [...alive, `${clock.pending} timers wait`];
    },
  };
}

test.each(seeds)(
  "whatever is called at whatever moment, all of it settles and nothing is left: seed %i",
  async (seed) => {
    const broken = await callAtRandom(seed, fakeWorld(seed), { steps: 120, inside: 60 });
    expect(broken, `STRESS_SEED=${seed} repeats it`).toEqual([]);
  },
);

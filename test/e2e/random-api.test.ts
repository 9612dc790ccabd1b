/** The whole API called at random over real Python workers: see test/stress/random-api.ts. One seed in the gate, more by `npm run test:stress`. */

import { pino } from "pino";
import { expect, test } from "vitest";
import { startSystem } from "../../src/start-system.ts";
import type { Launcher, Worker } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { createZygoteLauncher } from "../../src/worker/zygote-launcher.ts";
import { callAtRandom, mostWorkers, type World } from "../stress/random-api.ts";
import { testLauncher } from "./support.ts";

const count = Math.max(1, Math.floor(Number(process.env.STRESS_SEEDS ?? 0) / 20));
const seeds = Array.from({ length: count }, (_, n) => n + 1);

/** A world of real processes and real time. */
function pythonWorld(): World {
  const living = new Map<string, Set<Worker>>();
  const twice: string[] = [];
  const fresh = testLauncher === "spawn" || process.platform !== "linux";
  const starting = fresh ? createSpawnLauncher() : createZygoteLauncher();
  const launcher: Launcher = {
    kind: starting.kind,
    close: () => starting.close(),
    launch(spec) {
      const set = living.get(spec.agentId) ?? new Set();
      if (set.size >= mostWorkers(spec.agentId))
        twice.push(`agent ${spec.agentId} has more than ${mostWorkers(spec.agentId)} workers`);
      const worker = starting.launch(spec);
      living.set(spec.agentId, set.add(worker));
      void worker.exited.then(() => set.delete(worker));
      return worker;
    },
  };
  return {
    spec: { entry: "test/fixtures/agents/controllable.py:agent", startTimeoutMs: 20_000 },
    start: (options) => startSystem({ logger: pino({ level: "silent" }), ...options }, { launcher }),
    prompt: (chance) =>
      chance.pick(["echo:hello", "echo:hello", "stream:20:5", "sleep:0.2", "raise:by chance", "exit:3", "sys-exit:1"]),
    harm(agent, chance) {
      const workers = [...(living.get(agent.id) ?? [])];
      const worker = workers[chance.below(Math.max(1, workers.length))];
      if (worker?.pid === undefined || !chance.oneIn(3)) return;
      try {
        process.kill(worker.pid, chance.pick(["SIGKILL", "SIGTERM"]));
      } catch {
        // It has just ended by itself.
      }
    },
    pass: (chance) => new Promise((resolve) => setTimeout(resolve, chance.pick([20, 100, 400]))),
    wrong: () => twice.pop(),
    left: () => [...living].flatMap(([id, workers]) => (workers.size === 0 ? [] : [`a worker of ${id} lives`])),
  };
}

test.each(seeds)(
  "whatever is called of real workers, all of it settles and nothing is left: seed %i",
  async (seed) => {
    const broken = await callAtRandom(seed, pythonWorld(), { steps: 150, inside: 40 });
    expect(broken).toEqual([]);
  },
  180_000,
);

/** What policies decide in a simulation is what they decide live: real supervisors and agents over fake workers, under a clock that is moved. */

import { expect, test, vi } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import { byExitReason } from "../../src/otp/policy/by-exit-reason.ts";
import { circuitBreaker } from "../../src/otp/policy/circuit-breaker.ts";
import { exponentialBackoff, withBackoff } from "../../src/otp/policy/exponential-backoff.ts";
import { policies } from "../../src/otp/policy/policies.ts";
import { restartBudget } from "../../src/otp/policy/restart-budget.ts";
import { type AnyRestartPolicy, restartIntensity } from "../../src/otp/policy/restart-policy.ts";
import type { RestartType } from "../../src/otp/report/supervisor-report.ts";
import { defineSupervisor } from "../../src/otp/supervisor/start.ts";
import type { Report } from "../../src/report.ts";
import type { CrashKind, Life, StartFaultKind } from "../../src/simulate/faults.ts";
import { createRandom, type Random } from "../../src/simulate/random.ts";
import { simulate } from "../../src/simulate/simulate.ts";
import { startSystem } from "../../src/start-system.ts";
import type { SystemOptions } from "../../src/system-options.ts";
import { createFakeLauncher } from "../../src/testing/fake-launcher.ts";
import type { FakeWorkerScript } from "../../src/testing/fake-worker.ts";
import { createVirtualClock } from "../../src/testing/virtual-clock.ts";

const horizonMs = 600_000;
const batches = 20;
const agentsInBatch = 50;

const chains: readonly (() => AnyRestartPolicy | undefined)[] = [
  () => undefined,
  () => exponentialBackoff({ firstMs: 50, healthyMs: 5_000, seed: 3 }),
  () => circuitBreaker({ failures: 2, openMs: 3_000, probeMs: 500 }),
  () => restartBudget({ maxRestarts: 1, periodMs: 2_000, quarantineMs: 9_000 }),
  () => restartBudget({ maxRestarts: 1, periodMs: 2_000 }),
  () => withBackoff(restartIntensity({ maxRestarts: 2, periodMs: 10_000 }), { firstMs: 20 }),
  () => policies(byExitReason({ signaled: "leave", failed_start: { restartAfterMs: 70 } }), circuitBreaker()),
  () => byExitReason({ exited: { restartAfterMs: 5 }, load_failed: "give_up" }),
];
const crashKinds = ["exited", "finished", "signaled", "crashed"] as const satisfies CrashKind[];
const startKinds = ["exited", "load_failed", "load_failed_once", "spawn_failed"] as const satisfies StartFaultKind[];
const restarts: readonly RestartType[] = ["permanent", "permanent", "transient", "temporary"];

const deaths = {
  exited: { exitCode: 1 },
  finished: { exitCode: 0 },
  signaled: { signal: "SIGKILL" },
  crashed: { signal: "SIGSEGV" },
} as const;
const starts: Readonly<Record<(typeof startKinds)[number], FakeWorkerScript["start"] & object>> = {
  exited: { exitCode: 1 },
  load_failed: { loadFailure: { kind: "module_failed", message: "the entry's module raised", retriable: false } },
  load_failed_once: {
    loadFailure: { kind: "warmup_failed", message: "the agent could not be entered", retriable: true },
  },
  spawn_failed: { spawnFailed: "no process could be made for now", errno: "EAGAIN" },
};

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** The lives of one agent's workers; the one after the last lives on. */
function drawLives(random: Random): Life[] {
  return Array.from({ length: 1 + Math.floor(random() * 4) }, (): Life => {
    if (random() < 0.4) return { startMs: 0, failsAs: pick(startKinds, random) };
    return {
      startMs: 0,
      crash: { afterMs: pick([1, 100, 700, 6_000, 40_000], random), kind: pick(crashKinds, random) },
    };
  });
}

/** Each agent below a supervisor of its own, so that they do not concern each other. */
function drawTree(seed: number): { tree: () => SystemOptions; lives: Map<string, Life[]> } {
  const random = createRandom(seed, "agreement");
  const drawn = Array.from({ length: agentsInBatch }, (_, at) => ({
    id: `a${at}`,
    lives: drawLives(random),
    restart: pick(restarts, random),
    own: pick(chains, random),
    above: pick(chains, random),
  }));
  const policyOf = (policy: AnyRestartPolicy | undefined) => (policy === undefined ? {} : { policy });
  const tree = () => ({
    policy: (() => ({ decision: { type: "leave", because: "that is enough" }, state: undefined })) as AnyRestartPolicy,
    children: drawn.map(({ id, restart, own, above }) =>
      defineSupervisor({
        id: `of ${id}`,
        ...policyOf(above()),
        children: [defineAgent({ id, entry: "a.py:agent", restart, hungAfterMs: "infinity", ...policyOf(own()) })],
      }),
    ),
  });
  return { tree, lives: new Map(drawn.map(({ id, lives }) => [id, lives])) };
}

/** The decisions of a live system, as `path: what`. */
async function playLive(options: SystemOptions, lives: ReadonlyMap<string, Life[]>): Promise<string[]> {
  const clock = createVirtualClock();
  const lifeOf = (id: string, incarnation: number) => lives.get(id)?.[incarnation - 1];
  const launcher = createFakeLauncher({
    clock,
    script({ agentId, incarnation }) {
      const life = lifeOf(agentId, incarnation);
      if (life === undefined || !("failsAs" in life)) return {};
      return { start: starts[life.failsAs as keyof typeof starts] };
    },
  });
  const told: string[] = [];
  const dying = new Set<string>();
  /** When something is to happen, by the clock. */
  const due = new Set<number>();
  const onReport = (report: Report) => {
    if (report.type === "agent.ready") {
      const life = lifeOf(report.agentId, report.incarnation);
      if (life === undefined || !("crash" in life) || life.crash === undefined) return;
      const { afterMs, kind } = life.crash;
      due.add(clock.now() + afterMs);
      clock.setTimeout(() => {
        dying.add(report.agentId);
        launcher.worker(report.agentId).crash(deaths[kind as keyof typeof deaths]);
      }, afterMs);
    } else if (report.type === "agent.crashed") {
      dying.delete(report.agentId);
    } else if (report.type === "child.exited" && report.offender.type === "worker") {
      const { decision, offender } = report;
      if (decision.type === "restart") due.add(clock.now() + decision.delayMs);
      const pause = decision.type === "restart" ? ` ${decision.delayMs}` : "";
      // A simulated worker has no process.
      const because = decision.because.replace(/ \(pid \d+\)/, "");
      told.push(`${offender.path} at ${clock.now()}: ${decision.type}${pause}, ${because}`);
    } else if (report.type === "child.start_failed" && report.offender.type === "worker") {
      told.push(`${report.offender.path} at ${clock.now()}: cannot start`);
    }
  };
  const silent = () => undefined;
  const logger = {
    trace: silent,
    debug: silent,
    info: silent,
    warn: silent,
    error: silent,
    fatal: silent,
    child: () => logger,
  };
  const system = await startSystem({ ...options, logger }, { launcher, clock, interpreter: "python", onReport });
  const settled = () =>
    dying.size === 0 &&
    system.health().agents.every(({ state }) => state === "ready" || state === "restarting" || state === "stopped");
  for (;;) {
    await vi.waitUntil(settled, { timeout: 30_000, interval: 1 });
    const nextMs = Math.min(...[...due].filter((atMs) => atMs > clock.now()));
    if (nextMs > horizonMs) break;
    clock.advance(nextMs - clock.now());
    // What falls due is begun before it is asked whether it is over.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await system.stop({ timeoutMs: 0 });
  return told;
}

async function playSimulated(options: SystemOptions, lives: ReadonlyMap<string, Life[]>): Promise<string[]> {
  const { decisions } = await simulate(
    options,
    {},
    { forMs: horizonMs },
    { lives: (id, _path, incarnation) => lives.get(id)?.[incarnation - 1] ?? { startMs: 0 } },
  );
  return decisions
    .filter(({ path }) => path.split("/").length === 3)
    .map(({ path, atMs, decision, delayMs, because }) =>
      because.startsWith("its first start")
        ? `${path} at ${atMs}: cannot start`
        : `${path} at ${atMs}: ${decision}${delayMs === undefined ? "" : ` ${delayMs}`}, ${because}`,
    );
}

test.each(Array.from({ length: batches }, (_, at) => at + 1))(
  `live and simulated decisions agree on ${agentsInBatch} random sequences, batch %i`,
  async (seed) => {
    const { tree, lives } = drawTree(seed);
    const live = await playLive(tree(), lives);
    const simulated = await playSimulated(tree(), lives);
    expect(live.length).toBeGreaterThan(agentsInBatch);
    // Agents do not concern each other: what counts is the order of each.
    expect(simulated.toSorted(byAgent)).toEqual(live.toSorted(byAgent));
  },
  60_000,
);

function byAgent(a: string, b: string): number {
  const [one = "", other = ""] = [a, b].map((line) => line.split(" at ")[0]);
  return one < other ? -1 : one > other ? 1 : 0;
}

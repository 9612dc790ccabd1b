/** Workers and zygotes are killed while their agents are asked: every caller is answered once, no run is done twice, and soon all of them work again. */

import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { WorkerError } from "../../src/errors.ts";
import { fairly } from "./load.ts";
import { parentOf } from "./processes.ts";
import { createChance } from "./random.ts";
import { diedWithWorker, maxConcurrency, Storm } from "./storm.ts";

/** `STRESS_CYCLES` says how often two processes are killed; the gate does so a few times. */
const cycles = Number(process.env.STRESS_CYCLES ?? 4);
/** How soon all agents have workers again, where a core is to spare. */
const fullStrengthMs = 1_000;
const agents = 8;
const callsPerCycle = 20;

test.runIf(process.platform === "linux")(
  "a storm of crashes answers every run and stream once, runs none twice, and leaves all agents at work",
  { timeout: 60_000 + cycles * 10_000 },
  async () => {
    const chance = createChance(Number(process.env.STRESS_SEED ?? 1));
    const storm = new Storm();
    const workersMs: number[] = [];
    const zygotesMs: number[] = [];
    const late: number[] = [];
    try {
      await storm.begin(agents);
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        const ask = () => storm.ask(chance.pick(storm.agents), chance.pick(["run", "stream"]));
        for (let n = 0; n < callsPerCycle / 2; n += 1) ask();
        // At some moment of their work, whichever it is.
        await pause(chance.below(60));
        const victims = [chance.pick(storm.agents)];
        const others = storm.agents.filter(({ id }) => id !== victims[0]?.id);
        // The zygote, or its guardian; with either of them all workers end.
        const withZygote = cycle % 4 === 1;
        if (!withZygote) victims.push(chance.pick(others));
        const pids = victims.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
        if (withZygote) pids.push(cycle % 8 === 1 ? storm.zygote() : parentOf(storm.zygote()));
        const full = storm.kill(pids, withZygote ? storm.agents : victims);
        // These come to agents without a worker, some of them.
        for (let n = 0; n < callsPerCycle / 2; n += 1) ask();
        const ms = await full;
        (withZygote ? zygotesMs : workersMs).push(ms);
        if (ms > fairly(fullStrengthMs)) late.push(ms);
      }
      await storm.settle();
      report(storm, workersMs, zygotesMs);
      check(storm);
      if (process.env.STRESS_CYCLES !== undefined) expect(late).toEqual([]);
    } finally {
      await storm.end();
    }
  },
);

function report({ calls }: Storm, workersMs: number[], zygotesMs: number[]): void {
  const lost = calls.filter(({ outcomes: [outcome] }) => outcome instanceof Error).length;
  const worst = (times: number[]) => Math.round(Math.max(0, ...times));
  console.log(
    `${calls.length} calls, ${2 * cycles} victims: ${calls.length - lost} answered, ${lost} lost with their worker; full strength after at most ` +
      `${worst(workersMs)} ms, and ${worst(zygotesMs)} ms where the zygote was killed`,
  );
}

/** What must hold of the calls, whatever was killed. */
function check(storm: Storm): void {
  const { calls } = storm;
  expect(calls.filter(({ outcomes }) => outcomes.length !== 1)).toEqual([]);
  const answered = calls.filter(({ outcomes: [outcome] }) => typeof outcome === "string");
  const lost = calls.filter(({ outcomes: [outcome] }) => typeof outcome !== "string");
  expect(answered.filter(({ prompt, outcomes: [outcome] }) => outcome !== prompt)).toEqual([]);
  expect(lost.filter((call) => !diedWithWorker(call))).toEqual([]);

  const begun = storm.begun();
  expect(begun.filter((prompt, place) => begun.indexOf(prompt) !== place)).toEqual([]);
  expect(answered.filter(({ prompt }) => !begun.includes(prompt))).toEqual([]);

  const started = runIdsOf(storm, "run.started");
  const settled = runIdsOf(storm, "run.settled");
  expect(new Set(started).size).toBe(started.length);
  expect(new Set(settled).size).toBe(settled.length);
  expect(settled).toHaveLength(calls.length);
  // What had waited was answered: only a run that a worker had taken is lost with it, and it had taken no more than it may.
  const takenBy = new Map<string, number>();
  for (const { agentId, outcomes } of lost) {
    const { runId, crash } = outcomes[0] as WorkerError;
    expect(started).toContain(runId);
    const worker = `${agentId}, worker ${crash?.incarnation}`;
    takenBy.set(worker, (takenBy.get(worker) ?? 0) + 1);
  }
  expect([...takenBy].filter(([, count]) => count > maxConcurrency)).toEqual([]);
}

function runIdsOf({ reports }: Storm, type: "run.started" | "run.settled"): string[] {
  return reports.flatMap((report) => (report.type === type ? [report.runId] : []));
}

/** Hung is not busy: runs whose tools fight for the interpreter's lock, under a monitor without patience. */

import { expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import { watch } from "../e2e/support.ts";

/** `STRESS_BUSY_RUNS` says how many. */
const runs = Number(process.env.STRESS_BUSY_RUNS ?? 300);
/** A worker for each core or so; all the runs of one have threads in it. */
const workers = 2;
const concurrency = 16;

test("no worker that is busy is killed as hung", { timeout: 60_000 + runs * 60 }, async () => {
  const agents = Array.from({ length: workers }, (_, n) =>
    defineAgent({
      id: `busy-${n}`,
      entry: "test/fixtures/agents/cpu_bound.py:agent",
      output: "text",
      launcher: process.platform === "linux" ? "zygote" : "spawn",
      maxConcurrency: concurrency,
      unresponsiveAfterMs: 50,
      hungAfterMs: 500,
    }),
  );
  const { system, reports } = await watch(agents);
  const beganMs = performance.now();
  const wrong = new Set<unknown>();
  let asked = 0;
  const caller = async (agent: ReturnType<typeof system.agent>) => {
    while (asked < runs) {
      asked += 1;
      // Most are tiny, so that there are many; the others hold the lock for as long as it takes to be noticed.
      const output = await agent.run(asked % 10 === 0 ? "work" : "little").then((result) => result.output, String);
      if (output !== "worked") wrong.add(output);
    }
  };
  await Promise.all(agents.flatMap((busy) => Array.from({ length: concurrency }, () => caller(system.agent(busy)))));
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  const late = reports.filter(({ type }) => type === "agent.unresponsive").length;
  const crashes = reports.filter(({ type }) => type === "agent.crashed");
  console.log(`${runs} busy runs in ${seconds} s, ${late} times slow to answer, ${crashes.length} killed`);
  // The records, with their stacks, before what the callers saw of them.
  expect(crashes).toEqual([]);
  expect([...wrong]).toEqual([]);
  for (const busy of agents) expect(system.agent(busy).incarnation).toBe(1);
});

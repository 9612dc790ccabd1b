/** Hung is not busy: runs whose tools fight for the interpreter's lock, under a monitor without patience. */

import { expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import { watch } from "../e2e/support.ts";

/** `STRESS_BUSY_RUNS` says how many. */
const runs = Number(process.env.STRESS_BUSY_RUNS ?? 300);

test("no worker that is busy is killed as hung", { timeout: 60_000 + runs * 60 }, async () => {
  const busy = defineAgent({
    id: "busy",
    entry: "test/fixtures/agents/cpu_bound.py:agent",
    output: "text",
    unresponsiveAfterMs: 50,
    hungAfterMs: 500,
  });
  const { system, reports } = await watch([busy]);
  const agent = system.agent(busy);
  let asked = 0;
  const caller = async () => {
    while (asked < runs) {
      asked += 1;
      expect((await agent.run("work")).output).toBe("worked");
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  expect(reports.filter(({ type }) => type === "agent.crashed")).toEqual([]);
  expect(agent.incarnation).toBe(1);
});

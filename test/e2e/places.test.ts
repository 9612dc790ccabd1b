/** Places count what works in Python: tools that cannot be cancelled, in real threads. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rejection, testAgent, watch } from "./support.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "places-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test.each(["block", "thread", "swallow"])("ten late runs of the tool %s work one at a time", async (tool) => {
  const stubborn = testAgent({
    id: "stubborn",
    entry: "test/fixtures/agents/stubborn.py:agent",
    maxConcurrency: 1,
  });
  const { system, logged, log, report } = await watch([stubborn]);
  const agent = system.agent(stubborn);
  await agent.whenReady();
  const gate = join(folder, "gate");
  const late = Array.from({ length: 10 }, () => rejection(agent.run(`${tool}:${gate}`, { timeoutMs: 1_000 })));
  await logged(({ msg }) => msg === "working 1");
  for (const error of await Promise.all(late)) expect(error).toMatchObject({ code: "deadline_exceeded" });
  const next = agent.run(`${tool}:${gate}`);
  const { runId } = await report("run.lingers");
  writeFileSync(gate, "");
  expect((await next).output).toBe("1");
  await report("run.gone", (gone) => gone.runId === runId);
  // Log lines come by another way than answers.
  const counted = () => log.flatMap(({ msg }) => (msg.startsWith("working") ? [msg] : []));
  await expect.poll(() => counted().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
  expect(counted()).toEqual(["working 1", "working 1"]);
  expect(agent.incarnation).toBe(1);
});

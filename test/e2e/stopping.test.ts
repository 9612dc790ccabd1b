import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { AgentSpec } from "../../src/index.ts";
import { isAlive, pidOf, rejection, testAgent, untilGone, watch } from "./support.ts";

/** The tidy agent, ready, and what it has written down. */
async function startTidy(spec: Partial<AgentSpec> = {}, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "syn-tidy-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const log = join(folder, "log");
  const definition = testAgent({
    id: "tidy",
    entry: "test/fixtures/agents/tidy.py:agent",
    env: { TIDY_LOG: log, ...env },
    ...spec,
  });
  const watched = await watch([definition]);
  const agent = watched.system.agent("tidy");
  await agent.whenReady();
  const steps = () => readFileSync(log, "utf8").trim().split("\n");
  const wrote = async (step: string) => {
    const deadline = performance.now() + 20_000;
    while (!steps().includes(step)) {
      if (performance.now() > deadline) throw new Error(`"${step}" was not written within 20 s`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { ...watched, agent, steps, wrote };
}

test.each(["stop", "restart"] as const)(
  "%s() cancels a run that overstays and leaves it time to clean up",
  async (how) => {
    const { agent, steps, wrote, reports } = await startTidy({ shutdownMs: 4_000 }, { TIDY_S: "0.3" });
    const run = rejection(agent.run("wait:1000"));
    await wrote("run began");
    await agent[how]();
    expect(await run).toMatchObject({ code: "run_failed", kind: "interrupted", retriable: true });
    expect(steps().slice(0, 5)).toEqual(["entered", "run began", "run cleaned up", "left", "atexit"]);
    expect(reports.map(({ type }) => type)).not.toContain("worker.killed");
  },
  60_000,
);

test("what the agent's own tasks hold is cleaned up within shutdownMs, however long that takes", async () => {
  const { system, agent, steps } = await startTidy({ shutdownMs: 20_000 }, { TIDY_S: "1.5" });
  const helper = Number((await agent.run("background:300")).output);
  expect(isAlive(helper)).toBe(true);
  await system.stop();
  await untilGone(helper);
  expect(steps().slice(-3)).toEqual(["left", "task cleaned up", "atexit"]);
});

test.each([
  ["leave", 'its last phase was "leaving the agent"', "in Resource.__aexit__"],
  ["thread", 'its last phase was "joining its threads"', "thread 'forgotten' at tidy.py:"],
  ["atexit", 'its last phase was "calling its atexit functions"', "the main thread at tidy.py:"],
])("a clean-up that never ends (%s) is killed after shutdownMs, and the report names it", async (hang, phase, held) => {
  const { agent, report } = await startTidy({ shutdownMs: 1_500 }, { TIDY_HANG: hang });
  await agent.stop();
  const { crash } = await report("worker.killed");
  expect(crash.describe).toContain("did not end within shutdownMs (1500 ms) and was killed");
  expect(crash.detail).toContain(phase);
  expect(crash.detail).toContain(held);
  expect(agent.lastCrash).toBeUndefined();
});

test("a worker whose interpreter is busy writes its stacks before it is killed", async () => {
  const { system, report, logged } = await watch([
    testAgent({ id: "ctl", entry: "test/fixtures/agents/controllable.py:agent", shutdownMs: 1_500 }),
  ]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const run = rejection(agent.run("gil-hog"));
  await logged(({ msg }) => msg === "hogging");
  await agent.stop();
  const { crash } = await report("worker.killed");
  expect(crash.detail).toContain("it had not begun to end when its time was over");
  expect(crash.stderrTail.join("\n")).toContain("in act");
  expect(await run).toMatchObject({ code: "agent_stopped" });
});

test("tools that fork leave the worker alone", async () => {
  const { agent } = await startTidy();
  const answers = new Set<unknown>();
  for (let run = 0; run < 12; run += 1) answers.add((await agent.run("pool:fork")).output);
  expect([...answers]).toEqual(["[3, 2, 1, 0]"]);
  expect(agent.incarnation).toBe(1);
});

test("a worker that gets SIGTERM while runs and streams stream in loses none that Python had not begun", async () => {
  const { agent, report } = await startTidy({ maxConcurrency: 16, maxQueue: 10_000 });
  const kills = 2;
  let stop = false;
  const failures: unknown[] = [];
  let answered = 0;
  const caller = async (number: number) => {
    while (!stop) {
      try {
        const { output } = number % 2 === 0 ? await agent.run("wait:0.001") : await agent.stream("wait:0.001").result;
        expect(output).toBe("waited");
        answered += 1;
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const callers = Promise.all(Array.from({ length: 24 }, (_, number) => caller(number)));
  for (let kill = 1; kill <= kills; kill += 1) {
    const before = answered;
    while (answered < before + 50) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(pidOf(agent), "SIGTERM");
    await report("agent.ready", ({ incarnation }) => incarnation === kill + 1);
  }
  stop = true;
  await callers;
  expect(failures).toEqual([]);
}, 120_000);

test("an entry that closes fd 3 is told so in words", async () => {
  const { system } = await watch([testAgent({ id: "daemon", entry: "test/fixtures/agents/closes_fd3.py:agent" })]);
  const error = await rejection(system.agent("daemon").run("hello"));
  expect(error).toMatchObject({ code: "entry_module_failed" });
  expect((error as Error).message).toContain(
    "fd 3, the control channel to the host, was closed by code of this process",
  );
});

test("starting a worker runs nothing of the user's but the module and the agent's own entering", async () => {
  const { agent, steps } = await startTidy({}, { TIDY_INSTRUCTED: "1" });
  expect((await agent.describe()).tools.map(({ name }) => name)).toContain("wait");
  expect(steps()).toEqual(["entered"]);
  await agent.run("wait:0");
  expect(steps()[1]).toBe("instructed for wait:0");
});

import { expect, test } from "vitest";
import { controllable, pidOf, untilGone, watch } from "./support.ts";

test("a graceful restart of a real worker loses no run, has no gap, and leaves one process", async () => {
  const { system, reports, report } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const old = pidOf(agent);
  const held = agent.run("sleep:3");
  const swapped = agent.restart({ graceful: true });
  let done = false;
  void swapped.finally(() => {
    done = true;
  });
  const answers = [];
  while (!done) answers.push(await agent.run("pid"));
  await swapped;
  answers.push(await agent.run("pid"));
  expect(answers.map(({ output }) => Number(output))).toEqual(
    answers.map(({ incarnation }) => (incarnation === 1 ? old : agent.pid)),
  );
  expect([answers[0]?.incarnation, answers.at(-1)?.incarnation]).toEqual([1, 2]);
  expect(await held).toMatchObject({ output: "slept 3 s", incarnation: 1 });
  expect((await report("worker.retired")).crash).toMatchObject({ cause: "retired", exitCode: 0, pid: old });
  await untilGone(old);
  expect(reports.map(({ type }) => type)).not.toContain("agent.crashed");
}, 40_000);

test.runIf(process.platform === "linux")("a real worker that holds too much memory is recycled", async () => {
  const { system, report } = await watch([controllable({ recycle: { maxMemoryBytes: 1024 * 1024 } })]);
  const agent = system.agent("ctl");
  expect((await agent.run("echo:hello")).incarnation).toBe(1);
  const { reason } = await report("agent.swapped");
  expect(Number(/^recycled with (\d+) bytes/.exec(reason)?.[1])).toBeGreaterThan(10 * 1024 * 1024);
}, 40_000);

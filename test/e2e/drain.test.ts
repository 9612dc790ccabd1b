import { expect, test } from "vitest";
import { controllable, pidOf, rejection, watch } from "./support.ts";

test("a worker that is asked to end from outside cuts the run it holds short, and the run is not run twice", async () => {
  const { system, log, report } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const held = rejection(agent.run("sleep:29"));
  await agent.run("echo:the first is under way");
  process.kill(pidOf(agent), "SIGTERM");
  const error = await held;
  expect(error).toMatchObject({ code: expect.stringMatching(/run_failed|worker_exited/) });
  await report("agent.ready", ({ incarnation }) => incarnation === 2);
  expect((await agent.run("echo:next")).incarnation).toBe(2);
  const cancelled = log.filter(({ msg }) => msg === "handler cancelled: sleep:29");
  expect(cancelled).toHaveLength(1);
}, 40_000);

test("runs and streams that a worker refuses because it ends are served by the next one", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const held = agent.run("sleep:1");
  await agent.run("echo:the first is under way");
  process.kill(pidOf(agent), "SIGTERM");
  const answers = await Promise.all([
    agent.run("echo:unary"),
    agent.stream("echo:stream").result,
    agent.run("echo:third"),
  ]);
  expect(answers.map(({ output }) => output)).toEqual(["unary", "stream", "third"]);
  expect((await held).output).toBe("slept 1 s");
});

test("a stream that nobody reads is still ended by its signal and its deadline", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 1 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  agent.stream("stream:1000:10", { timeoutMs: 100 });
  expect((await agent.run("echo:after the deadline")).output).toBe("after the deadline");
  const controller = new AbortController();
  const stream = agent.stream("stream:1000:10", { signal: controller.signal });
  controller.abort();
  expect((await agent.run("echo:after the abort")).output).toBe("after the abort");
  expect(await rejection(stream.result)).toMatchObject({ code: "run_cancelled" });
});

test("describe() asked while the worker dies is answered by the next one", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  process.kill(pidOf(agent), "SIGKILL");
  const description = await agent.describe({ timeoutMs: 20_000 });
  expect(description.name).toBe("controllable");
  expect(agent.incarnation).toBe(2);
});

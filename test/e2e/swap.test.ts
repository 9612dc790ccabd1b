import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { controllable, pidOf, testAgent, untilGone, watch } from "./support.ts";

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

test.runIf(process.platform === "linux")(
  "a real worker that holds too much memory is recycled",
  async () => {
    const { system, report } = await watch([controllable({ recycle: { maxMemoryBytes: 1024 * 1024 } })]);
    const agent = system.agent("ctl");
    expect((await agent.run("echo:hello")).incarnation).toBe(1);
    const { reason } = await report("agent.swapped");
    expect(Number(/^recycled with (\d+) bytes/.exec(reason)?.[1])).toBeGreaterThan(10 * 1024 * 1024);
  },
  40_000,
);

test("a file that changes is loaded by the next worker, and one that is broken leaves the old one serving until it is mended", async () => {
  const folder = mkdtempSync(join(tmpdir(), "synapse-swap-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const helper = join(folder, "greeting.py");
  const agentFile = [
    "from pydantic_ai import Agent",
    "from pydantic_ai.models.function import AgentInfo, FunctionModel",
    "from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart",
    "from greeting import GREETING",
    "def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:",
    "    return ModelResponse(parts=[TextPart(GREETING)])",
    "agent = Agent(FunctionModel(answer))",
  ];
  writeFileSync(join(folder, "hello.py"), `${agentFile.join("\n")}\n`);
  writeFileSync(helper, 'GREETING = "good morning"\n');
  const children = [testAgent({ id: "hello", entry: "hello.py:agent", watch: true })];
  const interpreter = resolve(import.meta.dirname, "../../python/.venv/bin/python");
  const { system, report, reports } = await watch(children, { python: { cwd: folder, interpreter } });
  const agent = system.agent("hello");
  expect((await agent.run("x")).output).toBe("good morning");

  writeFileSync(helper, "GREETING = \n");
  const { crash } = await report("agent.swap_failed");
  expect(crash.loadFailure?.pythonType).toContain("SyntaxError");
  expect((await agent.run("x")).output).toBe("good morning");

  writeFileSync(helper, 'GREETING = "good evening"\n');
  expect((await report("agent.swapped")).reason).toBe("greeting.py changed");
  expect((await agent.run("x")).output).toBe("good evening");
  expect(reports.map(({ type }) => type)).not.toContain("agent.crashed");
}, 60_000);

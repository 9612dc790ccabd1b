import { expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { startSystem } from "../../src/index.ts";
import { controllable, rejection, testAgent, watch } from "./support.ts";

const fixtures = "test/fixtures/agents";

test.each([
  ["a module that does not exist", `${fixtures}/nowhere.py:agent`, "entry_module_missing", /nowhere\.py/],
  ["a package that does not exist", "no_such_package.module:agent", "entry_module_missing", /no_such_package/],
  ["a module that raises", `${fixtures}/raises.py:agent`, "entry_module_failed", /broken on purpose/],
  [
    "a module with a missing import",
    `${fixtures}/broken_import.py:agent`,
    "entry_module_failed",
    /ModuleNotFoundError/,
  ],
  ["an attribute that does not exist", `${fixtures}/controllable.py:nobody`, "entry_attribute_missing", /nobody/],
  ["an object that is no Agent", `${fixtures}/no_agent.py:agent`, "entry_not_an_agent", /dict/],
] as const)(
  "%s: the caller gets a clear error, the agent is not restarted, its sibling lives",
  async (_what, entry, code, text) => {
    const { system, reports } = await watch([testAgent({ id: "wrong", entry }), controllable()]);
    const agent = system.agent("wrong");
    const waiting = rejection(agent.run("hello"));
    const error = await rejection(agent.whenReady());
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code, agentId: "wrong" });
    expect((error as WorkerError).message).toMatch(text);
    expect(await waiting).toMatchObject({ code });
    expect(await rejection(agent.run("again"))).toMatchObject({ code });
    expect((await system.agent("ctl").run("echo:fine")).output).toBe("fine");
    expect(agent.state).toBe("stopped");
    expect(reports.map(({ type }) => type)).not.toContain("supervisor.gave_up");
  },
);

test("the Python traceback of a module that raises shows the user's line and not ours", async () => {
  const { system } = await watch([testAgent({ id: "raises", entry: `${fixtures}/raises.py:agent` })]);
  const error = (await rejection(system.agent("raises").whenReady())) as WorkerError;
  expect(error.pythonType).toBe("ValueError");
  expect(error.pythonTraceback).toContain("raises.py");
  expect(error.pythonTraceback).not.toContain("synapse_otp");
});

test("a module that exits while it is imported is told as such", async () => {
  const { system } = await watch([testAgent({ id: "exits", entry: `${fixtures}/exits.py:agent` })]);
  const error = await rejection(system.agent("exits").whenReady());
  expect(error).toMatchObject({ code: "entry_module_failed", pythonType: "SystemExit" });
});

test("a start that takes longer than startTimeoutMs is killed and counted", async () => {
  const slow = testAgent({
    id: "slow",
    entry: `${fixtures}/slow_import.py:agent`,
    env: { SLOW_IMPORT_S: "60" },
    startTimeoutMs: 500,
  });
  const { system } = await watch([slow], { maxRestarts: 1 });
  const error = await rejection(system.agent("slow").whenReady());
  expect(error).toMatchObject({
    code: "restart_intensity_exceeded",
    crash: { cause: "start_timeout", incarnation: 2 },
  });
  await system.ended;
});

test("a flood of output at import blocks nothing", async () => {
  const { system } = await watch([testAgent({ id: "prints", entry: `${fixtures}/prints.py:agent` })]);
  await system.agent("prints").whenReady();
});

test("an interpreter that does not exist is told before anything starts", async () => {
  const starting = startSystem({ children: [controllable()], python: { interpreter: "/nowhere/python" } });
  const error = await rejection(starting);
  expect(error).toMatchObject({ code: "python_missing" });
  expect((error as WorkerError).message).toContain("/nowhere/python");
});

/** What a host inherits, and what a worker makes of it: odd places for sockets, foreign settings of Python, files as entries. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defineAgent } from "../../src/index.ts";
import { controllable, testAgent, watch } from "./support.ts";

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "st-e2e-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(project, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  mkdirSync(join(project, name, ".."), { recursive: true });
  writeFileSync(join(project, name), text);
}

test.each(["feature%2Ffoo", "a#b?c", "with space", "café"])(
  "a temporary directory may have any name: %s",
  async (name) => {
    const folder = join(project, name);
    mkdirSync(folder);
    vi.stubEnv("TMPDIR", folder);
    const { system } = await watch([controllable()]);
    expect((await system.agent("ctl").run("echo:served")).output).toBe("served");
    await system.stop();
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("PYTHONHOME of the host is not the workers'", async () => {
  vi.stubEnv("PYTHONHOME", "/usr/lib/nothing-here");
  const { system } = await watch([controllable()]);
  expect((await system.agent("ctl").run("echo:served")).output).toBe("served");
});

test.each([
  ["PYTHONIOENCODING", "latin-1"],
  ["PYTHONIOENCODING", "ascii"],
])("what a tool prints reaches the log as it is, whatever %s=%s says", async (name, value) => {
  vi.stubEnv(name, value);
  const { system, logged } = await watch([controllable()]);
  expect((await system.agent("ctl").run("print:crème brûlée \u2713")).output).toBe("printed");
  await logged(({ msg }) => msg === "crème brûlée \u2713");
});

test.each(["auto", "spawn"] as const)(
  "files by the names of Python's own modules are in no worker's way: %s",
  async (launcher) => {
    for (const name of ["json.py", "locale.py", "logging.py", "signal.py"]) write(name, "raise LookupError\n");
    write(
      "agent.py",
      "from pydantic_ai import Agent\nfrom pydantic_ai.models.test import TestModel\n\nagent = Agent(TestModel())\n",
    );
    const definition = defineAgent({ id: "beside", entry: "agent.py:agent", launcher });
    const { system } = await watch([definition], { python: { cwd: project } });
    expect((await system.agent("beside").run("hello")).output).toMatch(/success/);
  },
);

test.each(["pool_agent.py:agent", "agents/json.py:agent"])(
  "the processes that a tool starts find the functions of its file: %s",
  async (entry) => {
    write(
      entry.split(":")[0] ?? "",
      `import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from pydantic_ai import Agent
from synapse_otp.scripted import CallTools, Say, Turn, scripted_model


def script(turn: Turn):
    return Say(turn.tool_returns["squares"]) if "squares" in turn.tool_returns else CallTools((("squares", {}),))


agent = Agent(scripted_model(script))


def square(n: int) -> int:
    return n * n


@agent.tool_plain
def squares() -> str:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return str(list(pool.map(square, range(4))))


if __name__ == "__main__":
    raise RuntimeError("an agent file is no program")
`,
    );
    const { system } = await watch([testAgent({ id: "pool", entry })], { python: { cwd: project } });
    expect((await system.agent("pool").run("go")).output).toBe("[0, 1, 4, 9]");
  },
);

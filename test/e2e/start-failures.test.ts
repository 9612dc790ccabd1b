/** Starts that fail, with real Python: what cannot start is told once, what may start later is waited for, and nobody else is harmed. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentSpec, WorkerError } from "../../src/index.ts";
import { controllable, rejection, testAgent, type Watched, watch } from "./support.ts";

const scripted = `
from pydantic_ai import Agent
from synapse_otp.scripted import Say, scripted_model

agent = Agent(scripted_model(lambda turn: Say("served")))
`;

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "st-e2e-"));
});

afterEach(() => rmSync(project, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(project, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const wrong = (spec: Partial<AgentSpec>) =>
  testAgent({ id: "wrong", entry: "test/fixtures/agents/controllable.py:agent", ...spec });

/** One start, one error, and a sibling that knows nothing of it. */
async function failsOnce({ system, reports }: Watched): Promise<WorkerError> {
  const agent = system.agent("wrong");
  const error = (await rejection(agent.run("hello"))) as WorkerError;
  expect(await rejection(agent.whenReady())).toMatchObject({ code: error.code });
  expect((await system.agent("ctl").run("echo:fine")).output).toBe("fine");
  expect([agent.incarnation, agent.state]).toEqual([1, "stopped"]);
  expect(reports.map(({ type }) => type)).not.toContain("supervisor.gave_up");
  return error;
}

test("a dependency that cannot be imported is one error for each agent, in its own words, and no restart", async () => {
  write("grpc/__init__.py", 'raise ImportError("libexample.so.6: cannot open shared object file")\n');
  const python = { env: { PYTHONPATH: project } };
  const { system, reports } = await watch([wrong({}), controllable()], { python });
  for (const id of ["wrong", "ctl"]) {
    const error = (await rejection(system.agent(id).run("hello"))) as WorkerError;
    expect(error).toMatchObject({ code: "worker_import_failed", pythonType: "ImportError" });
    expect(error.message).toContain("libexample.so.6: cannot open shared object file");
    expect(error.message).not.toContain("LoadFailure");
    expect(system.agent(id).incarnation).toBe(1);
  }
  expect(reports.map(({ type }) => type)).not.toContain("supervisor.gave_up");
});

test.each([
  ["ends while it starts", "import os; os.write(2, b'no licence\\n'); os._exit(7)", "no licence"],
  ["is aborted while it starts", "import os; os.write(2, b'CHECK failed\\n'); os.abort()", "was ended by SIGABRT"],
])("an interpreter that %s is one error with its last words", async (_what, source, words) => {
  write("sitecustomize.py", source);
  const watched = await watch([wrong({ env: { PYTHONPATH: project } }), controllable()]);
  const error = await failsOnce(watched);
  expect(error.code).toBe("worker_start_failed");
  expect(error.message).toContain(words);
});

test("a PYTHONHOME that an agent is given is one error with the interpreter's own words", async () => {
  const error = await failsOnce(await watch([wrong({ env: { PYTHONHOME: "/nowhere" } }), controllable()]));
  expect(error.code).toBe("worker_start_failed");
  expect(error.message).toMatch(/before it was ready: .*encodings/);
});

test("an entry that ends the process with os._exit is one error", async () => {
  const entry = `${write("leaves.py", "import os; os._exit(3)")}:agent`;
  const error = await failsOnce(await watch([wrong({ entry }), controllable()]));
  expect(error).toMatchObject({ code: "worker_start_failed", exitCode: 3 });
});

test("an environment that is too large is one error that names the variable", async () => {
  const error = await failsOnce(await watch([wrong({ env: { HUGE: "x".repeat(200_000) } }), controllable()]));
  expect(error).toMatchObject({ code: "worker_spawn_failed", crash: { errno: "E2BIG" } });
  expect(error.message).toContain("of them in HUGE");
});

test("an agent whose dependency is down when it starts serves when the dependency is there, and nobody is brought down", async () => {
  const entry = `${write(
    "patient.py",
    `${scripted}
import pathlib
from pydantic_ai.toolsets import FunctionToolset

tries = pathlib.Path(__file__).with_name("tries")

class Tools(FunctionToolset):
    async def __aenter__(self):
        with tries.open("a") as file:
            file.write("x")
        if len(tries.read_text()) < 6:
            raise ConnectionRefusedError("the tool server is down")
        return self

agent = Agent(scripted_model(lambda turn: Say("served")), toolsets=[Tools()])
`,
  )}:agent`;
  const { system, reports } = await watch([wrong({ entry }), controllable()]);
  expect((await system.agent("wrong").run("hello")).output).toBe("served");
  expect(system.agent("wrong").incarnation).toBe(6);
  expect(system.agent("ctl").incarnation).toBe(1);
  const pauses = reports.flatMap((report) =>
    report.type === "child.exited" && report.decision.type === "restart" ? [report.decision.delayMs] : [],
  );
  expect(pauses).toEqual([100, 200, 400, 800, 1_600]);
  expect(system.agent("wrong").lastCrash).toMatchObject({ failedStarts: 5, loadFailure: { kind: "warmup_failed" } });
}, 60_000);

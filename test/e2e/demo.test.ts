import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readRecording } from "../../src/inspect/record.ts";
import { type Reading, readViewer } from "../viewer/page-reader.ts";

const root = resolve(import.meta.dirname, "..", "..");
const deadlineMs = 60_000;

/** Runs `npm start`'s script without a terminal; `onOutput` is told everything so far whenever there is more. */
async function start(
  args: readonly string[],
  onOutput: (output: string, signal: (name: NodeJS.Signals) => void, type: (line: string) => void) => void = () =>
    undefined,
) {
  const child = spawn(process.execPath, [join(root, "scripts", "run.js"), "start.ts", ...args], {
    cwd: root,
    env: { ...process.env, INIT_CWD: root, NO_COLOR: "1" },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    onOutput(
      output,
      (name) => child.kill(name),
      (line) => child.stdin.write(`${line}\n`),
    );
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { output, errors, exitCode };
}

test("the demonstration checks its own claims and all of them hold", { timeout: deadlineMs + 5_000 }, async () => {
  const { output, errors, exitCode } = await start([]);
  expect(errors).toBe("");
  expect(output).not.toContain("NOT TRUE");
  expect(output).not.toContain("\x1b");
  for (const claim of [
    "three agents serve, each in a Python process of its own",
    "the tokens add up to the answer",
    "the agent used its tools (2 calls)",
    "partial answers came before the final one",
    "the caller got one typed error that names the signal",
    "the agent went through its states in order (crashed → restarting → starting → ready)",
    "a new worker took its place",
    "its siblings answered meanwhile, in the same processes",
    "the run in the queue was not lost (worker 2, attempt 1)",
    "all 4 Python processes are gone",
    "no socket directory is left",
  ]) {
    expect(output).toContain(`✓ ${claim}`);
  }
  expect(output).toMatch(/decision +restart: restart 1 of 3 allowed within 5000 ms/);
  expect(output).toMatch(/\nAll 13 claims held\.\n/);
  expect(exitCode).toBe(0);
});

test("an agent file of one's own is asked and what it used is shown", { timeout: deadlineMs + 5_000 }, async () => {
  const { output, exitCode } = await start(["python/agents/tool_agent.py:agent", "What", "to wear in Lima?"]);
  expect(output).toContain('→ temperature_in({"city":"Lima"})');
  expect(output).toContain("It is 21 degrees in Lima; wear a shirt.");
  expect(output).toMatch(/usage: \d+ tokens in, \d+ out, 2 model requests, 2 tool calls/);
  expect(exitCode).toBe(0);
});

test.each([
  ["python/agents/nowhere.py:agent", "[entry_module_missing]"],
  ["test/fixtures/agents/raises.py:agent", "ValueError: broken on purpose"],
  ["python/agents/city_agent.py:town", "[entry_attribute_missing]"],
  ["test/fixtures/agents/no_agent.py:agent", "[entry_not_an_agent]"],
  ["python/agents/city_agent.py", "[invalid_argument]"],
])("a wrong entry %s ends with exit code 1 and says %s", { timeout: deadlineMs + 5_000 }, async (entry, message) => {
  const { errors, exitCode } = await start([entry, "Hello"]);
  expect(errors).toContain(message);
  expect(exitCode).toBe(1);
});

test("an unknown option ends with exit code 2 and the usage", async () => {
  const { errors, exitCode } = await start(["--nonsense"]);
  expect(errors).toContain("usage:");
  expect(exitCode).toBe(2);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s stops everything and ends with exit code %i", { timeout: deadlineMs + 5_000 }, async (name, code) => {
  let sent = false;
  const { output, exitCode } = await start([], (soFar, signal) => {
    if (sent || !soFar.includes("Tokens, as they come")) return;
    sent = true;
    signal(name);
  });
  expect(exitCode).toBe(code);
  const pids = [...output.matchAll(/ready after \d+ ms, pid (\d+)/g)].map(([, pid]) => Number(pid));
  expect(pids).toHaveLength(3);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("--watch stays until Ctrl-C and asks what is typed, the viewer is there, and --record has recorded it all", {
  timeout: deadlineMs + 5_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "demo-recording-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "demo.jsonl");
  const seen: Promise<Reading>[] = [];
  let isDone = false;
  const { output, errors, exitCode } = await start(["--watch", "--record", file], (soFar, signal, type) => {
    const address = /see +(http:\S+)/.exec(soFar)?.[1];
    if (address !== undefined && seen.length === 0 && soFar.includes("kill -9 ", soFar.indexOf(address))) {
      seen.push(readViewer(address));
      type("tool: What should I wear in Lima?");
    }
    if (isDone || !soFar.includes("wear a shirt. (worker 1)")) return;
    isDone = true;
    signal("SIGINT");
  });
  expect(errors).toBe("");
  expect(output).toMatch(/watch it: http:\/\/127\.0\.0\.1:\d+\/\?token=/);
  expect(output).toMatch(/\nAll 13 claims held\.\n/);
  expect(exitCode).toBe(0);
  const page = await seen[0];
  await page?.ended;
  expect([...(page?.world.nodes.keys() ?? [])]).toEqual(["demo", "demo/example", "demo/city", "demo/tool"]);
  expect(page?.world.crashes("example")).toHaveLength(1);
  const types = new Set<string>();
  for await (const { type } of readRecording(file)) types.add(type);
  expect([...types]).toEqual(expect.arrayContaining(["header", "nodes", "report", "@xstate.event", "end"]));
});

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { createMachine } from "xstate";
import { defineAgent } from "../../src/index.ts";
import type { SystemInspector } from "../../src/inspect/inspected-system.ts";
import { continueRecording, type RecordOptions, readRecording, record } from "../../src/inspect/record.ts";
import type { WatchMessage } from "../../src/inspect/watch.ts";
import type { Report } from "../../src/report.ts";
import { startSystem } from "../../src/start-system.ts";
import { createFakeLauncher } from "../../src/testing/index.ts";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "recording-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const silent = pino({ level: "silent" });
const poet = defineAgent({ id: "poet", entry: "poet.py:agent" });

async function recorded(options: Partial<RecordOptions> = {}) {
  const file = join(directory(), "run.jsonl");
  const launcher = createFakeLauncher();
  const inspect = record({ file, ...options });
  const system = await startSystem({ name: "house", children: [poet], inspect, logger: silent }, { launcher });
  onTestFinished(() => system.stop());
  await system.whenReady();
  return { file, launcher, inspect, system };
}

async function read(file: string): Promise<WatchMessage[]> {
  const messages: WatchMessage[] = [];
  for await (const message of readRecording(file)) messages.push(message);
  return messages;
}

const ofType = <T extends WatchMessage["type"]>(messages: readonly WatchMessage[], type: T) =>
  messages.filter((message): message is Extract<WatchMessage, { type: T }> => message.type === type);

test("a recording holds actors with their charts, the tree, reports, log lines and the crash, from the start to the end", async () => {
  const { file, launcher, system } = await recorded();
  await system.agent("poet").run("hello");
  launcher.workers[0]?.print("the last words", "stderr");
  launcher.workers[0]?.crash({ signal: "SIGKILL" });
  await expect.poll(() => [system.agent("poet").incarnation, system.agent("poet").state]).toEqual([2, "ready"]);
  await system.stop();

  const messages = await read(file);
  expect(messages[0]).toMatchObject({ type: "header", version: 1, system: "house" });
  expect(messages.at(-1)).toMatchObject({ type: "end" });
  const actors = ofType(messages, "@xstate.actor");
  expect(actors.map(({ name }) => name)).toEqual(expect.arrayContaining(["house", "poet"]));
  const { sessionId } = actors.find(({ name }) => name === "poet") ?? {};
  const values = ofType(messages, "@xstate.snapshot")
    .filter((message) => message.sessionId === sessionId)
    .map(({ snapshot }) => snapshot.value);
  const states = values.filter((value, index) => value !== values[index - 1]);
  expect(states).toEqual([
    "starting",
    "ready",
    "busy",
    "ready",
    "crashed",
    "restarting",
    "starting",
    "ready",
    "stopping",
    "stopped",
  ]);
  const reports = ofType(messages, "report").map(({ report }) => report as Report);
  expect(reports.find(({ type }) => type === "agent.crashed")).toMatchObject({
    crash: { signal: "SIGKILL", agentId: "poet" },
  });
  expect(ofType(messages, "line")).toMatchObject([{ agentId: "poet", incarnation: 1, text: "the last words" }]);
  const places = ofType(messages, "nodes").flatMap(({ nodes }) => nodes);
  expect(places.findLast(({ id }) => id === "poet")).toMatchObject({
    path: "house/poet",
    kind: "agent",
    completed: 1,
    restarts: 1,
  });
});

test("a recording is bounded, keeps the newest part, and each half can be read alone", async () => {
  const { file, launcher, system } = await recorded({ maxBytes: 64 * 1024 });
  const poetAgent = system.agent("poet");
  for (let round = 0; round < 12; round += 1) {
    for (let line = 0; line < 40; line += 1) launcher.workers[0]?.print(`round ${round} ${"x".repeat(500)}`);
    await poetAgent.run("hello");
    // A batch is a tenth of a second; what one batch has no room for is not recorded.
    const written = () =>
      [`${file}.1`, file].filter((path) => existsSync(path)).map((path) => readFileSync(path, "utf8"));
    await expect.poll(() => written().join("").includes(`round ${round}`)).toBe(true);
  }
  await system.stop();
  const [older, newer] = [statSync(`${file}.1`), statSync(file)];
  // Half of it, how all were at its beginning, and the batch that overran it.
  for (const { size } of [older, newer]) expect(size).toBeLessThan(64 * 1024 + 64 * 1024);
  expect(newer.mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toMatch(/^\{"type":"header"/);
  const messages = await read(file);
  expect(ofType(messages, "header")).toHaveLength(2);
  expect(ofType(messages, "line").some(({ text }) => text.startsWith("round 11"))).toBe(true);
});

test("secrets do not get into a recording", async () => {
  const { file, launcher, system } = await recorded();
  launcher.workers[0]?.print("using key sk-proj-0123456789abcdef");
  await system.stop();
  expect(readFileSync(file, "utf8")).not.toContain("0123456789abcdef");
  expect(ofType(await read(file), "line")).toMatchObject([{ text: "[redacted]" }]);
});

test("a host that was killed leaves a recording that can be read up to its torn last line", async () => {
  const file = join(directory(), "torn.jsonl");
  const header = { type: "header", version: 1, system: "x", atMs: 1 };
  writeFileSync(file, `${JSON.stringify(header)}\n{"type":"end","at`);
  expect(await read(file)).toEqual([header]);
});

test.each([
  ["no recording at all", undefined, "not_found"],
  ["something else", "hello\n", "invalid_argument"],
  ["a recording of another version", '{"type":"header","version":99}\n', "invalid_argument"],
  ["broken in its middle", '{"type":"header","version":1}\nxx\n{"type":"end"}\n', "invalid_argument"],
])("reading %s is told", async (_what, text, code) => {
  const file = join(directory(), "odd.jsonl");
  if (text !== undefined) writeFileSync(file, text);
  await expect(read(file)).rejects.toMatchObject({ code });
});

test("a file that cannot be written keeps the system from starting", async () => {
  const file = join(directory(), "nowhere", "run.jsonl");
  const starting = startSystem({ inspect: record({ file }), logger: silent });
  await expect(starting).rejects.toMatchObject({ code: "invalid_argument", field: "options.file" });
});

test("a recorder records one system at a time, and the next one anew", async () => {
  const { file, inspect, system } = await recorded();
  await expect(startSystem({ inspect, logger: silent })).rejects.toMatchObject({ code: "already_started" });
  await system.stop();
  const next = await startSystem({ name: "next", inspect, logger: silent });
  await next.stop();
  expect((await read(file))[0]).toMatchObject({ system: "next" });
});

test("a recorder that goes on with another's file keeps what is in it, within the same bound", async () => {
  const { file, inspect, system } = await recorded({ maxBytes: 65_536 });
  await system.stop();
  const inFirst = (await read(file)).length;
  const again = continueRecording(inspect);
  const next = await startSystem({ name: "next", inspect: again as SystemInspector, logger: silent });
  await next.stop();
  const messages = await read(file);
  expect(messages.length).toBeGreaterThan(inFirst);
  expect(ofType(messages, "header").map((header) => header.system)).toEqual(["house", "next"]);
  expect(ofType(messages, "end")).toHaveLength(2);
  // What is in the file counts: the next one turns it over.
  for (let round = 0; !existsSync(`${file}.1`); round += 1) {
    expect(round).toBeLessThan(200);
    const more = continueRecording(inspect) as SystemInspector;
    await (await startSystem({ name: "more", inspect: more, logger: silent })).stop();
  }
  expect(statSync(`${file}.1`).size).toBeLessThan(65_536);
  expect(continueRecording({ attach: () => undefined, detach: () => undefined })).toBeUndefined();
});

test("a machine's own actors are recorded too, attached while it runs", async () => {
  const file = join(directory(), "late.jsonl");
  const child = createMachine({ id: "inner", initial: "idle", states: { idle: {} } });
  const outer = createMachine({ id: "outer", invoke: { id: "inner", src: child } });
  const system = await startSystem({ children: [{ id: "outer", logic: outer }], logger: silent });
  onTestFinished(() => system.stop());
  const detach = await system.inspect(record({ file }));
  await detach();
  const names = ofType(await read(file), "@xstate.actor").map(({ name }) => name);
  expect(names).toEqual(["runtime", "system", "outer", "inner"]);
  expect(system.tree().state).toBe("running");
});

test.each([
  ["options.file", {}],
  ["options.maxBytes", { file: "x", maxBytes: 10 }],
  ["options.sanitise", { file: "x", sanitise: 1 }],
  ["options", { file: "x", path: "y" }],
])("a wrong option is named: %s", (field, options) => {
  expect(() => record(options as never)).toThrow(
    expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(field) }),
  );
});

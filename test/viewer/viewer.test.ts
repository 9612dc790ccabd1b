import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { defineAgent, defineSupervisor } from "../../src/index.ts";
import { record } from "../../src/inspect/record.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { startSystem } from "../../src/start-system.ts";
import type { SystemOptions } from "../../src/system-options.ts";
import { createFakeLauncher } from "../../src/testing/index.ts";
import { startViewer, viewRecording } from "../../src/viewer/viewer.ts";
import { readViewer } from "./page-reader.ts";

beforeAll(() => buildIfStale());

const idle = fromGenServer({ name: "idle", init: () => ({ state: { apiKey: "sk-live-0123456789abcdef" } }) });
const children = [
  defineAgent({ id: "poet", entry: "poet.py:agent" }),
  defineSupervisor({ id: "team", children: [{ id: "idle", logic: idle }] }),
];

async function start(options: SystemOptions = {}) {
  const launcher = createFakeLauncher();
  const system = await startSystem(
    { name: "house", children, logger: pino({ level: "silent" }), ...options },
    { launcher },
  );
  onTestFinished(() => system.stop());
  await system.whenReady();
  return { system, launcher };
}

async function startBoth() {
  const { system, launcher } = await start();
  const viewer = await startViewer(system);
  onTestFinished(() => viewer.stop());
  const { origin, search } = new URL(viewer.address);
  const ask = (path: string, init?: RequestInit) => fetch(`${origin}${path}${search}`, init);
  const press = (action: string, headers: Record<string, string> = { "X-Synapse-Viewer": "1" }, id = "poet") =>
    ask(`/agents/${id}/${action}`, { method: "POST", headers });
  return { system, launcher, viewer, origin, ask, press };
}

test("whoever opens the page is told the tree, every actor with its chart, and what happens then", async () => {
  const { system, launcher, viewer } = await startBoth();
  const page = await readViewer(viewer.address);
  await expect.poll(() => page.world.byPath.get("house/team/idle")?.snapshot.value).toBe("running");
  expect([...page.world.nodes.keys()]).toEqual(["house", "house/poet", "house/team", "house/team/idle"]);
  expect(page.world.nodes.get("house/poet")).toMatchObject({ kind: "agent", state: "ready" });

  launcher.workers[0]?.print("the last words", "stderr");
  const running = system.agent("poet").run("hello");
  await running;
  launcher.workers[0]?.crash({ signal: "SIGKILL" });
  await expect
    .poll(() => page.world.nodes.get("house/poet"))
    .toMatchObject({ restarts: 1, state: "ready", completed: 1 });
  expect(page.world.crashes("poet")).toMatchObject([
    { report: { crash: { signal: "SIGKILL", decision: { type: "restart" } } } },
  ]);
  expect(page.world.lines.get("poet")).toMatchObject([{ text: "the last words" }]);
  expect(page.world.runs.all).toMatchObject([{ agentId: "poet", state: "completed" }]);
  expect(JSON.stringify(page.messages)).not.toContain("sk-live");
  page.leave();
});

test("a page is told whether the system is being recorded, and into which file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "recording-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "run.jsonl");
  const { system, viewer } = await startBoth();
  const page = await readViewer(viewer.address);
  expect(page.world.recordings).toEqual([]);
  const end = await system.inspect(record({ file }));
  await expect.poll(() => page.world.recordings).toEqual([file]);
  const late = await readViewer(viewer.address);
  await expect.poll(() => late.world.recordings).toEqual([file]);
  await end();
  await expect.poll(() => page.world.recordings).toEqual([]);
  page.leave();
  late.leave();
});

test("two may look at once, and one who comes late is told of the crash before", async () => {
  const { launcher, viewer } = await startBoth();
  const early = await readViewer(viewer.address);
  launcher.workers[0]?.crash({ exitCode: 3 });
  await expect.poll(() => early.world.crashes("poet").length).toBe(1);
  const late = await readViewer(viewer.address);
  await expect.poll(() => late.world.crashes("poet").length).toBe(1);
  await expect.poll(() => [early, late].map(({ world }) => world.nodes.get("house/poet")?.restarts)).toEqual([1, 1]);
  early.leave();
  late.leave();
});

test("while nobody looks nothing is looked at", async () => {
  const { system, viewer } = await startBoth();
  const page = await readViewer(viewer.address);
  await expect.poll(() => page.world.actors.size).toBeGreaterThan(3);
  page.leave();
  await page.ended;
  await system.agent("poet").run("hello");
  const again = await readViewer(viewer.address);
  // Runs are told by reports, which are kept; events were not seen.
  await expect.poll(() => again.world.runs.all.length).toBe(1);
  expect(again.world.rows).toEqual([]);
  again.leave();
});

test("the page is whole: nothing of it comes from elsewhere, and nobody can frame it", async () => {
  const { ask } = await startBoth();
  const response = await ask("/");
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  const page = await response.text();
  for (const path of ["/app.js", "/app.css"]) {
    expect(page).toContain(path);
    const file = await ask(path);
    expect(file.status).toBe(200);
    expect(await file.text()).not.toMatch(/@import|(?:src|href)="https?:/);
  }
  expect((await ask("/../package.json")).status).toBe(404);
});

test("an agent is killed, restarted and stopped by the buttons", async () => {
  const { system, launcher, press } = await startBoth();
  const poet = system.agent("poet");
  expect((await press("kill")).status).toBe(202);
  await expect.poll(() => [poet.incarnation, poet.state]).toEqual([2, "ready"]);
  expect(system.crashes("poet")).toMatchObject([{ cause: "killed" }]);
  expect((await press("restart")).status).toBe(202);
  await expect.poll(() => [poet.incarnation, poet.state]).toEqual([3, "ready"]);
  expect((await press("stop")).status).toBe(202);
  await expect.poll(() => poet.state).toBe("stopped");
  expect(launcher.workers).toHaveLength(3);
});

test("no other page presses a button", async () => {
  const { system, press, ask, origin } = await startBoth();
  const own = { "X-Synapse-Viewer": "1" };
  expect((await press("kill", {})).status).toBe(403);
  expect((await press("kill", { ...own, Origin: "https://evil.test" })).status).toBe(403);
  expect((await press("kill", { ...own, Origin: "null" })).status).toBe(403);
  expect((await ask("/agents/poet/kill")).status).toBe(405);
  expect((await fetch(`${origin}/agents/poet/kill`, { method: "POST", headers: own })).status).toBe(403);
  expect((await ask("/agents/poet/kill", { method: "OPTIONS" })).headers.get("access-control-allow-origin")).toBeNull();
  expect(system.agent("poet").incarnation).toBe(1);
});

test("what cannot be done is said", async () => {
  const { press } = await startBoth();
  expect(await (await press("kill", undefined, "nobody")).text()).toContain('no agent "nobody"');
  expect((await press("promote")).status).toBe(404);
  expect((await press("kill", undefined, "%E0%A4%A")).status).toBe(404);
});

test("a viewer that is stopped leaves the system alone, and a system that ends takes its viewer along", async () => {
  const { system, viewer } = await startBoth();
  await viewer.stop();
  await viewer.stop();
  await expect(fetch(viewer.address)).rejects.toThrow();
  expect((await system.agent("poet").run("hello")).output).toBe("hello");
  const second = await startViewer(system);
  const page = await readViewer(second.address);
  await system.stop();
  await page.ended;
  expect(page.world.ended).toBe(true);
  await expect(fetch(second.address)).rejects.toThrow();
  await expect(startViewer(system)).rejects.toMatchObject({ code: "stopped" });
});

test("a recording is shown with nothing to press", async () => {
  const directory = mkdtempSync(join(tmpdir(), "recording-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "run.jsonl");
  const { system, launcher } = await start({ inspect: record({ file }) });
  launcher.workers[0]?.crash({ exitCode: 3 });
  await expect.poll(() => system.agent("poet").incarnation).toBe(2);
  await system.stop();

  await using viewer = await viewRecording(file);
  const { origin, search } = new URL(viewer.address);
  expect(await (await fetch(`${origin}/about${search}`)).json()).toEqual({ live: false, actions: [] });
  const page = await readViewer(viewer.address);
  await expect.poll(() => page.world.ended).toBe(true);
  expect(page.world.system).toBe("house");
  expect(page.world.crashes("poet")).toHaveLength(1);
  const press = { method: "POST", headers: { "X-Synapse-Viewer": "1" } };
  expect((await fetch(`${origin}/agents/poet/kill${search}`, press)).status).toBe(409);
  page.leave();
  await expect(viewRecording(join(directory, "nowhere"))).rejects.toMatchObject({ code: "not_found" });
});

test.each([
  ["options.port", { port: "x" }],
  ["options.host", { host: "192.168.0.1" }],
  ["options", { open: true }],
])("a wrong option is named: %s", async (field, options) => {
  const { system } = await start();
  await expect(startViewer(system, options as never)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining(field),
  });
  await expect(startViewer({} as never)).rejects.toMatchObject({ code: "invalid_argument", field: "system" });
});

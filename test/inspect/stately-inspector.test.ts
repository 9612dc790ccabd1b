import { setTimeout as delay } from "node:timers/promises";
import { createWebSocketReceiver, type StatelyInspectionEvent } from "@statelyai/inspect";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import WebSocket from "ws";
import { defineAgent, defineSupervisor } from "../../src/index.ts";
import { type StatelyInspector, statelyInspector } from "../../src/inspect/stately-inspector.ts";
import type { WireEvent } from "../../src/inspect/wire-event.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { startSystem } from "../../src/start-system.ts";
import { createFakeLauncher } from "../../src/testing/index.ts";

type Actor = Extract<StatelyInspectionEvent, { type: "@xstate.actor" }>;

const counter = fromGenServer({
  name: "counter",
  init: () => ({ state: { apiKey: "sk-live-0123456789abcdef", count: 0 } }),
  handleCast: (_message: "add", state) => ({ state: { ...state, count: state.count + 1 } }),
});
const children = [
  defineAgent({ id: "poet", entry: "poet.py:agent" }),
  defineSupervisor({ id: "team", children: [{ id: "counter", logic: counter }] }),
];

/** A system with fake workers that an inspector follows. */
async function start(inspector: StatelyInspector) {
  const launcher = createFakeLauncher();
  const system = await startSystem({ children, inspect: inspector, logger: pino({ level: "silent" }) }, { launcher });
  onTestFinished(() => system.stop());
  await system.whenReady();
  return { system, launcher };
}

/** Stately's own receiver, as its inspector uses it. */
function receive(server: string) {
  const events: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server }).subscribe((event) => events.push(event));
  const actor = (name: string) =>
    events.find((event): event is Actor => event.type === "@xstate.actor" && event.name === name);
  const values = (name: string) =>
    events.flatMap((event) =>
      event.type === "@xstate.snapshot" && event.sessionId === actor(name)?.sessionId
        ? [(event.snapshot as unknown as { value: string }).value]
        : [],
    );
  return { events, actor, values };
}

test("its events are those that Stately's package is typed for", () => {
  // `id` is null on Stately's own wire, although its types say otherwise.
  const accepted: (event: Omit<WireEvent, "id">) => Omit<StatelyInspectionEvent, "id"> = (event) => event as never;
  expect(accepted).toBeTypeOf("function");
});

test("Stately's own receiver is told of agents, supervisors and OTP processes, and of a crash as it happens", async () => {
  const inspector = statelyInspector();
  const { system, launcher } = await start(inspector);
  const { actor, values, events } = receive(await inspector.socketAddress);
  await expect
    .poll(() => ["system", "poet", "team", "counter"].map((name) => actor(name)?.name))
    .toEqual(["system", "poet", "team", "counter"]);
  expect(actor("poet")?.parentId).toBe(actor("system")?.sessionId);
  expect(actor("counter")?.parentId).toBe(actor("team")?.sessionId);
  expect(Object.keys(JSON.parse(actor("poet")?.definition ?? "{}").states)).toContain("restarting");

  await expect.poll(() => actor("poet")?.snapshot.value ?? values("poet").at(-1)).toBe("ready");
  const seen = values("poet").length;
  launcher.workers.at(-1)?.crash({ signal: "SIGKILL" });
  const since = () =>
    values("poet")
      .slice(seen)
      .filter((value, index, all) => value !== all[index - 1]);
  await expect.poll(since).toEqual(["crashed", "restarting", "starting", "ready"]);
  expect(JSON.stringify(events)).not.toContain("sk-live");
  await system.stop();
});

test("two may look at once, and one who comes late is told every chart and the last states", async () => {
  const inspector = statelyInspector();
  const { system, launcher } = await start(inspector);
  const early = receive(await inspector.socketAddress);
  await expect.poll(() => early.actor("poet")).toBeDefined();
  for (let crashes = 1; crashes <= 2; crashes += 1) {
    launcher.workers.at(-1)?.crash({ exitCode: 1 });
    const states = () => early.values("poet").slice(early.values("poet").lastIndexOf("crashed"));
    await expect
      .poll(() => early.values("poet").filter((value) => value === "crashed").length)
      .toBeGreaterThanOrEqual(crashes);
    await expect.poll(states).toContain("ready");
    await system.agent("poet").whenReady();
  }
  const late = receive(await inspector.socketAddress);
  await expect
    .poll(() => late.actor("poet")?.snapshot)
    .toMatchObject({ status: "active", value: "ready", context: { incarnation: 3 } });
  for (const name of ["system", "team", "counter"]) expect(late.actor(name)?.definition).toContain("states");
});

test("the page frames the inspector, and hands events to nobody else", async () => {
  const inspector = statelyInspector({ url: "https://viewer.test/inspect" });
  await start(inspector);
  const response = await fetch(await inspector.address);
  expect(response.headers.get("content-security-policy")).toContain("frame-src https://viewer.test");
  const page = await response.text();
  expect(page).toContain('"https://viewer.test/inspect"');
  expect(page).not.toContain('postMessage(event, "*")');
  expect((await fetch((await inspector.address).replace(/token=.*/, ""))).status).toBe(403);
});

test("a socket without the token, and one of another page, is refused", async () => {
  const inspector = statelyInspector();
  await start(inspector);
  const address = await inspector.socketAddress;
  const refusal = (server: string, origin?: string) =>
    new Promise((resolve) => {
      const socket = new WebSocket(server, origin === undefined ? {} : { origin });
      socket.on("unexpected-response", (_request, { statusCode }) => resolve(statusCode));
      socket.on("open", () => resolve("open"));
      socket.on("error", () => undefined);
    });
  expect(await refusal(address.replace(/token=.*/, "token=nobody-knows-this-one"))).toBe(403);
  expect(await refusal(address, "https://evil.test")).toBe(403);
});

test("a viewer that reads nothing makes nobody wait, and is told how all are when it reads again", {
  timeout: 30_000,
}, async () => {
  const inspector = statelyInspector();
  const { system } = await start(inspector);
  const stuck = new WebSocket(await inspector.socketAddress);
  onTestFinished(() => stuck.terminate());
  await new Promise((resolve) => stuck.on("open", resolve));
  stuck.pause();
  const poet = system.agent("poet");
  for (let runs = 0; runs < 200; runs += 1) await poet.run("hello");
  expect(poet.state).toBe("ready");
  await system.stop();
});

test("when the system has ended, viewers and server are gone", async () => {
  const inspector = statelyInspector();
  const { system } = await start(inspector);
  const address = await inspector.address;
  const socket = new WebSocket(await inspector.socketAddress);
  const states: unknown[] = [];
  socket.on("message", (data) => {
    const event = JSON.parse(String(data)) as { type: string; snapshot?: { value?: unknown } };
    if (event.type === "@xstate.snapshot") states.push(event.snapshot?.value);
  });
  await new Promise((resolve) => socket.on("open", resolve));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await system.stop();
  expect(await closed).toBe(1_001);
  expect(states.at(-1)).toBe("stopped");
  await expect(fetch(address)).rejects.toThrow();
});

test("a port that is taken keeps the system from starting, and leaves nothing behind", async () => {
  const first = statelyInspector();
  await start(first);
  const port = Number(new URL(await first.address).port);
  const launcher = createFakeLauncher();
  const starting = startSystem({ children, inspect: statelyInspector({ port }) }, { launcher });
  await expect(starting).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(launcher.workers).toEqual([]);
});

test.each([
  ["options.port", { port: -1 }],
  ["options.host", { host: "0.0.0.0" }],
  ["options.token", { token: "short" }],
  ["options.url", { url: "javascript:alert(1)" }],
  ["options.sanitise", { sanitise: true }],
  ["options", { prot: 1 }],
])("a wrong option is named: %s", (field, options) => {
  expect(() => statelyInspector(options as never)).toThrow(
    expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(field) }),
  );
});

test("two inspectors and an observer follow one system at once", async () => {
  const [one, two] = [statelyInspector(), statelyInspector()];
  const seen: string[] = [];
  const launcher = createFakeLauncher();
  const system = await startSystem(
    { children, inspect: [one, two, ({ type }) => seen.push(type)], logger: pino({ level: "silent" }) },
    { launcher },
  );
  onTestFinished(() => system.stop());
  const receivers = [receive(await one.socketAddress), receive(await two.socketAddress)];
  await expect.poll(() => receivers.every(({ actor }) => actor("poet") !== undefined)).toBe(true);
  await expect.poll(() => seen.includes("@xstate.microstep")).toBe(true);
  await delay(0);
});

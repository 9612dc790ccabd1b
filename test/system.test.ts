import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { pino } from "pino";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createMachine, fromCallback } from "xstate";
import { defineAgent, defineSupervisor } from "../src/index.ts";
import { findInterpreter } from "../src/python/interpreter.ts";
import type { Report } from "../src/report.ts";
import { startSystem } from "../src/start-system.ts";
import type { System } from "../src/system.ts";
import type { SystemOptions } from "../src/system-options.ts";
import { createFakeLauncher, createVirtualClock, type FakeWorkerScript } from "../src/testing/index.ts";
import { markPrefix } from "../src/worker/host-mark.ts";
import { rejection } from "./rpc/agent-server.ts";

/** Watched, not replaced. */
vi.mock("../src/python/interpreter.ts", async (original) => {
  const real = await original<typeof import("../src/python/interpreter.ts")>();
  return { ...real, findInterpreter: vi.fn(real.findInterpreter) };
});

const running: System[] = [];

afterEach(async () => {
  for (const system of running.splice(0)) await system.stop({ timeoutMs: 0 });
});

const idle = { id: "idle", logic: fromCallback(() => undefined) };
const poet = (id = "poet") => defineAgent({ id, entry: "poet.py:agent" });

/** A system with fake workers and everything it has told. */
async function start(options: SystemOptions = {}, script: FakeWorkerScript = {}) {
  const clock = createVirtualClock(1_000);
  const launcher = createFakeLauncher({ clock, script });
  const log: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      log.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      done();
    },
  });
  const system = await startSystem({ logger: pino({ level: "debug" }, sink), ...options }, { launcher, clock });
  running.push(system);
  const reports: Report[] = [];
  system.onReport((report) => reports.push(report));
  return { system, launcher, clock, log, reports };
}

test("a system without agents needs no Python", async () => {
  const { system } = await start({ name: "plain", children: [idle], python: { interpreter: "/nowhere/python" } });
  expect(system.tree()).toMatchObject({ id: "plain", state: "running", children: [{ id: "idle", state: "active" }] });
  const starting = system.startChild("plain", poet());
  expect(await rejection(starting)).toMatchObject({ code: "python_missing" });
});

test("the search for Python waits as long as the agent that may take longest, wherever it is in the tree", async () => {
  const slow = defineAgent({ id: "slow", entry: "slow.py:agent", startTimeoutMs: 60_000 });
  const python = { interpreter: "/nowhere/python" };
  const children = [poet(), defineSupervisor({ id: "sub", children: [slow] })];
  expect(await rejection(startSystem({ children, python }))).toMatchObject({ code: "python_missing" });
  expect(vi.mocked(findInterpreter)).toHaveBeenLastCalledWith(expect.objectContaining({ timeoutMs: 60_000 }));
  const { system } = await start({ python });
  const hasty = defineAgent({ id: "hasty", entry: "hasty.py:agent", startTimeoutMs: 1 });
  expect(await rejection(system.startChild("system", hasty))).toMatchObject({ code: "python_missing" });
  expect(vi.mocked(findInterpreter)).toHaveBeenLastCalledWith(expect.objectContaining({ timeoutMs: 30_000 }));
});

test("what a host that was killed while it started has left is gone at the next start", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "st-system-"));
  vi.stubEnv("TMPDIR", temporary);
  try {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    mkdirSync(join(temporary, `${markPrefix().replace(`-${process.pid}-`, `-${pid}-`)}abc123`));
    await start();
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    rmSync(temporary, { recursive: true });
  }
});

test("a working directory that is not there is refused by name before anything starts", async () => {
  const cwd = "/nowhere/at/all";
  expect(await rejection(startSystem({ children: [poet()], python: { cwd } }))).toMatchObject({
    code: "invalid_argument",
    field: "options.python.cwd",
    value: cwd,
  });
});

test("a host whose own directory has been removed is told to name another", async () => {
  const gone = vi.spyOn(process, "cwd").mockImplementation(() => {
    throw new Error("ENOENT: no such file or directory, uv_cwd");
  });
  try {
    expect(await rejection(startSystem())).toMatchObject({ code: "invalid_argument", field: "options.python.cwd" });
  } finally {
    gone.mockRestore();
  }
});

test("children that are no list are refused by name", async () => {
  for (const children of [null, {}, 1]) {
    expect(await rejection(start({ children: children as never }))).toMatchObject({
      code: "invalid_argument",
      field: "options.children",
    });
  }
});

test("an option that breaks a rule is refused before anything starts", async () => {
  let started = false;
  const logic = fromCallback(() => {
    started = true;
  });
  const children = [
    { id: "a", logic },
    { id: "a", logic },
  ];
  expect(await rejection(startSystem({ children }))).toMatchObject({ field: "options.children[1].id" });
  expect(await rejection(startSystem({ children: [{ id: "a", logic }], periodMs: 0 }))).toMatchObject({
    field: "options.periodMs",
  });
  expect(started).toBe(false);
});

describe("agents", () => {
  test("are found by id or definition, and an unknown one is told with those that are known", async () => {
    const definition = poet();
    const { system } = await start({ children: [definition, poet("other")] });
    expect(system.agent(definition)).toBe(system.agent("poet"));
    expect(system.whereis("poet")).toBe(system.agent("poet"));
    expect(system.whereis("system/poet")).toBe(system.agent("poet"));
    expect(() => system.agent("nobody")).toThrow(/\[not_found\].*it has "poet", "other"/);
    expect(() => system.agent(7 as never)).toThrow(/invalid_argument/);
    expect(system.whereis("nobody")).toBeUndefined();
  });

  test("answer in every part of the tree", async () => {
    const inner = defineSupervisor({ id: "inner", children: [poet("deep")] });
    const { system } = await start({ children: [poet(), inner] });
    expect((await system.agent("deep").run("from below")).output).toBe("from below");
    expect(system.tree()).toMatchObject({
      children: [
        { path: "system/poet" },
        { path: "system/inner", children: [{ path: "system/inner/deep", state: "ready" }] },
      ],
    });
  });

  test("that are started later are reached like the others", async () => {
    const inner = defineSupervisor({ id: "inner", children: [] });
    const { system } = await start({ children: [inner] });
    const agent = await system.startChild(inner, poet("late"));
    expect((await agent.run("here")).output).toBe("here");
    expect(system.agent("late")).toBe(agent);
    expect(await rejection(system.startChild("nowhere", poet("x")))).toMatchObject({
      code: "not_found",
      field: "parent",
    });
    expect(await rejection(system.startChild(7 as never, poet("x")))).toMatchObject({ field: "parent" });
    expect(await rejection(system.startChild("system", poet("late")))).toMatchObject({ code: "start_failed" });
  });

  test("that have stopped are still there to tell why, and are no longer found by name", async () => {
    const { system } = await start({ children: [poet()] });
    const agent = system.agent("poet");
    await agent.stop();
    expect(system.agent("poet")).toBe(agent);
    expect(system.whereis("poet")).toBeUndefined();
    expect(await rejection(agent.run("x"))).toMatchObject({ code: "stopped" });
  });
});

describe("policies", () => {
  const later = (delayMs: number) => (state: unknown) =>
    ({ decision: { type: "restart", delayMs, because: `after ${delayMs} ms` }, state }) as const;

  /** The next decision about an agent. */
  const decision = (system: System) =>
    new Promise<string>((resolve) => {
      const end = system.onReport((report) => {
        if (report.type !== "child.exited") return;
        end();
        resolve(report.decision.because);
      });
    });

  test("an agent's own is asked before its supervisor's, and both can be replaced while it runs", async () => {
    const quick = defineAgent({ id: "quick", entry: "quick.py:agent", policy: later(1) });
    const { system, launcher, clock } = await start({
      children: [quick, defineSupervisor({ id: "sub", children: [poet()] })],
      policy: later(2),
    });
    const crash = async (id: string) => {
      await system.agent(id).whenReady();
      const because = decision(system);
      launcher.worker(id).crash();
      const told = await because;
      clock.advance(10);
      return told;
    };
    expect(await crash("quick")).toBe("after 1 ms");
    system.setPolicy("quick", later(3));
    expect(await crash("quick")).toBe("after 3 ms");
    expect(await crash("poet")).toBe("restart 1 of 3 allowed within 5000 ms");
    system.setPolicy("system/sub", later(4));
    expect(await crash("poet")).toBe("after 4 ms");
  });

  test("one for nobody is told with what is known", async () => {
    const { system } = await start({ children: [poet()] });
    expect(() => system.setPolicy("nobody", later(1))).toThrow('known are "system", "system/poet"');
  });

  test("one of an agent that is no function is refused by its name", () => {
    const policy = "always" as never;
    expect(() => defineAgent({ id: "poet", entry: "poet.py:agent", policy })).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "spec.policy", value: "always" }),
    );
  });
});

describe("reports", () => {
  test("go to the log and to every listener, and a listener that throws disturbs nobody", async () => {
    const { system, launcher, reports, log } = await start({ children: [poet()] });
    const stop = system.onReport(() => {
      throw new Error("the listener broke on purpose");
    });
    const heard: string[] = [];
    const stopHearing = system.onReport(({ type }) => heard.push(type));
    await system.agent("poet").whenReady();
    stop();
    stopHearing();
    launcher.worker("poet").crash();
    await expect.poll(() => reports.map(({ type }) => type)).toContain("agent.crashed");
    expect(heard).toContain("agent.ready");
    expect(heard).not.toContain("agent.crashed");
    expect(log.find(({ msg }) => msg === "a report listener threw")).toMatchObject({ report: "agent.ready" });
    expect(log.find(({ report }) => report === "agent.crashed")).toMatchObject({ level: 50, agentId: "poet" });
    expect(() => system.onReport(undefined as never)).toThrow(/invalid_argument/);
  });

  test("a worker's lines are log lines of its agent and incarnation", async () => {
    const { system, launcher, log } = await start({ children: [poet()] });
    await system.agent("poet").whenReady();
    launcher.worker("poet").print("a line on stderr");
    expect(log.find(({ msg }) => msg === "a line on stderr")).toMatchObject({
      level: 40,
      agent: "poet",
      incarnation: 1,
      stream: "stderr",
    });
  });
});

describe("stop", () => {
  test("ends everything in reverse order, once, and closes the launcher", async () => {
    const { system, launcher, reports } = await start({ children: [poet("a"), poet("b")] });
    await Promise.all([system.agent("a").whenReady(), system.agent("b").whenReady()]);
    await Promise.all([system.stop(), system.stop()]);
    expect(await system.ended).toBe("shutdown");
    const stopped = reports.flatMap((report) => (report.type === "agent.stopped" ? [report.agentId] : []));
    expect(stopped).toEqual(["b", "a"]);
    for (const worker of launcher.workers) expect((await worker.exited).cause).toBe("stopped");
    await system.stop();
    expect(await rejection(system.startChild("system", idle))).toMatchObject({ code: "stopped" });
  });

  test("is what await using does", async () => {
    let ended: Promise<unknown>;
    {
      const { system } = await start({ children: [idle] });
      await using held = system;
      ended = held.ended;
    }
    expect(await ended).toBe("shutdown");
  });

  test("kills what outlasts timeoutMs", async () => {
    const { system, launcher } = await start({ children: [poet()] }, { onStop: "ignore" });
    await system.agent("poet").whenReady();
    await system.stop({ timeoutMs: 20 });
    expect(await launcher.worker("poet").exited).toMatchObject({ cause: "killed" });
  });

  test("takes a timeout of 0 or more", async () => {
    const { system } = await start();
    expect(await rejection(system.stop({ timeoutMs: -1 }))).toMatchObject({ field: "options.timeoutMs" });
    expect(await rejection(system.stop({ timeout: 5 } as never))).toMatchObject({ field: "options.timeout" });
    expect(await rejection(system.stop(null as never))).toMatchObject({ field: "options" });
  });

  test("is not needed when the root gave up", async () => {
    const { system, launcher } = await start({ children: [poet()], maxRestarts: 0 });
    await system.agent("poet").whenReady();
    launcher.worker("poet").crash();
    expect(await system.ended).toBe("shutdown");
    await system.stop();
  });
});

test("a start that fails ends what had started, and rejects with the child's error", async () => {
  let cleaned = false;
  const first = {
    id: "first",
    logic: fromCallback(() => () => {
      cleaned = true;
    }),
  };
  const broken = {
    id: "broken",
    start: () => {
      throw new Error("this child never starts");
    },
  };
  const error = await rejection(start({ children: [first, broken] }));
  expect(error).toMatchObject({ code: "start_failed", cause: { message: "this child never starts" } });
  expect(cleaned).toBe(true);
});

describe("inspect", () => {
  const machine = createMachine({ id: "light", initial: "red", states: { red: {} } });

  test("an observer that throws is reported, and agents answer", async () => {
    const inspect = () => {
      throw new Error("the observer broke on purpose");
    };
    const { system, reports } = await start({ inspect, children: [poet(), { id: "light", logic: machine }] });
    expect((await system.agent("poet").run("still")).output).toBe("still");
    await system.stop();
    expect(reports).toContainEqual(expect.objectContaining({ type: "inspect.threw" }));
  });

  test("what is buffered at the end is handed over before ended settles", async () => {
    const types: string[] = [];
    const { system } = await start({ inspect: { next: ({ type }) => types.push(type) }, children: [poet()] });
    await system.agent("poet").whenReady();
    await system.stop();
    const seen = types.length;
    expect(seen).toBeGreaterThan(10);
    await new Promise((resolve) => setImmediate(resolve));
    expect(types).toHaveLength(seen);
  });
});

describe("a logger", () => {
  const broken = () => {
    throw new Error("the logger's destination has ended");
  };

  test("that throws keeps nobody from stopping, and nothing is rejected unheard", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const levels = { trace: broken, debug: broken, info: broken, warn: broken, error: broken, fatal: broken };
    const { system } = await start({ children: [poet()], logger: { ...levels, child: broken } });
    const agent = system.agent("poet");
    expect((await agent.run("still here")).output).toBe("still here");
    await agent.stop();
    expect(agent.state).toBe("stopped");
    await system.stop();
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });

  test("has the host's pid in every line, the workers' beside it", async () => {
    const { system, log } = await start({ children: [poet()] });
    await system.agent("poet").whenReady();
    for (const line of log) expect(line.pid).toBe(process.pid);
    expect(log.find(({ report }) => report === "agent.ready")).toMatchObject({ workerPid: system.agent("poet").pid });
  });

  test("may be any that is called as pino is", async () => {
    const refused = startSystem({ logger: { info: broken } as never });
    expect(await rejection(refused)).toMatchObject({ field: "options.logger" });
  });
});

describe("crashes()", () => {
  test("has the records of all agents, newest last, those of one, and all of them when the system has ended", async () => {
    const { system, launcher } = await start({ children: [poet(), poet("other")], maxCrashes: 2 });
    await system.whenReady();
    expect(system.crashes()).toEqual([]);
    const seen: number[] = [];
    system.onReport((report) => {
      if (report.type === "agent.crashed") seen.push(system.crashes().indexOf(report.crash));
    });
    for (const [id, incarnation] of [
      ["poet", 1],
      ["other", 1],
      ["poet", 2],
    ] as const) {
      launcher.worker(id).crash();
      await launcher.launched(id, incarnation + 1);
      await system.agent(id).whenReady();
    }
    expect(seen).toEqual([0, 1, 1]);
    expect(system.crashes().map(({ agentId, incarnation }) => [agentId, incarnation])).toEqual([
      ["other", 1],
      ["poet", 2],
    ]);
    expect(system.crashes("poet")).toEqual([system.agent("poet").lastCrash]);
    expect(system.crashes(poet("other"))[0]).toBe(system.agent("other").lastCrash);
    expect(system.crashes("nobody")).toEqual([]);
    expect(() => system.crashes(7 as never)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    await system.stop();
    expect(system.crashes()).toHaveLength(2);
  });
});

describe("runs", () => {
  const hangs: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "hang" ? { hang: true } : prompt) };

  test("that were started are counted, and found after the system has stopped, as long as they are kept", async () => {
    const { system, clock } = await start({ children: [poet()], runs: { keepMs: 60_000 } }, hangs);
    expect(system.metrics().keptRuns).toEqual({ live: 0, ended: 0, bytes: 0 });
    const done = system.agent("poet").start("Hello");
    await done.result;
    const before = system.runs.list();
    expect(before).toMatchObject([{ runId: done.runId, state: "completed", result: { output: "Hello" } }]);
    expect(system.metrics().keptRuns).toEqual({ live: 0, ended: 1, bytes: before[0]?.bytes });
    await system.stop();
    expect(system.runs.list()).toEqual(before);
    const seqs: number[] = [];
    for await (const { seq } of system.runs.attach(done.runId)) seqs.push(seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    clock.advance(60_000);
    expect([system.runs.list(), system.metrics().keptRuns]).toEqual([[], { live: 0, ended: 0, bytes: 0 }]);
  });

  test("all end with the system, their readers with the terminal event, and no timer of theirs waits", async () => {
    const children = [defineAgent({ id: "poet", entry: "poet.py:agent", maxConcurrency: 1 })];
    const { system, clock } = await start({ children }, hangs);
    await system.whenReady();
    const runs = ["hang", "waits"].map((prompt) => system.agent("poet").start(prompt));
    const readers = runs.map(async (run) => {
      const events = [];
      for await (const event of run) events.push(event);
      return events.at(-1);
    });
    await system.stop({ timeoutMs: 0 });
    expect(await Promise.all(readers)).toMatchObject([
      { type: "failed", error: { code: "agent_stopped" } },
      { type: "failed", error: { code: "agent_stopped" } },
    ]);
    expect(system.runs.list().map(({ state }) => state)).toEqual(["failed", "failed"]);
    expect(clock.pending).toBe(0);
  });

  test("whose output is checked when the system stops end with it", async () => {
    const never: StandardSchemaV1 = {
      "~standard": { version: 1, vendor: "test", validate: () => new Promise(() => undefined) },
    };
    const children = [defineAgent({ id: "poet", entry: "poet.py:agent", output: never })];
    const { system } = await start({ children });
    const run = system.agent("poet").start("Hello");
    await vi.waitFor(() => expect(run.state).toBe("queued"));
    await vi.waitFor(() => expect(system.runs.get(run.runId)).toMatchObject({ attempts: 1, lastSeq: 2 }));
    await system.stop();
    expect(run.state).toBe("failed");
  });
});

describe("health", () => {
  test("tells of every agent, and whether all serve", async () => {
    const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "hang" ? { hang: true } : prompt) };
    const children = [defineAgent({ id: "poet", entry: "poet.py:agent", maxConcurrency: 1 }), poet("other")];
    const { system, launcher } = await start({ children }, script);
    expect(system.health()).toMatchObject({
      status: "degraded",
      agents: [{ id: "poet", state: "starting", serving: false }, {}],
    });
    await system.whenReady();
    const held = rejection(system.agent("poet").run("hang"));
    const waiting = rejection(system.agent("poet").run("waits"));
    expect(system.health()).toMatchObject({
      status: "serving",
      agents: [
        { id: "poet", path: "system/poet", state: "busy", serving: true, incarnation: 1, queueLength: 1, inFlight: 1 },
        { id: "other", state: "ready", pid: system.agent("other").pid, queueLength: 0, inFlight: 0 },
      ],
    });
    expect([system.agent("poet").queueLength, system.agent("poet").inFlight]).toEqual([1, 1]);
    await system.agent("other").stop();
    expect(system.health()).toMatchObject({ status: "serving", agents: [{}, { state: "stopped", serving: false }] });
    launcher.worker("poet").crash();
    await held;
    expect(system.health()).toMatchObject({
      status: "degraded",
      agents: [{ lastCrash: expect.stringContaining("SIGKILL") }, {}],
    });
    await system.whenReady({ timeoutMs: 5_000 });
    expect(system.health().status).toBe("serving");
    await system.stop({ timeoutMs: 0 });
    await waiting.catch(() => undefined);
    expect(system.health().status).toBe("stopped");
    expect(await rejection(system.whenReady())).toMatchObject({ code: "stopped" });
  });

  test("waits no longer than it is told, and not for an agent that cannot be loaded", async () => {
    const never = await start({ children: [poet()] }, { start: "never" });
    const late = rejection(never.system.whenReady({ timeoutMs: 100 }));
    never.clock.advance(100);
    expect(await late).toMatchObject({ code: "deadline_exceeded" });
    expect(await rejection(never.system.whenReady({ signal: AbortSignal.abort() }))).toMatchObject({
      code: "run_cancelled",
    });
    const loadFailure = { kind: "module_missing", message: "no module poet" } as const;
    const broken = await start({ children: [poet()] }, { start: { loadFailure } });
    expect(await rejection(broken.system.whenReady())).toMatchObject({ code: "entry_module_missing" });
    expect(broken.system.health().status).toBe("degraded");
  });

  test("of a system without agents is serving", async () => {
    const { system } = await start({ children: [idle] });
    await system.whenReady();
    expect(system.health()).toEqual({ status: "serving", agents: [] });
  });
});

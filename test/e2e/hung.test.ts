import { describe, expect, test } from "vitest";
import { controllable, pidOf, rejection, untilGone, watch } from "./support.ts";

/** Patience that is short, and long enough for a machine that is busy with other tests. */
const patience = { unresponsiveAfterMs: 400, hungAfterMs: 1_500 };

describe("a blocked event loop", () => {
  test("is reported with the stacks of threads and tasks, and the worker is killed as hung", async () => {
    const { system, report } = await watch([controllable(patience)]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    const pid = pidOf(agent);
    const asleep = rejection(agent.run("sleep:300"));
    const held = rejection(agent.run("block:300"));
    const { stacks } = await report("agent.unresponsive");
    const text = stacks.join("\n");
    expect(text).toMatch(/controllable\.py", line \d+ in act/);
    expect(text).toMatch(/task '.*controllable\.py:\d+ in act/);
    expect(agent.health).toMatchObject({ state: "busy", serving: false, loop: "unresponsive" });
    expect(system.health()).toMatchObject({ status: "degraded" });
    const next = agent.run("echo:next");
    const { crash } = await report("agent.crashed");
    expect(crash).toMatchObject({ cause: "hung", signal: "SIGKILL", incarnation: 1 });
    expect(crash.stackDump?.join("\n")).toMatch(/controllable\.py", line \d+ in act/);
    expect(crash.stderrTail.join("\n")).not.toContain("most recent call first");
    expect(crash.peakMemoryBytes).toBeGreaterThan(10_000_000);
    expect(crash.runFingerprints).toHaveLength(2);
    await asleep;
    expect(await held).toMatchObject({ code: "worker_exited", crash: { cause: "hung" } });
    expect(await next).toMatchObject({ output: "next", incarnation: 2 });
    await untilGone(pid);
  });

  test("by a run whose time is up makes nobody ready; what comes next is served by the next worker", async () => {
    const { system } = await watch([controllable(patience)]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    expect(await rejection(agent.run("block:300", { timeoutMs: 300 }))).toMatchObject({ code: "deadline_exceeded" });
    expect(agent.state).toBe("busy");
    expect(await agent.run("echo:next")).toMatchObject({ output: "next", incarnation: 2 });
    expect(agent.lastCrash?.cause).toBe("hung");
  });

  test("that answers again is responsive, and keeps its worker", async () => {
    const { system, report, reports } = await watch([controllable({ ...patience, hungAfterMs: "infinity" })]);
    const agent = system.agent("ctl");
    expect(await agent.run("block:1.5")).toMatchObject({ output: "blocked 1.5 s", incarnation: 1 });
    await report("agent.responsive");
    expect((await agent.run("echo:again")).incarnation).toBe(1);
    expect(reports.filter(({ type }) => type === "agent.crashed")).toEqual([]);
  });

  test("of a process that SIGSTOP holds is hung", async () => {
    const { system, report } = await watch([controllable(patience)]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    process.kill(pidOf(agent), "SIGSTOP");
    const { crash } = await report("agent.crashed");
    expect(crash).toMatchObject({ cause: "hung", stackDump: [] });
    expect((await agent.run("echo:next")).incarnation).toBe(2);
  });

  test.each(["stop", "restart"] as const)("of a stopped process does not hold up %s()", async (how) => {
    const { system } = await watch([controllable({ shutdownMs: 500 })]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    const pid = pidOf(agent);
    process.kill(pid, "SIGSTOP");
    await agent[how]();
    await untilGone(pid);
    expect(agent.state).toBe(how === "stop" ? "stopped" : "ready");
  });
});

describe("a busy worker is not hung", () => {
  test("in Python, for longer than hungAfterMs", async () => {
    const { system, report, reports } = await watch([controllable({ unresponsiveAfterMs: 200, hungAfterMs: 600 })]);
    const agent = system.agent("ctl");
    expect(await agent.run("hog:3")).toMatchObject({ output: "hogged 3 s", incarnation: 1 });
    await report("agent.responsive");
    expect(reports.filter(({ type }) => type === "agent.crashed")).toEqual([]);
  });

  test("in C with the interpreter's lock, for longer than hungAfterMs", async () => {
    const { system, report, reports } = await watch([
      controllable({ unresponsiveAfterMs: 200, hungAfterMs: 600, shutdownMs: 300 }),
    ]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    const held = rejection(agent.run("gil-hog"));
    const { stacks } = await report("agent.unresponsive");
    expect(stacks.join("\n")).toMatch(/controllable\.py", line \d+ in act/);
    const untilMs = (agent.health.cpuMs ?? 0) + 2_000;
    await expect.poll(() => agent.health.cpuMs, { timeout: 30_000 }).toBeGreaterThan(untilMs);
    expect(reports.filter(({ type }) => type === "agent.crashed")).toEqual([]);
    await agent.stop();
    expect(await held).toMatchObject({ code: "agent_stopped" });
  });

  test("while runs of CPU-bound code follow one another", async () => {
    const { system, reports } = await watch([controllable({ unresponsiveAfterMs: 200, hungAfterMs: 400 })]);
    const agent = system.agent("ctl");
    const runs = await Promise.all(Array.from({ length: 40 }, () => agent.run("hog:0.05")));
    expect(new Set(runs.map(({ incarnation }) => incarnation))).toEqual(new Set([1]));
    expect(reports.filter(({ type }) => type === "agent.crashed")).toEqual([]);
  });
});

test("a crash in C code has the fault handler's words in its record", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  const error = await rejection(agent.run("segfault"));
  expect(error).toMatchObject({ code: "worker_exited", crash: { cause: "signaled", signal: "SIGSEGV" } });
  const trace = (error as { crash: { faultTrace?: readonly string[] } }).crash.faultTrace ?? [];
  expect(trace[0]).toBe("Fatal Python error: Segmentation fault");
  expect(trace.join("\n")).toMatch(/controllable\.py", line \d+ in act/);
  expect(JSON.stringify(error)).not.toContain("Fatal Python error");
});

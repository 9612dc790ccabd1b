/** Memory that is short: a real cgroup with a limit, where this machine lets the test make one. */

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { controllable, pidOf, rejection, watch } from "./support.ts";

const limitBytes = String(64 * 1024 * 1024);

/** A memory cgroup of this test's own; undefined where none can be made. */
function limitedGroup(): string | undefined {
  const name = `synapse-test-${process.pid}`;
  for (const [root, limit] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const) {
    const group = join(root, name);
    try {
      if (!existsSync(join(root, "cgroup.procs"))) continue;
      mkdirSync(group);
    } catch {
      continue; // Not ours to divide.
    }
    try {
      writeFileSync(join(group, limit), limitBytes);
      return group;
    } catch {
      rmdirSync(group); // Memory is not handed down to it.
    }
  }
  return undefined;
}

test("a worker that the kernel kills for want of memory ran out of it, and one that somebody else kills did not", async (context) => {
  const group = limitedGroup();
  if (group === undefined) {
    context.skip("this machine lets nobody make a memory cgroup here");
    return;
  }
  try {
    const { system, report } = await watch([controllable()]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    writeFileSync(join(group, "cgroup.procs"), String(pidOf(agent)));
    // Looks at the worker, and so at the cgroup that it is in.
    expect(agent.health.loop).toBe("responsive");
    const error = await rejection(agent.run("grow"));
    expect(error).toMatchObject({ code: "worker_exited", crash: { cause: "out_of_memory", signal: "SIGKILL" } });
    expect((error as Error).message).toContain("ran out of memory and was ended by SIGKILL");
    await agent.whenReady();
    process.kill(pidOf(agent), "SIGKILL");
    const { crash } = await report("agent.crashed", ({ incarnation }) => incarnation === 2);
    expect(crash.cause).toBe("signaled");
  } finally {
    rmdirSync(group);
  }
});

test("a worker that ends with a MemoryError ran out of memory", async () => {
  const { system } = await watch([controllable()]);
  const error = await rejection(system.agent("ctl").run("memory-error"));
  expect(error).toMatchObject({ crash: { cause: "out_of_memory", exitCode: 1 } });
});

describe.runIf(process.platform === "linux").each(["spawn", "zygote"] as const)("memoryLimitBytes (%s)", (launcher) => {
  const mebi = 1024 * 1024;

  test("a run that wants more is rejected as out of memory, and the worker and its other runs go on", async () => {
    const { system } = await watch([controllable({ launcher, memoryLimitBytes: 400 * mebi })]);
    const agent = system.agent("ctl");
    await agent.whenReady();
    const pid = pidOf(agent);
    const other = agent.run("sleep:1");
    expect((await agent.run(`hold:${100 * mebi}`)).output).toBe(`held ${100 * mebi}`);
    for (const prompt of ["grow", `hold:${600 * mebi}`]) {
      const error = await rejection(agent.run(prompt));
      expect(error).toMatchObject({ code: "run_failed", kind: "out_of_memory", pythonType: "MemoryError" });
      expect((error as Error).message).toContain(`memoryLimitBytes is ${400 * mebi}`);
    }
    expect((await other).output).toBe("slept 1 s");
    expect((await agent.run("echo:on")).output).toBe("on");
    expect([pidOf(agent), agent.lastCrash]).toEqual([pid, undefined]);
  });

  test("an agent that cannot be loaded within it is told so, and left down", async () => {
    const { system } = await watch([controllable({ launcher, memoryLimitBytes: 128 * mebi })]);
    const error = await rejection(system.agent("ctl").whenReady());
    expect(error).toMatchObject({ code: "worker_start_failed", crash: { cause: "load_failed" } });
    expect((error as Error).message).toMatch(
      /was loaded, and there is too little memory left to serve it; memoryLimitBytes is 134217728, of which \d+ are reserved: raise it/,
    );
  });
});

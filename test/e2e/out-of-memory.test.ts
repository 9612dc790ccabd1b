/** Memory that is short: a real cgroup with a limit, where this machine lets the test make one. */

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
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

/** Agents whose workers are forked: the system as a whole, with real kills. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parentOf } from "../stress/processes.ts";
import { controllable, isAlive, pidOf, rejection, watch } from "./support.ts";

const linux = process.platform === "linux";

describe.runIf(linux)("agents with the zygote launcher", () => {
  test("run, crash alone, and are served by the next fork", async () => {
    const { system, report } = await watch([controllable({ launcher: "zygote" })]);
    const agent = system.agent("ctl");
    expect((await agent.run("echo:first")).output).toBe("first");
    const first = pidOf(agent);
    const zygote = parentOf(first);
    const held = rejection(agent.run("sleep:29"));
    await expect.poll(() => agent.inFlight).toBe(1);
    process.kill(first, "SIGKILL");
    expect(await held).toMatchObject({ code: "worker_exited", crash: { cause: "signaled", signal: "SIGKILL" } });
    await report("agent.ready", ({ incarnation }) => incarnation === 2);
    expect((await agent.run("echo:second")).output).toBe("second");
    expect(parentOf(pidOf(agent))).toBe(zygote);
    const second = pidOf(agent);
    await system.stop();
    expect([first, second, zygote].filter(isAlive)).toEqual([]);
  });

  test("lose their workers with the zygote, get others from the next one, and no restart is counted", async () => {
    const agents = ["a", "b"].map((id) => controllable({ id, launcher: "zygote" }));
    const { system, report, reports } = await watch(agents, { maxRestarts: 0 });
    await system.whenReady();
    const [a, b] = ["a", "b"].map((id) => system.agent(id));
    if (a === undefined || b === undefined) throw new Error("there are two agents");
    const before = [pidOf(a), pidOf(b)];
    const zygote = parentOf(pidOf(a));
    expect(parentOf(pidOf(b))).toBe(zygote);
    const held = rejection(a.run("sleep:29"));
    await expect.poll(() => a.inFlight).toBe(1);
    process.kill(zygote, "SIGKILL");
    expect(await held).toMatchObject({ code: "worker_exited" });
    for (const id of ["a", "b"]) {
      await report("agent.ready", (ready) => ready.agentId === id && ready.incarnation === 2);
    }
    expect((await Promise.all([a.run("echo:a"), b.run("echo:b")])).map(({ output }) => output)).toEqual(["a", "b"]);
    expect(reports.filter(({ type }) => type === "zygote.lost")).toHaveLength(1);
    for (const { type, ...crash } of reports) {
      if (type === "agent.crashed") expect(crash).toMatchObject({ crash: { cause: "zygote_lost" } });
    }
    expect(before.filter(isAlive)).toEqual([]);
    await system.stop();
  });

  test("have what their zygote writes in the log, with its guardian's process id", async () => {
    const preload = ["this"]; // A module of Python's own that prints at its import.
    const { system, logged } = await watch([controllable({ launcher: "zygote" })], { python: { preload } });
    await system.whenReady();
    const line = await logged(({ msg }) => msg.startsWith("The Zen of Python"));
    expect(line).toMatchObject({ zygote: parentOf(parentOf(pidOf(system.agent("ctl")))), stream: "stdout" });
    await system.stop();
  });

  test("start in fresh interpreters where the zygote is unfit, unless they insist on it", async () => {
    const { system, reports } = await watch(
      [controllable({ launcher: "auto" }), controllable({ id: "other", launcher: "auto" })],
      {
        python: { preload: ["no_such_module"] },
      },
    );
    await system.whenReady();
    expect((await system.agent("ctl").run("echo:served")).output).toBe("served");
    expect(parentOf(pidOf(system.agent("ctl")))).toBe(process.pid);
    const unfit = reports.filter(({ type }) => type === "zygote.unfit");
    expect(unfit).toEqual([{ type: "zygote.unfit", because: expect.stringContaining('"no_such_module"') }]);
    await system.stop();
  });

  test("a preloaded module that cannot be imported is a start that failed, by name", async () => {
    const { system } = await watch([controllable({ launcher: "zygote" })], { python: { preload: ["no_such_module"] } });
    expect(await rejection(system.agent("ctl").run("echo:never"))).toMatchObject({
      code: "worker_spawn_failed",
      message: expect.stringContaining('preload module "no_such_module" cannot be imported'),
    });
    await system.stop();
  });
});

const canUnshare = spawnSync("unshare", ["-pf", "--mount-proc", "true"]).status === 0;

test.skipIf(!canUnshare)(
  `where the host is process 1, what killed workers leave behind is ended and reaped${canUnshare ? "" : " (skipped: no new pid namespace is allowed here)"}`,
  () => {
    const program = join(import.meta.dirname, "../fixtures/hosts/process-one.ts");
    const { stdout, stderr } = spawnSync("unshare", ["-pf", "--mount-proc", process.execPath, program], {
      encoding: "utf8",
      timeout: 50_000,
    });
    expect(stdout, stderr).not.toBe("");
    expect(JSON.parse(stdout)).toEqual({ pid: 1, started: ["started", "started", "started"], left: [] });
  },
);

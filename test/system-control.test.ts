import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { defineAgent } from "../src/agent/define.ts";
import { commands, runCommandLine } from "../src/cli/command-line.ts";
import { askSystem, findSystem, findSystems } from "../src/control/client.ts";
import { silentLogger } from "../src/logger.ts";
import { defineSupervisor } from "../src/otp/supervisor/start.ts";
import { startSystem } from "../src/start-system.ts";
import type { System } from "../src/system.ts";
import { createFakeLauncher } from "../src/testing/fake-launcher.ts";
import { createTerminal } from "./cli/terminal.ts";

const agent = (id: string) => defineAgent({ id, entry: "a.py:agent" });

let running: System | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** A system with a name that no other on this machine has. */
async function start(control = true) {
  const name = `s-${randomUUID()}`;
  const launcher = createFakeLauncher();
  const children = [defineSupervisor({ id: "team", children: [agent("chat"), agent("other")] }), agent("third")];
  const system = await startSystem(
    { name, control, children, logger: silentLogger },
    { launcher, interpreter: "python" },
  );
  running = system;
  await system.whenReady();
  return { name, system, launcher };
}

/** What the program writes, with the exit code. */
async function program(...words: string[]) {
  const { terminal, out, error } = createTerminal();
  const exitCode = await runCommandLine(words, terminal);
  return { exitCode, out: out.join("\n"), error: error.join("\n") };
}

test("a system is found by its name and by its pid while it runs, and only where it says so", async () => {
  const { name, system } = await start();
  const found = await findSystem(name);
  expect(found).toMatchObject({ system: name, pid: process.pid });
  expect((await findSystems()).map((one) => one.system)).toContain(name);
  await system.stop();
  await expect(findSystem(name)).rejects.toThrow(`no system "${name}" is found`);
  const { name: silent } = await start(false);
  await expect(findSystem(silent)).rejects.toMatchObject({ code: "not_found" });
});

test("its status has the tree as rows, with the runs of its agents", async () => {
  const { name, system } = await start();
  const { status, rows, leftOut } = await askSystem(await findSystem(name), { type: "status" }, 5_000);
  expect({ status, leftOut }).toEqual({ status: "serving", leftOut: 0 });
  expect(rows.map(({ path, depth }) => `${depth} ${path}`)).toEqual([
    `0 ${name}`,
    `1 ${name}/team`,
    `2 ${name}/team/chat`,
    `2 ${name}/team/other`,
    `1 ${name}/third`,
  ]);
  expect(rows[0]).not.toHaveProperty("queueLength");
  expect(rows[2]).toEqual({
    id: "chat",
    path: `${name}/team/chat`,
    depth: 2,
    type: "worker",
    state: "ready",
    restarts: 0,
    incarnation: 1,
    pid: system.agent("chat").pid,
    queueLength: 0,
    inFlight: 0,
    loop: "responsive",
  });
});

describe("the program", () => {
  test("ps shows the tree, as text and as JSON", async () => {
    const { name, system } = await start();
    const { exitCode, out } = await program("ps", "--system", name);
    expect(exitCode).toBe(0);
    expect(out.split("\n")[0]).toMatch(new RegExp(`^${name}: serving, pid ${process.pid}, up \\d+ s$`));
    expect(out).toMatch(new RegExp(`\n│ ├ chat +ready +${system.agent("chat").pid} +1 +0 +0 +0$`, "m"));
    const json = JSON.parse((await program("ps", "--system", name, "--json")).out);
    expect(json).toMatchObject({ systems: [{ system: name, pid: process.pid, status: "serving" }] });
    expect(json.systems[0].rows).toHaveLength(5);
    expect(json.systems[0]).toMatchObject({ runs: [], runsLeftOut: 0 });
    const { runId, result } = system.agent("chat").start("hello");
    await result;
    const again = JSON.parse((await program("ps", "--system", name, "--json")).out);
    expect(again.systems[0].runs).toMatchObject([{ runId, agentId: "chat", state: "completed", kept: true }]);
    expect((await program("ps", "--system", name)).out).toMatch(/\nruns: 1 has ended$/);
  });

  test("restart, stop and kill do so, and say what has become", async () => {
    const { name, system, launcher } = await start();
    expect(await program("restart", "chat", "--system", name)).toMatchObject({
      exitCode: 0,
      out: 'agent "chat" is served by worker 2',
    });
    const json = JSON.parse((await program("restart", "chat", "--graceful", "--system", name, "--json")).out);
    expect(json).toEqual({ system: name, agent: "chat", incarnation: 3 });
    const { pid } = system.agent("chat");
    expect((await program("kill", "chat", "--system", name)).out).toBe(`process ${pid} of agent "chat" was killed`);
    await launcher.launched("chat", 4);
    expect((await program("stop", "other", "--system", name)).out).toBe('agent "other" is stopped');
    expect(system.agent("other").state).toBe("stopped");
    expect(await program("kill", "other", "--system", name)).toMatchObject({
      exitCode: 1,
      error: '[not_found] agent "other" has no worker now',
    });
  });

  test("crashes lists them, and shows one", async () => {
    const { name, system, launcher } = await start();
    expect((await program("crashes", "--system", name)).out).toBe("no crashes");
    for (const id of ["chat", "third"]) {
      launcher.worker(id).print("its last words");
      launcher.worker(id).crash();
      await launcher.launched(id, 2);
    }
    const { out } = await program("crashes", "--system", name);
    expect(out.split("\n")).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}chat 1 {2}its worker .*SIGKILL/),
      expect.stringMatching(/^ {21}restart: restart 1 of 3 allowed/),
      expect.stringMatching(/ {2}third 1 {2}/),
      expect.stringMatching(/^ {21}restart: /),
    ]);
    expect((await program("crashes", "chat", "--system", name)).out.split("\n")).toHaveLength(2);
    const shown = (await program("crashes", "chat", "1", "--system", name)).out;
    expect(shown).toContain('agent "chat", worker 1: its worker');
    expect(shown).toContain("\nlast lines of stderr:\n  its last words");
    const json = JSON.parse((await program("crashes", "chat", "1", "--system", name, "--json")).out);
    expect(json.crash).toEqual(JSON.parse(JSON.stringify(system.crashes("chat")[0])));
    expect(await program("crashes", "chat", "7", "--system", name)).toMatchObject({ exitCode: 1 });
    expect(await program("crashes", "chat", "last", "--system", name)).toMatchObject({ exitCode: 2 });
    expect(await program("stop", "chat", "--timeout", "soon", "--system", name)).toMatchObject({ exitCode: 2 });
  });

  test("an agent or a system that is not known is told with those that are", async () => {
    const { name } = await start();
    const { exitCode, error } = await program("stop", "nobody", "--system", name);
    expect(exitCode).toBe(1);
    expect(error).toContain('has no agent "nobody"; it has "chat", "other", "third"');
    const other = await program("ps", "--system", "no such system");
    expect(other.exitCode).toBe(1);
    expect(other.error).toContain(`"${name}" (pid ${process.pid})`);
  });

  test("a shell is told the agents and systems that run", async () => {
    const { name } = await start();
    expect((await program("complete", "--", "restart", "--system", name, "t")).out).toBe("third\tready");
    expect((await program("complete", "--", "ps", "--system", name)).out).toBe(`${name}\tpid ${process.pid}`);
    expect(commands.map((command) => command.name)).not.toContain("complete");
  });
});

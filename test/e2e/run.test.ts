/** A script with real agents, run by the program and asked from another process. */

import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { doors, runProgram, scriptFolder } from "../script/script-process.ts";
import { isAlive, untilGone } from "./support.ts";

const root = resolve(import.meta.dirname, "..", "..");

test("an application of agents is shown, mended and stopped from the command line", async () => {
  const name = `s-${randomUUID()}`;
  const { path } = scriptFolder({
    "tree.ts": `
      import { defineAgent, defineSystem, exponentialBackoff } from ${JSON.stringify(doors.main)};
      const entry = "agents/example_agent.py:agent";
      export default defineSystem({
        name: ${JSON.stringify(name)},
        policy: exponentialBackoff({ firstMs: 10 }),
        python: { cwd: ${JSON.stringify(join(root, "python"))} },
        children: [defineAgent({ id: "chat", entry })],
      });`,
  });
  const run = runProgram(["run", path("tree.ts")]);
  await run.said("runs with 1 agent");
  const ask = async (...words: string[]) => {
    const { code, out, error } = await runProgram([...words, "--system", name, "--json"]).ended;
    expect({ code, error }).toEqual({ code: 0, error: "" });
    return JSON.parse(out);
  };
  expect(await ask("restart", "chat")).toEqual({ system: name, agent: "chat", incarnation: 2 });
  const { pid } = await ask("kill", "chat");
  await untilGone(pid);
  expect(await ask("restart", "chat")).toMatchObject({ agent: "chat" });
  const { systems } = await ask("ps");
  const chat = systems[0].rows[1];
  expect(chat).toMatchObject({ id: "chat", state: "ready", restarts: 1, memoryBytes: expect.any(Number) });
  const { crashes } = await ask("crashes", "chat");
  expect(crashes).toEqual([expect.objectContaining({ incarnation: 2, cause: "killed" })]);
  run.child.kill("SIGTERM");
  const { code } = await run.ended;
  expect(code).toBe(0);
  expect(isAlive(chat.pid)).toBe(false);
}, 120_000);

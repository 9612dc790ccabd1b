import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDefaultLogger } from "../src/default-logger.ts";
import { lookAtProcessOne, type ProcessOne, warnOfOrphans } from "../src/process-one.ts";

const root = resolve(import.meta.dirname, "..");

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "process-one-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function warnings(one: ProcessOne): string[] {
  const lines: string[] = [];
  warnOfOrphans(
    createDefaultLogger("system", (line) => void lines.push(JSON.parse(line).msg)),
    one,
  );
  return lines;
}

test("process 1 is this program, another Node, or something else that is trusted to reap", () => {
  const link = (to: string) => {
    rmSync(join(directory, "exe"), { force: true });
    symlinkSync(to, join(directory, "exe"));
    return lookAtProcessOne(77, join(directory, "exe"));
  };
  expect(lookAtProcessOne(1)).toBe("this program");
  expect(link("/usr/local/bin/node")).toBe("another Node");
  expect(link("/sbin/docker-init")).toBe("something else");
  expect(lookAtProcessOne(77, join(directory, "nowhere"))).toBe("something else");
});

test("where orphans stay as zombies, that is said with what to do", () => {
  const rest =
    "which reaps no orphans: each process that a killed worker has started stays as a zombie; " +
    "start the container with an init (docker run --init, init: true in Compose, or tini as its entry point)";
  expect(warnings("this program")).toEqual([`process 1 is this program, ${rest}`]);
  expect(warnings("another Node")).toEqual([`process 1 is another Node program, ${rest}`]);
  expect(warnings("something else")).toEqual([]);
});

const program = `
  const { startSystem } = await import("./src/index.ts");
  const { createFakeLauncher } = await import("./src/testing/index.ts");
  const { defineAgent } = await import("./src/index.ts");
  const children = process.env.AGENTS === "0" ? [] : [defineAgent({ id: "a", entry: "a.py:agent", launcher: process.env.AGENTS })];
  const system = await startSystem({ children }, { launcher: createFakeLauncher(), interpreter: "none" });
  await system.stop();
  process.exit(0);
`;
const namespace = ["-pf", "--mount-proc", process.execPath, "--input-type=module", "-e", program];
const canUnshare = spawnSync("unshare", ["-pf", "--mount-proc", "true"]).status === 0;

test.skipIf(!canUnshare)(
  `a system says so when it starts agents in fresh processes as process 1${canUnshare ? "" : " (skipped: no new pid namespace is allowed here)"}`,
  () => {
    const run = (agents: string) =>
      spawnSync("unshare", namespace, { cwd: root, encoding: "utf8", env: { ...process.env, AGENTS: agents } });
    const { stderr, status } = run("spawn");
    expect(stderr.match(/process 1 is this program/g)).toHaveLength(1);
    expect(status).toBe(0);
    // Forks have a guardian, which reaps what they leave.
    for (const agents of ["auto", "zygote", "0"]) expect(run(agents)).toMatchObject({ stderr: "", status: 0 });
  },
);

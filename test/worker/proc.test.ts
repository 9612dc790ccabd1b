import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exists, lookAt, memoryBytes, statFields } from "../../src/worker/proc.ts";

describe.runIf(process.platform === "linux")("of a process that lives", () => {
  test("the state is the first field, whatever its name is, and its parent the second", async () => {
    const folder = mkdtempSync(join(tmpdir(), "proc-"));
    const program = join(folder, "a) Z 1 (b");
    copyFileSync("/bin/sleep", program);
    const child = spawn(program, ["60"]);
    try {
      await once(child, "spawn");
      const { pid = 0 } = child;
      await expect.poll(() => statFields(pid).slice(0, 2)).toEqual(["S", String(process.pid)]);
      expect(statFields(`${pid}/task/${pid}`)[1]).toBe(String(process.pid));
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
      rmSync(folder, { recursive: true });
    }
  });

  test("its memory is told in bytes, and the most it had is no less", () => {
    const now = memoryBytes(process.pid, "VmRSS") ?? 0;
    expect(now).toBeGreaterThan(1_000_000);
    expect(memoryBytes(process.pid, "VmHWM")).toBeGreaterThanOrEqual(now);
  });
});

describe.runIf(process.platform === "linux")("a look at a process", () => {
  test("tells when it started, which does not change, and whether it is dead but not reaped", async () => {
    const child = spawn("/bin/sh", ["-c", "sleep 0 & exec cat"], { stdio: ["pipe", "ignore", "ignore"] });
    await once(child, "spawn");
    const { pid = 0 } = child;
    const seen = lookAt(pid);
    expect(seen).toEqual({ dead: false, started: statFields(pid)[19] });
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    await expect.poll(() => lookAt(Number(children()))?.dead).toBe(true);
    expect(exists(Number(children()))).toBe(true);
    expect(lookAt(pid)).toEqual(seen);
    child.stdin.end();
    await once(child, "close");
    expect([lookAt(pid), exists(pid)]).toEqual([undefined, false]);
  });
});

test("a process of another user exists", () => {
  expect(exists(1)).toBe(true);
});

test("of one that is gone every question throws", () => {
  expect(() => statFields(2 ** 22 + 1)).toThrow(/ENOENT/);
  expect(() => memoryBytes(2 ** 22 + 1, "VmRSS")).toThrow(/ENOENT/);
});

const canUnshare = spawnSync("unshare", ["-pf", "true"]).status === 0;
const where = canUnshare ? "" : " (skipped: no new namespace of process numbers is allowed here)";

test.skipIf(!canUnshare)(`in the /proc of another namespace nothing is seen of a process by its number${where}`, () => {
  const module = JSON.stringify(join(import.meta.dirname, "../../src/worker/proc.ts"));
  const script = `const { hasOwnNumbers, lookAt } = await import(${module}); console.log(hasOwnNumbers(), lookAt(process.pid))`;
  const look = (...program: string[]) => {
    const [file = "", ...args] = [...program, process.execPath, "--input-type=module", "-e", script];
    return spawnSync(file, args, { encoding: "utf8" }).stdout;
  };
  expect(look("unshare", "-pf")).toBe("false undefined\n");
  expect(look()).toMatch(/^true \{ dead: false, started: '\d+' \}\n$/);
});

/** Runs round every test: no child process and no socket directory may outlive it. A leak fails the test that made it, by name. */

import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, expect } from "vitest";

/** How long the operating system gets to finish what the test has ended, in milliseconds. */
const settleMs = 2_000;

afterEach(async () => {
  const deadline = performance.now() + settleMs;
  for (;;) {
    const left = [...childProcesses(), ...socketDirectories()];
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      for (const { kill } of left) kill?.();
      const names = left.map(({ what }) => what).join("\n");
      throw new Error(`"${expect.getState().currentTestName}" leaves behind:\n${names}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

interface Leftover {
  what: string;
  kill?: () => void;
}

/** Live processes (zombies are dead) that this test process is the parent of. */
function childProcesses(): Leftover[] {
  const left: Leftover[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) !== process.pid || state === "Z") continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      if (command.includes("esbuild")) continue;
      left.push({ what: `process ${pid}: ${command}`, kill: () => process.kill(pid, "SIGKILL") });
    } catch {
      // The process has ended while it was looked at.
    }
  }
  return left;
}

/** Socket directories of this test process. */
function socketDirectories(): Leftover[] {
  const mine = new RegExp(`^synapse-[0-9a-z]+-${process.pid}-`);
  return readdirSync(tmpdir())
    .filter((name) => mine.test(name))
    .map((name) => ({ what: `socket directory ${name}` }));
}

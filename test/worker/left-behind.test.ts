import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { endSystem } from "../../src/worker/left-behind.ts";
import { markOf, processesOf } from "../../src/worker/mark.ts";
import { python, within } from "./fixture-worker.ts";

const linux = process.platform === "linux";
const started: ChildProcess[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await within(5_000, "the end of a marked process", once(child, "exit"));
  }
});

/** A process that marks itself as the Python side does and has started another one; both are there when it resolves. */
async function marked(system: number, worker: number): Promise<ChildProcess> {
  const value = (0x5a7n << 52n) | (BigInt(system) << 20n) | BigInt(worker);
  const program = `
import os, resource, signal, subprocess, sys
resource.setrlimit(10, (${value}, resource.getrlimit(10)[1]))
subprocess.Popen(["sleep", "300"], env={}, start_new_session=True)
print("marked", flush=True)
signal.pause()
`;
  const child = spawn(python, ["-c", program], { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  if (child.stdout === null) throw new Error("it has no stdout");
  await within(10_000, "the mark", once(child.stdout, "data"));
  return child;
}

test.runIf(linux)("the mark of a process says whose it is, and is inherited with an empty environment", async () => {
  const child = await marked(4_012_345_678, 1_000_000);
  expect(markOf(child.pid ?? 0)).toEqual({ system: 4_012_345_678, worker: 1_000_000 });
  expect(processesOf(4_012_345_678)).toHaveLength(2);
  expect(processesOf(4_012_345_678)).toContain(child.pid);
  endSystem(4_012_345_678);
});

test.runIf(linux)("a process without a mark, and one that is gone, have none", async () => {
  expect(markOf(process.pid)).toBeUndefined();
  expect(markOf(2 ** 22 + 1)).toBeUndefined();
});

test.runIf(linux)(
  "a system that is ended loses all its processes, whoever their parents are; others lose none",
  async () => {
    const [mine, other] = [await marked(4_012_345_679, 1), await marked(4_012_345_680, 1)];
    const gone = once(mine, "exit");
    endSystem(4_012_345_679);
    await within(5_000, "the end of a marked process", gone);
    await expect.poll(() => processesOf(4_012_345_679)).toEqual([]);
    expect(processesOf(4_012_345_680)).toHaveLength(2);
    endSystem(4_012_345_680);
    await within(5_000, "the end of the other", once(other, "exit"));
  },
);

test.runIf(linux)("a process that may not be ended is tried once, and the others of its system are ended", async () => {
  const refusing = await marked(4_012_345_681, 1);
  const kill = process.kill.bind(process);
  const tried = vi.spyOn(process, "kill").mockImplementation((pid, signal) => {
    if (pid === refusing.pid) throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    return kill(pid, signal);
  });
  try {
    endSystem(4_012_345_681);
    await expect.poll(() => processesOf(4_012_345_681)).toEqual([refusing.pid]);
    expect(tried.mock.calls.filter(([pid]) => pid === refusing.pid)).toHaveLength(1);
  } finally {
    tried.mockRestore();
  }
});

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { realClock } from "../../src/worker/clock.ts";
import { hasDied, killGroup, killProcessAndGroup, whenGroupEmpty } from "../../src/worker/terminate.ts";
import { within } from "./fixture-worker.ts";

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function startSleeper(): Promise<{ child: ChildProcess; pid: number; exited: Promise<unknown> }> {
  const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  children.push(child);
  const exited = once(child, "exit");
  await once(child, "spawn");
  return { child, pid: child.pid as number, exited };
}

test("a group that is gone is no error", async () => {
  const { pid, exited } = await startSleeper();
  expect(killGroup(pid)).toBe(true);
  await within(5_000, "the exit", exited);
  await within(5_000, "an empty group", whenGroupEmpty(pid, realClock).empty);
  expect(killGroup(pid)).toBe(false);
});

test("process and group are killed together", async () => {
  const { child, pid, exited } = await startSleeper();
  killProcessAndGroup(pid);
  await within(5_000, "the exit", exited);
  expect(child.signalCode).toBe("SIGKILL");
});

test.runIf(process.platform === "linux")(
  "a process that is dead is known to be, before it is reaped and after",
  async () => {
    const { pid, exited } = await startSleeper();
    expect(hasDied(pid)).toBe(false);
    process.kill(pid, "SIGKILL");
    const giveUpAtMs = performance.now() + 5_000;
    while (!hasDied(pid) && performance.now() < giveUpAtMs); // Without a turn of the event loop nobody reaps it.
    expect(hasDied(pid)).toBe(true);
    await within(5_000, "the exit", exited);
    expect(hasDied(pid)).toBe(true);
  },
);

test("waiting for a group can be given up", async () => {
  const { pid } = await startSleeper();
  const { empty, cancel } = whenGroupEmpty(pid, realClock);
  cancel();
  const first = await Promise.race([
    empty.then(() => "empty"),
    new Promise((resolve) => setImmediate(resolve, "later")),
  ]);
  expect(first).toBe("later");
});

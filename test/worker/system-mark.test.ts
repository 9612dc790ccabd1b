import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { realClock } from "../../src/worker/clock.ts";
import { endMarked, environmentMark, killIfMarked, systemOf } from "../../src/worker/system-mark.ts";
import { isAlive, within } from "./fixture-worker.ts";

const children: { child: ChildProcess; exited: Promise<unknown> }[] = [];

afterEach(async () => {
  for (const { child, exited } of children.splice(0)) {
    child.kill("SIGKILL");
    await within(5_000, "the end of a child", exited);
  }
});

/** A process that sleeps, under this limit of file locks. */
async function sleeper(limit: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const script = `ulimit ${limit}; echo; exec sleep 60`;
  const child = spawn("bash", ["-c", script], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push({ child, exited: once(child, "exit") });
  if (child.stdout !== null) await once(child.stdout, "data");
  // The limit is set; the environment is that of the last exec, which is the same.
  return child.pid as number;
}

function markOf(system: number, worker: number): string {
  return `-S -x ${(0x5a7n << 52n) | (BigInt(system) << 20n) | BigInt(worker)}`;
}

describe.runIf(process.platform === "linux")("the mark of a system", () => {
  test("is read from the limit of file locks, and where that is too low for one from the environment", async () => {
    const marked = await sleeper(markOf(4_000_000_001, 3));
    const tooLow = await sleeper("-x 1000", { SYNAPSE_SYSTEM: environmentMark(77) });
    const inherits = await sleeper("-S -x 1000", { SYNAPSE_SYSTEM: environmentMark(78) });
    const other = await sleeper("-x 1000");
    expect([marked, tooLow, inherits, other].map(systemOf)).toEqual([4_000_000_001, 77, undefined, undefined]);
    expect(systemOf(process.pid)).toBeUndefined();
  });

  test("is what everything is ended by, and nothing else", async () => {
    const mine = await Promise.all([sleeper(markOf(5, 0)), sleeper(markOf(5, 1)), sleeper(markOf(5, 1_000))]);
    const others = await Promise.all([sleeper(markOf(6, 1)), sleeper("-S -x 5")]);
    await within(10_000, "the end of what is marked", endMarked(5, realClock));
    expect(mine.filter(isAlive)).toEqual([]);
    expect(others.filter(isAlive)).toEqual(others);
  });

  test("is looked at before a process is killed by its number", async () => {
    const [mine, other] = [await sleeper(markOf(7, 1)), await sleeper(markOf(8, 1))];
    for (const pid of [mine, other]) killIfMarked(pid, 7);
    await expect.poll(() => isAlive(mine)).toBe(false);
    expect(isAlive(other)).toBe(true);
  });
});

import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Agent } from "../../src/agent/handle.ts";
import { defineAgent } from "../../src/index.ts";
import { watch } from "./support.ts";

const flood = defineAgent({ id: "flood", entry: "test/fixtures/agents/flood.py:agent", output: "text" });
const deltas = 20_000;

/** How many deltas the agent has said when it says no more, as nobody reads. */
async function saidInAll(agent: Agent<string>): Promise<number> {
  const said = async () => Number((await agent.run("said")).output);
  let before = -1;
  let now = await said();
  while (now !== before) {
    before = now;
    for (let count = 0; count < 5; count += 1) now = await said();
  }
  return now;
}

test("a reader that sleeps holds up Python, which goes on when it wakes; every word comes, in order and without a gap", async () => {
  const { system } = await watch([flood]);
  const agent = system.agent(flood);
  const events = agent.stream(`flood:${deltas}`)[Symbol.asyncIterator]();
  let text = "";
  let seq = 0;
  const read = async () => {
    const { value: event } = await events.next();
    if (event === undefined) return false;
    expect(event.seq).toBe(seq + 1);
    seq = event.seq;
    if (event.type === "text.delta") text += event.text;
    return true;
  };
  while (text === "") await read();

  // What is between is some windows of HTTP/2 and what may wait in Python: 2 MB are said in all.
  expect(await saidInAll(agent)).toBeLessThan(deltas / 2);

  while (await read());
  expect(text.length).toBe(deltas * 100);
  expect(text.slice(-100)).toBe(`${`${deltas}`.padStart(99)} `);
  expect(seq).toBeLessThan(deltas);
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that this process holds on to. */
async function heldHere(): Promise<number> {
  // What one collection has found to be finalized, the next one takes away.
  for (let count = 0; count < 3; count += 1) {
    collect();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes that a process has for itself, and shares with nobody. */
function heldBy(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
}

test.skipIf(process.platform !== "linux")(
  "while a reader sleeps, neither process grows by 20 MB, of 80 MB that are said in 20,000 deltas",
  async () => {
    const { system } = await watch([flood]);
    const agent = system.agent(flood);
    // What a first stream needs is there before it is weighed.
    expect((await agent.stream("think:200").result).output).toBe("done");
    await saidInAll(agent);
    const pid = agent.pid as number;
    const before = { here: await heldHere(), there: heldBy(pid) };

    const events = agent.stream(`think:${deltas}`)[Symbol.asyncIterator]();
    for (let thought = false; !thought; ) {
      const { value: event } = await events.next();
      thought = event?.type === "thinking.delta";
    }
    await saidInAll(agent);
    const grown = { here: (await heldHere()) - before.here, there: heldBy(pid) - before.there };
    expect(grown.here).toBeLessThan(20e6);
    expect(grown.there).toBeLessThan(20e6);
    await events.return?.(undefined);
  },
);

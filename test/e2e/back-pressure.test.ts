import { expect, test } from "vitest";
import { defineAgent } from "../../src/index.ts";
import { watch } from "./support.ts";

const flood = defineAgent({ id: "flood", entry: "test/fixtures/agents/flood.py:agent", output: "text" });
const deltas = 20_000;

test("a reader that sleeps holds up Python, which goes on when it wakes; every word comes, in order and without a gap", async () => {
  const { system } = await watch([flood]);
  const agent = system.agent(flood);
  const said = async () => Number((await agent.run("said")).output);
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

  let before = -1;
  let now = await said();
  while (now !== before) {
    before = now;
    for (let count = 0; count < 5; count += 1) now = await said();
  }
  // What is between is some windows of HTTP/2 and what may wait in Python: 2 MB are said in all.
  expect(now).toBeLessThan(deltas / 2);

  while (await read());
  expect(text.length).toBe(deltas * 100);
  expect(text.slice(-100)).toBe(`${`${deltas}`.padStart(99)} `);
  expect(seq).toBeLessThan(deltas);
});

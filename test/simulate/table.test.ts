import { expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import { exponentialBackoff } from "../../src/otp/policy/exponential-backoff.ts";
import { simulate } from "../../src/simulate/simulate.ts";
import { explorationText, simulationText, timeText } from "../../src/simulate/table.ts";
import { simulationSvg } from "../../src/simulate/timeline.ts";

const play = (crashes: number) =>
  simulate(
    {
      name: "answers",
      maxRestarts: 0,
      children: [
        defineAgent({ id: "chat", entry: "a.py:agent", policy: exponentialBackoff({ jitter: 0 }) }),
        { id: "<queue>", start: () => undefined },
      ],
    },
    { children: { chat: { runs: { everyMs: 1_000, takesMs: 200 } } } },
    { forMs: 120_000 },
    {
      lives: (id, _path, incarnation) =>
        id === "chat" && incarnation <= crashes
          ? { startMs: 500, crash: { afterMs: 1_000, kind: "signaled" } }
          : { startMs: 500 },
    },
  );

test("a simulation reads as a table of the children, and what was decided", async () => {
  expect(`\n${simulationText(await play(1))}\n`).toBe(`
answers: 0:02:00 of 0:02:00, seed 0

CHILD   STATE STARTS CRASHES RESTARTS DOWN SERVED REJECTED LOST WAIT 95 %
chat    up         2       1        1 1.1s    119        0    0  1ms  0ms
<queue> up         1       0        0  0ms

decisions: 1 restart, 0 leave, 0 give up
      1.5s  answers/chat: its worker was ended by SIGKILL after 1500 ms
            restart: 1 failure; the next start in 100 ms
`);
});

test("more decisions than there is room for are counted", async () => {
  const result = await play(5);
  expect(simulationText(result, { decisions: 2 }).split("\n").at(-1)).toBe("  … and 3 more");
  expect(simulationText(result).match(/^ {12}restart/gm)).toHaveLength(5);
});

test("a system that gives up says so, and one that nothing befalls too", async () => {
  const start = () => undefined;
  const gone = await simulate(
    { name: "answers", maxRestarts: 0, children: [{ id: "a", start }] },
    { others: { crashAfterMs: 10 } },
    { forMs: 1_000 },
  );
  expect(simulationText(gone)).toContain(
    "the system gave up at 10ms: restart 1 within 5000 ms exceeds maxRestarts 0; last was answers/a",
  );
  expect(simulationText(await play(0))).toContain("no policy was asked");
});

test("the picture has a line for each child, coloured by how it was, and is the same each time", async () => {
  const [svg, again] = [simulationSvg(await play(1)), simulationSvg(await play(1))];
  expect(again).toBe(svg);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 1200 \d+"[\s\S]*<\/svg>\n$/);
  expect(svg).toContain("<title>answers/chat serves, 500ms to 1.5s</title>");
  expect(svg).toContain("<title>answers/chat waits for its restart, 1.5s to 1.6s</title>");
  expect(svg).toContain(">&lt;queue&gt;</text>");
});

test.each([
  [999, "999ms"],
  [1_999, "1.9s"],
  [59_999, "59.9s"],
  [60_000, "0:01:00"],
  [90_061_000, "25:01:01"],
])("%i ms read as %s", (ms, text) => {
  expect(timeText(ms)).toBe(text);
});

test("what is no result is refused, such as the promise of one", () => {
  for (const text of [simulationText, simulationSvg] as const) {
    expect(() => text(play(0) as never)).toThrow("result is a Promise; it must be what simulate settles with");
  }
  expect(() => explorationText(undefined as never)).toThrow(
    "exploration is undefined; it must be what explore answers",
  );
});

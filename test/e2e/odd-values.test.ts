/** Answers that are hard to carry, from a real agent: exact, repaired, or told as what they are. */

import { expect, test } from "vitest";
import { rejection, testAgent, watch } from "./support.ts";

const entry = "test/fixtures/agents/odd_values.py:agent";
const byRule = (["string", "bigint", "error"] as const).map((unsafeNumbers) =>
  testAgent<unknown>({ id: unsafeNumbers, entry, unsafeNumbers }),
);

test("numbers, texts and depths that JSON makes hard arrive, or are refused, by the agent's rule", async () => {
  const { system } = await watch(byRule);
  const [asText, exact, strict] = byRule.map((definition) => system.agent(definition));
  const output = async (agent: typeof asText, prompt: string) => (await agent?.run(prompt))?.output;
  const same = { safe: Number.MAX_SAFE_INTEGER, float: 0.1 + 0.2, text: "9007199254740993" };
  expect(await output(asText, "big-integers")).toEqual({
    ...same,
    id: "9007199254740993",
    list: ["-1180591620717411303424"],
  });
  expect(await output(exact, "big-integers")).toEqual({ ...same, id: 9007199254740993n, list: [-(2n ** 70n)] });
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  expect(await output(exact, "constants")).toEqual({
    nan,
    list: [infinity, -infinity, null],
    text: "NaN, Infinity",
  });
  expect(await output(exact, "model")).toEqual({ rate: nan, ids: [2n ** 63n] });
  expect(await output(asText, "model")).toEqual({ rate: "NaN", ids: ["9223372036854775808"] });
  expect(await output(asText, "surrogate")).toEqual({ text: "half an emoji: \ufffd", list: ["\ufffd"] });
  expect(JSON.stringify(await output(asText, "deep"))).toBe(`${"[".repeat(500)}"x"${"]".repeat(500)}`);
  expect(await output(asText, "types")).toEqual({
    decimal: "0.10",
    date: "2026-02-28",
    datetime: "2026-02-28T01:02:03Z",
    timedelta: "PT1M30S",
    bytes: "-_8=",
    set: [1],
    tuple: [1, "a"],
    uuid: "00000000-0000-0000-0000-000000000007",
    minus: -0,
    7: "key",
  });
  for (const prompt of ["big-integers", "constants"]) {
    const refused = rejection(strict?.run(prompt) ?? Promise.resolve());
    expect(await refused).toMatchObject({ code: "output_invalid", usage: { requests: 1 } });
  }
  const error = await rejection(asText?.run("unspeakable") ?? Promise.resolve());
  expect(error).toMatchObject({ kind: "user_code", pythonType: expect.stringContaining("Unspeakable") });
  const unfit = await rejection(asText?.run("deep", { deps: { rate: 1, ids: [1, "many"] } }) ?? Promise.resolve());
  expect(unfit).toMatchObject({
    kind: "validation",
    message: expect.stringContaining("options.deps.ids[1]: Input should be a valid integer"),
    validationErrors: [{ loc: ["options", "deps", "ids", 1] }],
  });
});

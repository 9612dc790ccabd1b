import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { doors, runProgram, scriptFolder } from "../script/script-process.ts";

const simulateDoor = join(resolve(import.meta.dirname, "..", ".."), "src", "simulate", "index.ts");
const tree = `
import { defineAgent, defineSystem, exponentialBackoff } from ${JSON.stringify(doors.main)};
const chat: string = "chat";
export default defineSystem({
  name: "answers",
  children: [defineAgent({ id: chat, entry: "a.py:agent", policy: exponentialBackoff() })],
});`;
const faults = `
import { defineFaults } from ${JSON.stringify(simulateDoor)};
export default defineFaults({ children: { chat: { crashAfterMs: { meanMs: 60_000 } } } });`;

async function simulate(words: string[], files: Record<string, string> = { "tree.ts": tree, "faults.ts": faults }) {
  const { folder, path } = scriptFolder(files);
  return { path, ...(await runProgram(["simulate", ...words], { cwd: folder }).ended) };
}

test("a script is played through with a file of faults, the same by the same seed, byte for byte", async () => {
  const words = ["tree.ts", "--faults", "faults.ts", "--seed", "42", "--for", "1h"];
  const [one, same] = await Promise.all([simulate(words), simulate(words)]);
  expect({ code: one.code, error: one.error }).toEqual({ code: 0, error: "" });
  expect(one.out).toMatch(/^answers: 1:00:00 of 1:00:00, seed 42\n\nCHILD /);
  expect(same.out).toBe(one.out);
});

test("--json is the whole result, --svg a picture", async () => {
  const { code, out, path } = await simulate([
    "tree.ts",
    "--faults",
    "faults.ts",
    "--for",
    "10min",
    "--json",
    "--svg",
    "a.svg",
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ system: "answers", seed: 0, forMs: 600_000, children: [{ id: "chat" }] });
  expect(readFileSync(path("a.svg"), "utf8")).toMatch(/^<svg /);
});

test("--explore ends with 1 when a policy does what it should not, and says what", async () => {
  expect((await simulate(["tree.ts", "--explore"])).code).toBe(0);
  const wrong = tree.replace(
    "exponentialBackoff()",
    `(state) => ({ decision: { type: "restart", delayMs: 0, because: "again" }, state })`,
  );
  const { code, out } = await simulate(["tree.ts", "--explore"], { "tree.ts": wrong });
  expect(code).toBe(1);
  expect(out).toMatch(/^restarts_for_ever: answers\/chat ends at once \(exited\) and is restarted for ever/m);
  const json = await simulate(["tree.ts", "--explore", "--json"], { "tree.ts": wrong });
  expect(JSON.parse(json.out).findings[0].type).toBe("restarts_for_ever");
});

test.each([
  [["tree.ts", "--for", "soon"], "--for is"],
  [
    ["tree.ts", "--for", "100000h"],
    '--for is "100000h"; it must be a time such as 500ms, 90s, 15min, 1h or 2d, 31d at most',
  ],
  [["tree.ts", "--seed", "x"], "--seed is"],
])("%j makes no sense, and ends with 2", async (words, message) => {
  const { code, error } = await simulate(words);
  expect(code).toBe(2);
  expect(error).toContain(message);
});

test.each([
  [["faults.ts"], "it must be a system"],
  [["tree.ts", "--faults", "nowhere.ts"], "there is no file"],
  [["tree.ts", "--faults", "empty.ts"], "it must be faults: export default defineFaults"],
  [["tree.ts", "--svg", "no/such/folder.svg", "--for", "1s"], "cannot be written"],
])("%j ends with 1 and says why", async (words, message) => {
  const files = { "tree.ts": tree, "faults.ts": faults, "empty.ts": "export {};" };
  const { code, out, error } = await simulate(words, files);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(error).toContain(message);
});

import { expect, test } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { createTerminal } from "./terminal.ts";

test.each([
  ["an entry that names no attribute", ["agents/chat.py"], "<entry>"],
  ["deps that are no entry", ["agents/chat.py:agent", "--deps", "make_deps"], "--deps"],
  ["a folder that is not there", ["agents/chat.py:agent", "--cwd", "/nowhere/at/all"], "--cwd"],
  ["--check beside --watch", ["agents/chat.py:agent", "--check", "--watch"], "--check"],
  ["no entry", [], "entry"],
])("typegen with %s makes no sense: it ends with 2, and starts nothing", async (_what, words, named) => {
  const { terminal, out, error } = createTerminal();
  expect(await runCommandLine(["typegen", ...words], terminal)).toBe(2);
  expect(error.join("\n")).toContain(named);
  expect(out).toEqual([]);
});

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { commands, runCommandLine } from "../../src/cli/command-line.ts";
import { createTerminal, helpOf } from "./terminal.ts";

async function run(...words: string[]) {
  const { terminal, out, error } = createTerminal();
  const exitCode = await runCommandLine(words, terminal);
  return { exitCode, out: out.join("\n"), error: error.join("\n") };
}

test.each([[[]], [["--help"]], [["-h"]], [["help"]]])("%j lists the commands", async (words) => {
  const { exitCode, out, error } = await run(...words);
  expect({ exitCode, error }).toEqual({ exitCode: 0, error: "" });
  expect(out).toMatch(/^Usage: synapse-otp <command> \[options\]\n/);
  expect(out).toMatch(/\n {2}setup {7}set up /);
});

test("--version is the package's", async () => {
  const text = readFileSync(join(resolve(import.meta.dirname, "..", ".."), "package.json"), "utf8");
  expect(await run("--version")).toEqual({ exitCode: 0, out: JSON.parse(text).version, error: "" });
});

test.each([["--help"], ["-h"]])("a command tells its options when %s is among its words", async (word) => {
  const { exitCode, out } = await run("setup", "--clear", word);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^Usage: synapse-otp setup \[options\]\n/);
});

test("words that make no sense end with 2 and say what would", async () => {
  const unknown = await run("dance");
  expect(unknown).toMatchObject({ exitCode: 2, out: "" });
  expect(unknown.error).toMatch(/^error: unknown command 'dance'\n\nUsage: synapse-otp <command>/);
  const option = await run("setup", "--pyhton", "x");
  expect(option).toMatchObject({ exitCode: 2, out: "" });
  expect(option.error).toMatch(
    /^error: unknown option '--pyhton'\n\(Did you mean --python\?\)\n\nUsage: synapse-otp setup/,
  );
  expect((await run("setup", "stray")).exitCode).toBe(2);
});

test("what cannot be done ends with 1 and the error's own words", async () => {
  expect(await run("setup", "--python", "/nowhere/python")).toMatchObject({
    exitCode: 1,
    out: "",
    error: expect.stringMatching(/^\[python_missing\] "\/nowhere\/python" cannot be used: there is no such executable/),
  });
});

test.each(commands)("the help of $name fits 80 columns, has an example, and says how it ends", async (command) => {
  const help = await helpOf(command);
  expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(help).toMatch(new RegExp(`\nExamples:\n {2}synapse-otp ${command.name}\\b`));
  expect(help).toMatch(/\nExit codes: 0 /);
  expect(help).toContain("--json");
});

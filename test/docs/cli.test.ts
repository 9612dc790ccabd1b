import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../src/cli/command-line.ts";
import { findingText } from "../../src/cli/finding-text.ts";
import { statusText } from "../../src/cli/status-text.ts";
import { checkNames } from "../../src/doctor/finding.ts";
import { judgeProxies } from "../../src/doctor/proxies.ts";
import { exampleRuns, exampleSystem } from "../cli/example-system.ts";

const root = resolve(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "cli.md"), "utf8");

/** What stands under a heading of a command, up to the next one. */
function section(name: string): string {
  const [, text = ""] = new RegExp(`\\n## ${name}\\n([\\s\\S]*?)(?=\\n## |$)`).exec(page) ?? [];
  return text;
}

/** The first column of the table under a heading of columns. */
function column(heading: string, text = page): string[] {
  const [, table = ""] = new RegExp(`\\n\\| ${heading} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n?)+)`).exec(text) ?? [];
  return [...table.matchAll(/^\| `(-{0,2}[a-z-]+)/gm)].map(([, name = ""]) => name);
}

test("docs/cli.md has every command and every check, and no other", () => {
  expect(column("command")).toEqual(commands.map(({ name }) => name));
  expect(column("check")).toEqual(checkNames);
});

test.each(commands)(
  "the section of $name has every option of it and no other, and the examples of its help",
  (command) => {
    const { name, options, examples } = command;
    const text = section(name);
    const names = options.map(({ flags }) => flags.replace(/^.*(--[a-z-]+).*$/, "$1"));
    expect(column("option", text)).toEqual(names);
    const shown = [...text.matchAll(new RegExp(`^npx (synapse-otp ${name}\\b.*)$`, "gm"))].map(([, line]) => line);
    expect(shown).toEqual(examples);
  },
);

test("the finding in docs/cli.md is what the program writes", () => {
  const [, shown = ""] = /```text\n([\s\S]*?)```/.exec(section("doctor")) ?? [];
  expect(shown).toBe(`${findingText(judgeProxies({ HTTPS_PROXY: "http://me:secret@proxy.test:3128" }))}\n`);
});

test("the tree in docs/cli.md is what the program writes", () => {
  const [, shown = ""] = /```text\n([\s\S]*?)```/.exec(section("ps")) ?? [];
  expect(shown).toBe(`${statusText({ ...exampleSystem, runs: exampleRuns, runsLeftOut: 7 })}\n`);
});

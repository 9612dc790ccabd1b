import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { doctorCommand } from "../../src/cli/doctor.ts";
import { findingText } from "../../src/cli/finding-text.ts";
import { checkNames } from "../../src/doctor/finding.ts";
import { judgeProxies } from "../../src/doctor/proxies.ts";
import { createTerminal } from "../cli/terminal.ts";

const root = resolve(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "cli.md"), "utf8");

/** The first column of the table under a heading. */
function column(heading: string): string[] {
  const [, table = ""] = new RegExp(`\\n\\| ${heading} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`).exec(page) ?? [];
  return [...table.matchAll(/^\| `(-{0,2}[a-z-]+)/gm)].map(([, name = ""]) => name);
}

test("docs/cli.md has every command, every option and every check, and no other", async () => {
  const { terminal, out } = createTerminal();
  await runCommandLine(["--help"], terminal);
  const commands = [...out.join("\n").matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
  expect(column("command")).toEqual(commands);
  const options = [...doctorCommand.help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
  expect(column("option")).toEqual(options);
  expect(column("check")).toEqual(checkNames);
});

test("the finding in docs/cli.md is what the program writes", () => {
  const [, shown = ""] = /```text\n([\s\S]*?)```/.exec(page) ?? [];
  expect(shown).toBe(`${findingText(judgeProxies({ HTTPS_PROXY: "http://me:secret@proxy.test:3128" }))}\n`);
});

test("the examples in docs/cli.md are those of the help", () => {
  const shown = [...page.matchAll(/^npx (synapse-otp doctor.*)$/gm)].map(([, line]) => line);
  const [, helped = ""] = /\nexamples:\n([\s\S]*?)\n\n/.exec(doctorCommand.help) ?? [];
  expect(shown).toEqual(helped.split("\n").map((line) => line.trim()));
});

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands } from "../../src/cli/command-line.ts";
import { candidates, type RunningNames } from "../../src/cli/complete.ts";
import { program } from "../script/script-process.ts";

const running: RunningNames = {
  systems: async () => [{ value: "answers", about: "pid 1" }],
  agents: async (system) => [{ value: `chat-of-${system ?? "all"}` }],
};

async function complete(...words: string[]) {
  const found = await candidates(commands, words, running);
  return typeof found === "string" ? found : found.map(({ value }) => value);
}

test.each([
  [[""], commands.map(({ name }) => name)],
  [["re"], ["restart"]],
  [["nothing", ""], []],
  [["run", ""], ":files"],
  [
    ["run", "--"],
    ["--watch", "--json"],
  ],
  [["run", "--w"], ["--watch"]],
  [["run", "tree.ts", ""], []],
  [["restart", ""], ["chat-of-all"]],
  [["restart", "--system", "answers", "ch"], ["chat-of-answers"]],
  [["restart", "--system", ""], ["answers"]],
  [["restart", "--timeout", ""], []],
  [["doctor", "--cwd", ""], ":files"],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [["completion", "f"], ["fish"]],
])("after %j may stand %j", async (words, expected) => {
  expect(await complete(...words)).toEqual(expected);
});

describe("in a shell", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "synapse-complete-"));
    writeFileSync(join(folder, "synapse-otp"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
    chmodSync(join(folder, "synapse-otp"), 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const shell = (name: string, script: string) => {
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    return spawnSync(name, ["-c", script], { encoding: "utf8", env });
  };

  test("bash completes commands and options, and leaves files to itself", () => {
    const { stdout, stderr } = shell(
      "bash",
      `eval "$(synapse-otp completion bash)"
       compopt() { echo "compopt $*"; }
       ask() { COMP_WORDS=(synapse-otp "$@"); COMP_CWORD=$#; _synapse_otp; echo "\${#COMPREPLY[@]} \${COMPREPLY[*]}"; }
       ask comp; ask run --w; ask run tr`,
    );
    expect({ stdout, stderr }).toEqual({ stdout: "1 completion\n1 --watch\ncompopt -o default\n0 \n", stderr: "" });
  });

  test.each(["bash", "zsh", "fish"])(
    "the script for %s is one that the shell can read, where there is that shell",
    (name) => {
      const { stdout } = spawnSync(process.execPath, [program, "completion", name], { encoding: "utf8" });
      const { error, status, stderr } = spawnSync(name, ["-n"], { input: stdout, encoding: "utf8" });
      expect(stdout).toContain("complete");
      if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
  );
});

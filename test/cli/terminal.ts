/** A terminal that keeps what is written to it. */

import type { Command, Terminal } from "../../src/cli/command.ts";
import { parseAndRun } from "../../src/cli/parser.ts";

/** A terminal in a directory, with this environment and no other. */
export function createTerminal(cwd = process.cwd(), env: NodeJS.ProcessEnv = {}) {
  const written = { out: [] as string[], error: [] as string[] };
  const terminal: Terminal = {
    cwd,
    env,
    out: (text) => void written.out.push(text),
    error: (text) => void written.error.push(text),
  };
  return { terminal, ...written };
}

/** What `--help` writes after the name of a command. */
export async function helpOf(command: Command): Promise<string> {
  const { terminal, out } = createTerminal();
  await runCommand(command, ["--help"], terminal);
  return out.join("\n");
}

/** Runs one command with the words after its name. */
export function runCommand(command: Command, words: readonly string[], terminal: Terminal) {
  return parseAndRun([command.name, ...words], [command], terminal);
}

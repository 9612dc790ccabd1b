/** What the words after `synapse-otp` mean: which command runs, and with which exit code the program ends. */

import { SynapseError } from "../errors.ts";
import { ownPackage } from "../python/needs.ts";
import type { Command, Terminal } from "./command.ts";
import { doctorCommand } from "./doctor.ts";
import { inspectCommand } from "./inspect.ts";
import { setupCommand } from "./setup.ts";

const commands: readonly Command[] = [setupCommand, doctorCommand, inspectCommand];

/**
 * Runs the command that the words name. Never rejects because of what the user did or what the machine lacks.
 * @param terminal default: this process's own
 * @returns the exit code: 0 when it did what it is for, 1 when it could not, 2 when the words make no sense
 */
export async function runCommandLine(words: readonly string[], terminal: Terminal = ownTerminal()): Promise<number> {
  const [name = "--help", ...rest] = words;
  if (name === "--version") {
    terminal.out(ownPackage.version);
    return 0;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    terminal.out(usage());
    return 0;
  }
  const command = commands.find((one) => one.name === name);
  if (command === undefined) {
    terminal.error(`there is no command "${name}"\n\n${usage()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    terminal.out(command.help);
    return 0;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    if (error instanceof SynapseError) {
      terminal.error(error.message);
      return 1;
    }
    if (isMisspelt(error)) {
      terminal.error(`${error.message}\n\n${command.help}`);
      return 2;
    }
    throw error;
  }
}

function usage(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `usage: synapse-otp <command> [options]\n\n${lines.join("\n")}\n\n"synapse-otp <command> --help" tells its options.`;
}

/** What parseArgs throws of words that it does not know. */
function isMisspelt(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}

function ownTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", forgiveLeaving);
  return {
    cwd: process.cwd(),
    env: process.env,
    out: (text) => void process.stdout.write(`${text}\n`),
    error: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Whoever reads may leave early, as `head` does: that is no failure of the command. */
function forgiveLeaving(error: Error): void {
  if (!("code" in error && error.code === "EPIPE")) throw error;
}

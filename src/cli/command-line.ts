/** What the words after `synapse-otp` mean: which command runs, and with which exit code the program ends. */

import { CallerError, SynapseError } from "../errors.ts";
import { killCommand, restartCommand, stopCommand } from "./agent-commands.ts";
import type { Command, ExitCode, Terminal } from "./command.ts";
import { createCompleteCommand } from "./complete.ts";
import { completionCommand } from "./completion.ts";
import { crashesCommand } from "./crashes.ts";
import { doctorCommand } from "./doctor.ts";
import { inspectCommand } from "./inspect.ts";
import { newCommand } from "./new.ts";
import { parseAndRun } from "./parser.ts";
import { psCommand } from "./ps.ts";
import { runCommand } from "./run.ts";
import { setupCommand } from "./setup.ts";
import { simulateCommand } from "./simulate.ts";
import { typegenCommand } from "./typegen.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  newCommand,
  runCommand,
  simulateCommand,
  typegenCommand,
  psCommand,
  crashesCommand,
  restartCommand,
  stopCommand,
  killCommand,
  inspectCommand,
  setupCommand,
  doctorCommand,
  completionCommand,
];

/** Those, and what shells ask by themselves. */
const all: readonly Command[] = [...commands, createCompleteCommand(commands)];

/**
 * Runs the command that the words name. Never rejects because of what the user did or what the machine lacks.
 * @param terminal default: this process's own
 * @returns the exit code: 0 when it did what it is for, 1 when it could not, 2 when the words make no sense
 */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal = ownTerminal(),
  known: readonly Command[] = all,
): Promise<ExitCode> {
  try {
    return await parseAndRun(words, known, terminal);
  } catch (error) {
    if (!(error instanceof SynapseError)) throw error;
    terminal.error(error.message);
    return isMisspelt(error) ? 2 : 1;
  }
}

/** Whether an error is of a word that no machine would make sense of; its field is an option or, in angle brackets, an argument. */
function isMisspelt(error: SynapseError): boolean {
  return error instanceof CallerError && error.code === "invalid_argument" && /^(?:--|<)/.test(error.field ?? "");
}

function ownTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", forgiveLeaving);
  return {
    cwd: process.cwd(),
    env: process.env,
    columns: process.stdout.columns,
    rows: process.stdout.rows,
    out: (text) => void process.stdout.write(`${text}\n`),
    error: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Whoever reads may leave early, as `head` does: that is no failure of the command. */
function forgiveLeaving(error: Error): void {
  if (!("code" in error && error.code === "EPIPE")) throw error;
}

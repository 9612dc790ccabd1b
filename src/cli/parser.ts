/** The words of a command line, taken apart: the one file that knows the parser. Source: commander, whose texts of help and of errors these are. */

import { Argument, CommanderError, Command as Parser } from "commander";
import { ownPackage } from "../python/needs.ts";
import type { Command, ExitCode, Terminal, Words } from "./command.ts";

/** The name in the help: it is the package's own, so that `npx` finds it in a project that has it not. */
const programName = "synapse-otp";

/** Columns of the help, on every terminal alike. */
const helpColumns = 80;

/** What every command says of its end, that has nothing else to say. */
const exitCodes = "Exit codes: 0 done, 1 failed, 2 the words make no sense.";

/**
 * Takes words apart and runs the command that they name. Help, the version and errors of the words are written to the terminal.
 * @returns the exit code; rejects with what the command rejects with
 */
export async function parseAndRun(
  words: readonly string[],
  commands: readonly Command[],
  terminal: Terminal,
): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = createParser(commands, terminal, async (command, given) => {
    exitCode = await command.run(given, terminal);
  });
  try {
    await program.parseAsync(words.length === 0 ? ["--help"] : [...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}

type Run = (command: Command, words: Words) => Promise<void>;

function createParser(commands: readonly Command[], terminal: Terminal, run: Run): Parser {
  const program = new Parser(programName)
    .description("Supervised Python agents: runs systems, looks at those that run, and at this machine.")
    .version(ownPackage.version, "--version", "tell the version of the package")
    .helpOption("-h, --help", "tell what there is, or after a command its options")
    .helpCommand("help [command]", "tell the same")
    .usage("<command> [options]")
    .exitOverride()
    .configureHelp({ helpWidth: helpColumns, subcommandTerm: (parser) => parser.name() })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.error(text.trimEnd()),
      getOutHelpWidth: () => helpColumns,
      getErrHelpWidth: () => helpColumns,
    })
    .showHelpAfterError()
    .addHelpText("after", `\n${exitCodes}`);
  for (const command of commands) declare(program, command, run);
  return program;
}

/** Paragraphs without their line breaks: the parser makes its own. */
function flowing(text: string): string {
  return text.replace(/([^\n])\n(?!\n)/g, "$1 ");
}

function declare(program: Parser, command: Command, run: Run): void {
  const { name, summary, options, examples, notes = exitCodes } = command;
  const parser = program
    .command(name, { hidden: command.hidden === true })
    .summary(summary)
    .description(flowing(command.details));
  for (const one of command.arguments ?? []) {
    const argument = new Argument(one.optional === true ? `[${one.name}]` : `<${one.name}>`, one.summary);
    parser.addArgument(one.choices === undefined ? argument : argument.choices([...one.choices]));
  }
  for (const option of options) parser.option(option.flags, option.summary);
  const lines = examples.map((line) => `  ${line}`);
  parser.addHelpText("after", `\nExamples:\n${lines.join("\n")}\n\n${notes}`);
  parser.allowExcessArguments(false);
  parser.action(async (...given: unknown[]) => {
    const self = given.at(-1) as Parser;
    await run(command, { arguments: self.processedArgs as (string | undefined)[], options: self.opts() });
  });
}

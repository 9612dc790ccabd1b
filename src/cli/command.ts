/** What a command of the program is, and what it is given. */

/** Where a command runs and where it writes. */
export interface Terminal {
  /** Absolute path of the working directory. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of a terminal; undefined where stdout is none. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Writes lines to stdout. */
  out(text: string): void;
  /** Writes lines to stderr. */
  error(text: string): void;
}

/**
 * How a command has ended.
 * - 0: it did what it is for
 * - 1: it could not, or what it looked at is not as it should be
 * - 2: its words make no sense together; words that no command knows are found before it runs
 */
export type ExitCode = 0 | 1 | 2;

/** A word that a command takes by its place. */
export interface CommandArgument {
  readonly name: string;
  readonly summary: string;
  /** Default false. */
  readonly optional?: boolean;
  /** What it names, so that a shell can complete it. */
  readonly names?: "file" | "agent";
  /** What it may be; default: anything. */
  readonly choices?: readonly string[];
}

/** An option of a command. */
export interface CommandOption {
  /** As the parser takes them: "--json", "--cwd <dir>". */
  readonly flags: string;
  readonly summary: string;
  /** What its value names, so that a shell can complete it. */
  readonly names?: "file" | "system";
}

/** The words after a command, as its declaration takes them apart. */
export interface Words {
  readonly arguments: readonly (string | undefined)[];
  /** Under their long names in camel case, as "noStart": a text where the option takes one. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** One command: `synapse-otp <name>`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` says above the options. */
  readonly details: string;
  readonly arguments?: readonly CommandArgument[];
  readonly options: readonly CommandOption[];
  /** Lines to type. */
  readonly examples: readonly string[];
  /** Whether it is in no list: for programs. */
  readonly hidden?: boolean;
  /** What `--help` says at the end; the exit codes, where they are not those of every command. */
  readonly notes?: string;
  /** Does it, and answers the exit code; of a rejection with a SynapseError, whose message is for the user, it is 1. */
  run(words: Words, terminal: Terminal): Promise<ExitCode>;
}

/** The text of an option that takes one; undefined when it was not given. */
export function textOf({ options }: Words, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** Whether an option that takes no text was given. */
export function isSet({ options }: Words, name: string): boolean {
  return options[name] === true;
}

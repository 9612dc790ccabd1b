/** What a command of the program is, and what it is given. */

/** Where a command runs and where it writes. */
export interface Terminal {
  /** Absolute path of the working directory. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Writes lines to stdout. */
  out(text: string): void;
  /** Writes lines to stderr. */
  error(text: string): void;
}

/** One command: `synapse-otp <name>`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly help: string;
  /**
   * Does it, and answers the exit code: 0 when it did what it is for, 1 when what it looked at is not as it should be. Rejects with a SynapseError
   * whose message is for the user, or with what parseArgs throws.
   */
  run(words: readonly string[], terminal: Terminal): Promise<0 | 1>;
}

/** What a check of the doctor found: how it stands, one sentence, and what mends it. */

import { shellWord } from "../python/setup-command.ts";

/** What is looked at, in the order in which it is told. */
export const checkNames = [
  "node",
  "xstate",
  "interpreter",
  "packages",
  "sockets",
  "files",
  "processes",
  "locks",
  "memory",
  "subreaper",
  "pdeathsig",
  "children",
  "reaper",
  "proxies",
  "start",
] as const;

/** The name of a check. */
export type CheckName = (typeof checkNames)[number];

/**
 * How a check stands. "failure": agents cannot run. "warning": they can, and something that is told will not be as it should. "skipped": it does
 * not exist on this system, or could not be looked at.
 */
export type FindingStatus = "ok" | "warning" | "failure" | "skipped";

/** What mends it, to be read as one sentence: `before`, the command, `after`. */
export interface Fix {
  readonly before: string;
  /** For a POSIX shell, in the directory that the doctor was run in. */
  readonly command?: string;
  readonly after?: string;
}

/** What one check found. */
export interface Finding {
  readonly check: CheckName;
  readonly status: FindingStatus;
  readonly message: string;
  readonly fix?: Fix;
}

/** A command as the fix. */
export function runs(command: string, after?: string): Fix {
  return { before: "run:", command, ...(after === undefined ? {} : { after }) };
}

/**
 * The fix in an error's words, where they have a command: they say `run: <command>` or `run in "<directory>": <command>`, up to a semicolon, a
 * parenthesis about pip, or the end of the line. Words without a command are `before` alone.
 */
export function fixIn(words: string): Fix {
  const found = /^(.*?)\brun(?: in "([^"\n]+)")?: (.+?)(?:; (.*)| (\(it has no pip.*)|)$/ms.exec(words);
  if (found === null) return { before: words };
  const [, before = "", directory, command = "", rest, pip] = found;
  const after = rest ?? pip;
  return {
    before: `${before}run:`,
    command: directory === undefined ? command : `cd ${shellWord(directory)} && ${command}`,
    ...(after === undefined ? {} : { after }),
  };
}

/** A terminal that keeps what is written to it. */

import type { Terminal } from "../../src/cli/command.ts";

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

/** The option that says which running system is meant. */

import type { CommandOption } from "./command.ts";

/** `--system`, of every command that asks a running one. */
export const systemOption: CommandOption = {
  flags: "--system <name>",
  summary: "the system's name, or the pid of its process; default: the only one",
  names: "system",
};

/** `synapse-otp inspect FILE`: shows a recording in the local viewer. */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { invalidArgument } from "../errors.ts";
import { viewRecording } from "../viewer/viewer.ts";
import type { Command } from "./command.ts";

const help = `usage: synapse-otp inspect FILE [options]

Shows a recording of a system, made by record({ file }) or saved in the viewer,
on a page of this machine's own, until Ctrl-C. The address that it prints is for
a browser on this machine. The viewer of a system that runs has an address of
its own, which startViewer answers.

  --port PORT    where it listens; default: a free one

examples:
  synapse-otp inspect run.jsonl
  synapse-otp inspect run.jsonl --port 4700`;

/**
 * Creates the command.
 * @param untilEnd settles when the page is wanted no longer; default: at the first SIGINT or SIGTERM
 */
export function createInspectCommand(untilEnd: () => Promise<void> = untilSignal): Command {
  return {
    name: "inspect",
    summary: "show a recording of a system in a browser",
    help,
    async run(words, { cwd, out }) {
      const { values, positionals } = parseArgs({
        args: [...words],
        allowPositionals: true,
        options: { port: { type: "string" } },
      });
      const [file, ...others] = positionals;
      if (file === undefined || others.length > 0) throw invalidArgument("FILE", positionals, "one path");
      const port = values.port === undefined ? undefined : Number(values.port);
      await using viewer = await viewRecording(resolve(cwd, file), { port });
      out(viewer.address);
      await untilEnd();
      return 0;
    },
  };
}

/** The command. */
export const inspectCommand = createInspectCommand();

async function untilSignal(): Promise<void> {
  const { promise, resolve: settle } = Promise.withResolvers<void>();
  // A server that is looked at keeps no program from ending: this does.
  const timer = setInterval(() => undefined, 2 ** 30);
  const signals = ["SIGINT", "SIGTERM"] as const;
  const end = () => settle();
  for (const signal of signals) process.once(signal, end);
  await promise;
  clearInterval(timer);
  for (const signal of signals) process.off(signal, end);
}

/** `synapse-otp inspect FILE`: shows a recording in the local viewer. */

import { resolve } from "node:path";
import { type Command, isSet } from "./command.ts";
import { optionalInteger } from "./number-option.ts";

const details = `Shows a recording of a system, made by record({ file }) or saved in the viewer,
on a page of this machine's own, until Ctrl-C. The address that it prints is for
a browser on this machine. The viewer of a system that runs has an address of
its own, which startViewer answers.`;

/**
 * Creates the command.
 * @param untilEnd settles when the page is wanted no longer; default: at the first SIGINT or SIGTERM
 */
export function createInspectCommand(untilEnd: () => Promise<void> = untilSignal): Command {
  return {
    name: "inspect",
    summary: "show a recording of a system in a browser",
    details,
    arguments: [{ name: "file", summary: "the recording", names: "file" }],
    options: [
      { flags: "--port <port>", summary: "where it listens; default: a free one" },
      { flags: "--json", summary: "one JSON object: address" },
    ],
    examples: ["synapse-otp inspect run.jsonl", "synapse-otp inspect run.jsonl --port 4700"],
    async run(words, { cwd, out }) {
      const port = optionalInteger(words, "port", 0);
      const { viewRecording } = await import("../viewer/viewer.ts");
      await using viewer = await viewRecording(resolve(cwd, words.arguments[0] ?? ""), { port });
      out(isSet(words, "json") ? JSON.stringify({ address: viewer.address }) : viewer.address);
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

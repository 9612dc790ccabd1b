/** `synapse-otp inspect`: shows a running system, or a recording of one, in the local viewer. */

import { lstatSync } from "node:fs";
import { resolve } from "node:path";
import { askSystem, type FoundSystem, findSystem } from "../control/client.ts";
import { CallerError, withoutCode } from "../errors.ts";
import type { Viewer } from "../viewer/viewer.ts";
import { type Command, isSet, type Terminal } from "./command.ts";
import { optionalInteger } from "./number-option.ts";

const details = `Shows a running system on a page of this machine's own, until Ctrl-C or until the
system ends: one that was started by "synapse-otp run", or with
startSystem({ control: true }). The page's buttons restart, stop and kill its
agents. Of a file, which record({ file }) has made or the page has saved, it shows
the recording. The address that it prints is for a browser on this machine.`;

/** How long a system may take to answer a page, in milliseconds. */
const lookMs = 30_000;
/** How long an agent may take to be restarted or stopped, in milliseconds. */
const actMs = 60_000;
/** How often it is looked whether the system is there, in milliseconds. */
const thereMs = 2_000;

/** What is shown, and what ends that by itself. */
interface Shown {
  readonly viewer: Viewer;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/**
 * Creates the command.
 * @param untilEnd settles when the page is wanted no longer; default: at the first SIGINT or SIGTERM
 */
export function createInspectCommand(untilEnd: (over: AbortSignal) => Promise<void> = untilSignal): Command {
  return {
    name: "inspect",
    summary: "show a running system, or a recording of one, in a browser",
    details,
    arguments: [
      {
        name: "what",
        summary: "a recording, or the name or pid of a running system; default: the only one",
        names: "file",
        optional: true,
      },
    ],
    options: [
      { flags: "--port <port>", summary: "where it listens; default: a free one" },
      { flags: "--json", summary: "one JSON object: address" },
    ],
    examples: ["synapse-otp inspect", "synapse-otp inspect answers --port 4700", "synapse-otp inspect run.jsonl"],
    async run(words, terminal) {
      const port = optionalInteger(words, "port", 0, 65_535);
      const { viewer, ended, close } = await show(words.arguments[0], port, terminal);
      const over = new AbortController();
      try {
        terminal.out(isSet(words, "json") ? JSON.stringify({ address: viewer.address }) : viewer.address);
        await Promise.race([untilEnd(over.signal), ended]);
      } finally {
        over.abort();
        close();
        await viewer.stop();
      }
      return 0;
    },
  };
}

/** The command. */
export const inspectCommand = createInspectCommand();

async function show(what: string | undefined, port: number, { cwd, error }: Terminal): Promise<Shown> {
  const file = what === undefined ? undefined : resolve(cwd, what);
  if (file !== undefined && lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) {
    const { viewRecording } = await import("../viewer/viewer.ts");
    const viewer = await viewRecording(file, { port });
    return { viewer, ended: new Promise(() => undefined), close: () => undefined };
  }
  const system = await findShown(what, file);
  const { startRemoteViewer } = await import("../viewer/remote-viewer.ts");
  const viewer = await startRemoteViewer(
    {
      look: (name) => askSystem(system, { type: "look", viewer: name }, lookMs),
      act: (agentId, type) =>
        type === "restart"
          ? askSystem(system, { type, agentId, graceful: false }, actMs)
          : askSystem(system, { type, agentId }, actMs),
    },
    { port },
  );
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    askSystem(system, { type: "hello" }, lookMs).catch(() => {
      error(`system "${system.system}" (pid ${system.pid}) has ended`);
      end();
    });
  }, thereMs);
  return { viewer, ended, close: () => clearInterval(timer) };
}

/** @returns rejects with CallerError "not_found" that says what was looked for */
async function findShown(what: string | undefined, file: string | undefined): Promise<FoundSystem> {
  try {
    return await findSystem(what);
  } catch (error) {
    if (file === undefined || !(error instanceof CallerError) || error.code !== "not_found") throw error;
    const message = `there is no recording "${file}", and ${withoutCode(error.message)}`;
    throw new CallerError("not_found", message, { field: "what", value: what, cause: error });
  }
}

async function untilSignal(over: AbortSignal): Promise<void> {
  const { promise, resolve: settle } = Promise.withResolvers<void>();
  // A server that is looked at keeps no program from ending: this does.
  const timer = setInterval(() => undefined, 2 ** 30);
  const signals = ["SIGINT", "SIGTERM"] as const;
  const end = () => settle();
  for (const signal of signals) process.once(signal, end);
  over.addEventListener("abort", end);
  await promise;
  clearInterval(timer);
  for (const signal of signals) process.off(signal, end);
}

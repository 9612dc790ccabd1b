/** `synapse-otp ps`: the tree of a running system, with what its agents do. */

import { askSystem, type FoundSystem, findSystem, findSystems } from "../control/client.ts";
import { residentBytes } from "../worker/memory.ts";
import { type Command, type ExitCode, isSet, type Terminal, textOf } from "./command.ts";
import { optionalInteger } from "./number-option.ts";
import { type ShownSystem, statusText } from "./status-text.ts";
import { systemOption } from "./system-option.ts";

const details = `Shows the running systems of this user: their trees, and of each agent its state, the
pid and number of its worker, how often it was restarted, how many runs wait and
work, and the memory of its worker; then the runs that belong to the system or wait for
an answer from outside, with what they wait for. A system is found when it was started by
"synapse-otp run", or with startSystem({ control: true }).`;

/** How long a system may take to answer, in milliseconds. */
const answerMs = 10_000;
/** Between two looks with --watch, in milliseconds. */
const defaultIntervalMs = 1_000;

/** To the upper left corner, and everything from there is gone. */
const clear = "\u001b[H\u001b[J";

/** The command. */
export const psCommand: Command = {
  name: "ps",
  summary: "show the running systems: trees, states, pids, restarts, queues, memory, runs",
  details,
  options: [
    { ...systemOption, summary: "the system's name, or the pid of its process; default: all" },
    { flags: "--watch", summary: "look again and again, until Ctrl-C" },
    { flags: "--interval <ms>", summary: `between two looks; default: ${defaultIntervalMs}` },
    { flags: "--json", summary: "one JSON object a look: systems, each with system, pid, upMs, status, rows, runs" },
  ],
  examples: ["synapse-otp ps", "synapse-otp ps --watch --system answers"],
  async run(words, terminal) {
    const which = textOf(words, "system");
    const intervalMs = optionalInteger(words, "interval", defaultIntervalMs);
    const look = async () => {
      const shown = await lookAt(which);
      terminal.out(
        isSet(words, "json") ? JSON.stringify({ systems: shown }) : textOfAll(shown, terminal, isSet(words, "watch")),
      );
    };
    if (!isSet(words, "watch")) {
      await look();
      return 0;
    }
    return untilInterrupted(look, intervalMs);
  },
};

async function lookAt(which: string | undefined): Promise<ShownSystem[]> {
  const all = await findSystems();
  // Which tells that there is none, or none of this name.
  const meant = which === undefined && all.length > 0 ? all : [await findSystem(which)];
  return Promise.all(meant.map(lookAtOne));
}

async function lookAtOne(found: FoundSystem): Promise<ShownSystem> {
  const { system, pid, startedAtMs } = found;
  const { status, rows, leftOut, runs, runsLeftOut } = await askSystem(found, { type: "status" }, answerMs);
  const nowMs = Date.now();
  const shown = rows.map((row) => {
    const memoryBytes = row.pid === undefined ? undefined : residentBytes(row.pid);
    return memoryBytes === undefined ? row : { ...row, memoryBytes };
  });
  const aged = runs.map((run) => {
    const sinceMs = run.startedAtMs ?? run.waits?.[0]?.sinceMs;
    return sinceMs === undefined ? run : { ...run, ageMs: Math.max(0, nowMs - sinceMs) };
  });
  const upMs = Math.max(0, nowMs - startedAtMs);
  return { system, pid, upMs, status, rows: shown, leftOut, runs: aged, runsLeftOut };
}

function textOfAll(shown: readonly ShownSystem[], { columns, rows }: Terminal, watching: boolean): string {
  if (!watching || rows === undefined) return shown.map((one) => statusText(one, columns)).join("\n\n");
  // Its heading, its line, what is left out, and the line between two.
  const room = Math.max(1, Math.floor(rows / shown.length) - 4);
  return clear + shown.map((one) => statusText(one, columns, room)).join("\n\n");
}

/** Looks again and again; Ctrl-C ends it, and so does a system that is gone. */
async function untilInterrupted(look: () => Promise<void>, intervalMs: number): Promise<ExitCode> {
  const interrupted = Promise.withResolvers<"interrupted">();
  const onSignal = () => interrupted.resolve("interrupted");
  process.once("SIGINT", onSignal);
  try {
    for (;;) {
      await look();
      let timer: NodeJS.Timeout | undefined;
      const passed = new Promise<"passed">((resolve) => {
        timer = setTimeout(() => resolve("passed"), intervalMs);
      });
      const first = await Promise.race([interrupted.promise, passed]);
      clearTimeout(timer);
      if (first === "interrupted") return 0;
    }
  } finally {
    process.off("SIGINT", onSignal);
  }
}

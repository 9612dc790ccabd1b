/** `synapse-otp run`: runs a script that describes a system, as an application. */

import { resolve } from "node:path";
import type { ScriptNews } from "../script/run.ts";
import { type Command, isSet, type Terminal } from "./command.ts";

const details = `Runs the system that a file describes: a .ts or .js file whose default export is
what defineSystem makes. Node runs TypeScript by itself, by taking the types away.
SIGTERM or SIGINT (Ctrl-C) stops it in order; a second one kills it at once.

With --watch a change of the file, or of what it imports, is followed: policies
are set while the system runs, anything else restarts it in order. A file that
cannot be loaded is told, and the system that runs goes on.`;

const notes = `Exit codes: 0 stopped in order, 1 the system gave up or could not begin (stderr
says why), 2 the words make no sense.`;

/** How long what a script has left open may keep the process alive before it is told, in milliseconds. */
const lingerMs = 2_000;

/** The command. */
export const runCommand: Command = {
  name: "run",
  summary: "run the system that a script describes",
  details,
  arguments: [{ name: "script", summary: "a .ts or .js file", names: "file" }],
  options: [
    { flags: "--watch", summary: "follow changes of the script and of what it imports" },
    { flags: "--json", summary: "tell what happens as JSON objects, one a line" },
  ],
  examples: ["synapse-otp run tree.ts", "synapse-otp run tree.ts --watch"],
  notes,
  async run(words, terminal) {
    const tell = isSet(words, "json") ? tellAsJson(terminal) : tellAsText(terminal);
    const file = resolve(terminal.cwd, words.arguments[0] ?? "");
    const { ScriptRun } = await import("../script/run.ts");
    const exitCode = await new ScriptRun({ file, watch: isSet(words, "watch"), tell }).run();
    setTimeout(() => {
      const open = [...new Set(process.getActiveResourcesInfo())].join(", ");
      terminal.error(`stopped; what the script has left open keeps the process alive: ${open}`);
    }, lingerMs).unref();
    return exitCode;
  },
};

function tellAsJson({ out }: Terminal): (news: ScriptNews) => void {
  return (news) => out(JSON.stringify(news));
}

function tellAsText({ out, error }: Terminal): (news: ScriptNews) => void {
  return (news) => {
    const tell = failures.has(news.type) ? error : out;
    tell(sentenceOf(news));
  };
}

const failures: ReadonlySet<ScriptNews["type"]> = new Set(["load_failed", "start_failed", "unwatched", "gave_up"]);

function sentenceOf(news: ScriptNews): string {
  switch (news.type) {
    case "started": {
      const agents = news.agents === 1 ? "1 agent" : `${news.agents} agents`;
      return `"${news.system}" runs with ${agents} (pid ${news.pid})`;
    }
    case "unchanged":
      return "reloaded: nothing of the system has changed";
    case "policies_set":
      return `reloaded: new policies at ${news.paths.join(", ")}`;
    case "restarting":
      return `reloaded: the system restarts, because ${news.because}`;
    case "load_failed":
      return `${news.message}${news.running ? "\nthe system that runs goes on" : ""}`;
    case "start_failed":
      return `the system could not be started: ${news.message}`;
    case "unwatched":
      return `"${news.folder}" cannot be watched: ${news.message}`;
    case "gave_up":
      return `the system has given up: ${news.because}`;
    case "stopping":
      return "stopping";
    case "stopped":
      return "stopped";
  }
}

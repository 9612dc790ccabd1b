/** `synapse-otp complete`: what may stand at the cursor. The scripts of `synapse-otp completion` ask it; nobody types it. */

import { askSystem, findSystems, isMeant } from "../control/client.ts";
import type { Command, CommandOption } from "./command.ts";

/** Says that the name of a file may stand there: a shell knows those best. */
const anyFile = ":files";

/** How long a system may take to tell its agents, in milliseconds: somebody waits with a finger on the key. */
const askMs = 1_000;

/** What may stand at a place, and a few words on it. */
export interface Candidate {
  readonly value: string;
  readonly about?: string;
}

/** The names that only running systems know. */
export interface RunningNames {
  systems(): Promise<readonly Candidate[]>;
  agents(system: string | undefined): Promise<readonly Candidate[]>;
}

/**
 * Creates the command.
 * @param running default: asked of the running systems of this user
 */
export function createCompleteCommand(commands: readonly Command[], running: RunningNames = asked): Command {
  return {
    name: "complete",
    summary: "for shells: what may stand at the cursor",
    details: "Told the words up to the cursor, it writes what may stand there, a line each.",
    arguments: [
      {
        name: "words...",
        summary: "the words after the program's name, the last one as far as it is there",
        optional: true,
      },
    ],
    options: [],
    examples: ["synapse-otp complete -- run --w"],
    hidden: true,
    async run(words, { out }) {
      const [given] = words.arguments as unknown as [readonly string[] | undefined];
      const found = await candidates(commands, given ?? [], running);
      const lines =
        found === anyFile
          ? [anyFile]
          : found.map(({ value, about }) => (about === undefined ? value : `${value}\t${about}`));
      if (lines.length > 0) out(lines.join("\n"));
      return 0;
    },
  };
}

/** What may stand in the place of the last word. */
export async function candidates(
  commands: readonly Command[],
  words: readonly string[],
  running: RunningNames,
): Promise<readonly Candidate[] | typeof anyFile> {
  const [name = "", ...rest] = words;
  const starting = (start: string, all: readonly Candidate[]) => all.filter(({ value }) => value.startsWith(start));
  if (rest.length === 0)
    return starting(
      name,
      commands.map(({ name: value, summary }) => ({ value, about: summary })),
    );
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return [];
  const current = rest.at(-1) ?? "";
  const before = rest.slice(0, -1);
  const waiting = optionOf(command, before.at(-1));
  if (waiting !== undefined && takesValue(waiting)) {
    if (waiting.names === "file") return anyFile;
    return waiting.names === "system" ? starting(current, await running.systems()) : [];
  }
  if (current.startsWith("-")) {
    return starting(
      current,
      command.options.map((option) => ({ value: longName(option), about: option.summary })),
    );
  }
  const argument = command.arguments?.[plainWords(command, before)];
  if (argument?.names === "file") return anyFile;
  if (argument?.names === "agent") return starting(current, await running.agents(systemIn(before)));
  return starting(
    current,
    (argument?.choices ?? []).map((value) => ({ value })),
  );
}

function optionOf(command: Command, word: string | undefined): CommandOption | undefined {
  return command.options.find((option) => longName(option) === word);
}

function longName({ flags }: CommandOption): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

function takesValue({ flags }: CommandOption): boolean {
  return flags.includes("<");
}

/** How many of these words are arguments, and no options or values of options. */
function plainWords(command: Command, words: readonly string[]): number {
  return words.filter((word, index) => {
    const previous = optionOf(command, words[index - 1]);
    return !word.startsWith("-") && !(previous !== undefined && takesValue(previous));
  }).length;
}

function systemIn(words: readonly string[]): string | undefined {
  const index = words.indexOf("--system");
  return index < 0 ? undefined : words[index + 1];
}

const asked: RunningNames = {
  async systems() {
    return (await findSystems()).map(({ system, pid }) => ({ value: system, about: `pid ${pid}` }));
  },
  async agents(which) {
    const all = (await findSystems()).filter((found) => isMeant(found, which));
    const statuses = await Promise.all(
      all.map((found) => askSystem(found, { type: "status" }, askMs).catch(() => ({ rows: [] }))),
    );
    // What has a queue is an agent.
    return statuses.flatMap(({ rows }) =>
      rows.flatMap(({ id, state, queueLength }) => (queueLength === undefined ? [] : [{ value: id, about: state }])),
    );
  },
};

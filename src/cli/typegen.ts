/** `synapse-otp typegen`: writes the TypeScript types of an agent, and its contract. */

import { statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { checkEntry } from "../agent/entry.ts";
import { invalidArgument } from "../errors.ts";
import type { DescribedAgent } from "../typegen/described-agent.ts";
import type { TypegenNews } from "../typegen/watch.ts";
import { type Command, type ExitCode, isSet, type Terminal, textOf, type Words } from "./command.ts";

const details = `Starts the agent's worker, asks it what it is, and writes a .ts file: the types of
what its runs answer with, of the deps that they take, of its tools' arguments and of
its events, and a contract for defineAgent({ id, contract }), which gives run() all of
these types and lets an agent that has become another one fail at its start.

The same agent makes the same file. A file that this command has not written is never
written over.`;

const notes = `Exit codes: 0 the file is up to date, 1 it is not (--check), or the agent cannot
be loaded, 2 the words make no sense.`;

/** The command. */
export const typegenCommand: Command = {
  name: "typegen",
  summary: "write the TypeScript types of an agent",
  details,
  arguments: [
    { name: "entry", summary: 'the agent, as "agents/chat.py:agent" or "package.module:agent"', names: "file" },
  ],
  options: [
    {
      flags: "--out <file>",
      summary: "the .ts file; default: beside the Python file, under its name",
      names: "file",
    },
    { flags: "--watch", summary: "write it again whenever the agent's code changes" },
    { flags: "--check", summary: "write nothing, and end with 1 where the file is out of date" },
    {
      flags: "--deps <entry>",
      summary: "the function that makes the deps of runs, as deps of the definition",
      names: "file",
    },
    { flags: "--cwd <dir>", summary: "where entries start, as python.cwd of the system; default: here", names: "file" },
    {
      flags: "--python <path>",
      summary: "the interpreter, a path or a name on PATH; default: searched",
      names: "file",
    },
    { flags: "--json", summary: "one JSON object: type, file, hash; with --watch one a line" },
  ],
  examples: [
    "synapse-otp typegen agents/chat.py:agent",
    "synapse-otp typegen agents/chat.py:agent --out src/chat-agent.ts --watch",
    "synapse-otp typegen agents/chat.py:agent --check",
  ],
  notes,
  async run(words, terminal) {
    const source = sourceOf(words, terminal);
    if (isSet(words, "watch") && isSet(words, "check")) {
      throw invalidArgument("--check", true, "left out beside --watch, or the other way round");
    }
    const { defaultFile } = await import("../typegen/typed-file.ts");
    const out = textOf(words, "out");
    const file = out === undefined ? defaultFile(source.entry, source.cwd) : resolve(terminal.cwd, out);
    const tell = teller(words, terminal);
    if (!isSet(words, "watch")) return writeOnce(source, file, isSet(words, "check"), tell);
    const { TypegenWatch } = await import("../typegen/watch.ts");
    await new TypegenWatch({ source, file, tell }).run();
    return 0;
  },
};

type News = TypegenNews | { readonly type: "out_of_date"; readonly file: string; readonly hash: string };

async function writeOnce(
  source: DescribedAgent,
  file: string,
  check: boolean,
  tell: (news: News) => void,
): Promise<ExitCode> {
  const { describeOnce } = await import("../typegen/described-agent.ts");
  const { contractFile } = await import("../typegen/contract-file.ts");
  const { isUpToDate, writeTypes } = await import("../typegen/typed-file.ts");
  const description = await describeOnce(source);
  const text = contractFile(description, source);
  const { schemaHash: hash } = description;
  if (!check) {
    tell({ type: writeTypes(file, text), file, hash });
    return 0;
  }
  const type = isUpToDate(file, text) ? "up_to_date" : "out_of_date";
  tell({ type, file, hash });
  return type === "up_to_date" ? 0 : 1;
}

function sourceOf(words: Words, { cwd }: Terminal): DescribedAgent {
  const entry = words.arguments[0] ?? "";
  const depsFactory = textOf(words, "deps");
  checkEntry("<entry>", entry);
  if (depsFactory !== undefined) checkEntry("--deps", depsFactory);
  const directory = resolve(cwd, textOf(words, "cwd") ?? ".");
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalidArgument("--cwd", textOf(words, "cwd"), "a directory");
  }
  return { entry, depsFactory, cwd: directory, interpreter: textOf(words, "python") };
}

function teller(words: Words, { cwd, out, error }: Terminal): (news: News) => void {
  if (isSet(words, "json")) return (news) => out(JSON.stringify(news));
  return (news) => {
    switch (news.type) {
      case "written":
        return out(`${relative(cwd, news.file)}: written`);
      case "up_to_date":
        return out(`${relative(cwd, news.file)}: up to date`);
      case "out_of_date":
        return error(`${relative(cwd, news.file)}: out of date; synapse-otp typegen without --check writes it`);
      case "failed":
        return error(news.message);
      case "unwatched":
        return error(`"${news.folder}" cannot be watched: ${news.message}`);
    }
  };
}

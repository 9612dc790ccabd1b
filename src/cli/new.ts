/** `synapse-otp new`: makes a project that runs, and passes its own test, as it is. */

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { CallerError, invalidArgument } from "../errors.ts";
import { type Command, isSet } from "./command.ts";
import { projectFiles } from "./new-project.ts";

const details = `Makes a project in a folder that is empty or not there: a service in TypeScript, a
system of one agent in Python that answers from a script (no key, no network), and a
test of both.`;

/** What npm takes as the name of a package, without a scope. */
const packageName = /^[a-z0-9][a-z0-9._-]{0,213}$/;

/** The command. */
export const newCommand: Command = {
  name: "new",
  summary: "make a project: a service, an agent, a test",
  details,
  arguments: [{ name: "folder", summary: "where it is made; its last part is the project's name", names: "file" }],
  options: [{ flags: "--json", summary: "one JSON object: folder, files" }],
  examples: ["synapse-otp new answers"],
  run(words, { cwd, out }) {
    const folder = resolve(cwd, words.arguments[0] ?? "");
    const name = basename(folder).toLowerCase();
    if (!packageName.test(name)) {
      throw invalidArgument("folder", name, 'named as a package is: letters, digits, ".", "_" and "-"');
    }
    const files = projectFiles(name);
    makeProject(folder, files);
    if (isSet(words, "json")) {
      out(JSON.stringify({ folder, files: Object.keys(files) }));
      return Promise.resolve(0);
    }
    const way = relative(cwd, folder);
    const steps = ["npm install", "npm run setup", "npm test", "npm start"];
    const lines = way === "" ? steps : [`cd ${way}`, ...steps];
    out(
      `made "${folder}" with ${Object.keys(files).length} files; now:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    );
    return Promise.resolve(0);
  },
};

/** @throws CallerError "already_present" when there is something in the folder, "invalid_argument" when it cannot be written */
function makeProject(folder: string, files: Readonly<Record<string, string>>): void {
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) {
      throw new CallerError("already_present", `"${folder}" is not empty: a project is made in a folder of its own`, {
        field: "folder",
        value: folder,
      });
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // What has come meanwhile is not written over.
      writeFileSync(join(folder, path), text, { flag: "wx" });
    }
  } catch (cause) {
    if (cause instanceof CallerError) throw cause;
    throw invalidArgument("folder", folder, `a folder that can be written: ${(cause as Error).message}`, cause);
  }
}

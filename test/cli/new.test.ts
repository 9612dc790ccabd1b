import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { newCommand } from "../../src/cli/new.ts";
import { ownPackage } from "../../src/python/needs.ts";
import { scriptFolder } from "../script/script-process.ts";
import { createTerminal, runCommand } from "./terminal.ts";

test("a project is made in a folder of its own, named after it, and what to type next is said", async () => {
  const { folder, path } = scriptFolder({});
  const { terminal, out } = createTerminal(folder);
  expect(await runCommand(newCommand, ["apps/Answers"], terminal)).toBe(0);
  expect(out.join("\n")).toBe(
    `made "${path("apps/Answers")}" with 9 files; now:\n  cd apps/Answers\n  npm install\n  npm run setup\n  npm test\n  npm start`,
  );
  const made = JSON.parse(readFileSync(path("apps/Answers/package.json"), "utf8"));
  expect(made).toMatchObject({ name: "answers", dependencies: { "synapse-otp": `^${ownPackage.version}` } });
  expect(readFileSync(path("apps/Answers/tree.ts"), "utf8")).toContain('name: "answers"');
});

test("--json tells the files", async () => {
  const { folder, path } = scriptFolder({});
  const { terminal, out } = createTerminal(folder);
  await runCommand(newCommand, ["answers", "--json"], terminal);
  const { files, ...rest } = JSON.parse(out.join("\n"));
  expect(rest).toEqual({ folder: path("answers") });
  const found = readdirSync(path("answers"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(found.map(({ name }) => name).sort()).toEqual(files.map((file: string) => file.split("/").at(-1)).sort());
});

test("what is in a folder is left alone", async () => {
  const { folder, path } = scriptFolder({ "answers/notes.txt": "mine" });
  mkdirSync(path("bad"));
  writeFileSync(path("file"), "");
  for (const [name, message] of [
    ["answers", "is not empty"],
    ["file", "a folder that can be written"],
    ["sp ace", "named as a package is"],
  ] as const) {
    const { terminal, error } = createTerminal(folder);
    expect(await runCommandLine(["new", name], terminal)).toBe(1);
    expect(error.join("\n")).toContain(message);
  }
  expect(readdirSync(path("answers"))).toEqual(["notes.txt"]);
});

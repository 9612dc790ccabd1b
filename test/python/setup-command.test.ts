import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runSetup, shellWord } from "../../src/python/setup-command.ts";

const root = resolve(import.meta.dirname, "..", "..");
const program = `${process.execPath} ${join(root, "src", "cli", "main.ts")}`;

let project: string;
beforeEach(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), "setup-command-")));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

/** Installs a package of our name, as npm does: the folder, and the command beside it. */
function install(folder: string, target: string): void {
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  symlinkSync(target, join(folder, "node_modules", "synapse-otp"));
  writeFileSync(join(folder, "node_modules", ".bin", "synapse-otp"), "");
}

test("where this package is installed, npx runs the command", () => {
  install(project, root);
  expect(runSetup(["--clear"], project)).toBe(`run in "${project}": npx synapse-otp setup --clear`);
  const below = join(project, "packages", "one");
  mkdirSync(below, { recursive: true });
  expect(runSetup([], below)).toBe(`run in "${below}": npx synapse-otp setup`);
});

test("where npx would take another package or fetch one, the program is named by its path", () => {
  expect(runSetup([], project)).toBe(`run in "${project}": ${program} setup`);
  mkdirSync(join(project, "other"));
  install(project, join(project, "other"));
  expect(runSetup([], project)).toBe(`run in "${project}": ${program} setup`);
});

test("the directory is left out where the reader is already, and words are quoted for the shell", () => {
  expect(runSetup(["--python", "/a b/it's"], process.cwd())).toBe(`run: ${program} setup --python '/a b/it'\\''s'`);
});

test("a word that the shell would read otherwise is quoted", () => {
  expect(["plain", "a=b:c@d,e+f%g", "/x-y_z.1", "", "a>=1", "$HOME", "a;b"].map(shellWord)).toEqual([
    "plain",
    "a=b:c@d,e+f%g",
    "/x-y_z.1",
    "''",
    "'a>=1'",
    "'$HOME'",
    "'a;b'",
  ]);
});

/** How the set-up command is written in a message: so that it works where the reader is told to run it, and reaches this very package. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { programOf, searchPackage } from "./package-folder.ts";

/**
 * The instruction to run `synapse-otp setup` with these arguments in `cwd`: `run: npx synapse-otp setup`. Where npx would not find this package,
 * and might fetch one from the registry instead, the program is named by its path. The directory is named when it is not this process's.
 */
export function runSetup(args: readonly string[], cwd: string): string {
  const words = [...commandIn(cwd), "setup", ...args].map(shellWord).join(" ");
  return isHere(cwd) ? `run: ${words}` : `run in "${cwd}": ${words}`;
}

function isHere(cwd: string): boolean {
  try {
    return cwd === process.cwd();
  } catch {
    return false; // This process's own directory has been removed.
  }
}

/** The text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function commandIn(cwd: string): string[] {
  const npx = ["npx", "synapse-otp"];
  const found = searchPackage();
  if (!("root" in found) || npxFinds(found.root, cwd)) return npx;
  const program = programOf(found.root);
  return existsSync(program) ? [process.execPath, program] : npx;
}

/** Whether a node_modules folder of `cwd`, or of a folder above it, offers the command of the package in this folder. */
function npxFinds(root: string, cwd: string): boolean {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const modules = join(folder, "node_modules");
    if (existsSync(join(modules, ".bin", "synapse-otp"))) return isSame(join(modules, "synapse-otp"), root);
    if (folder === dirname(folder)) return false;
  }
}

function isSame(path: string, root: string): boolean {
  try {
    return realpathSync(path) === realpathSync(root);
  } catch {
    return false; // Not installed there: what the command is, is not known.
  }
}

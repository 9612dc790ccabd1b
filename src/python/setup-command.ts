/** How the set-up command is written in a message: so that it works where the reader is told to run it, and reaches this very package. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/** The program behind `npx synapse-otp`. From src/ it is TypeScript, which Node runs as it is. */
const program = fileURLToPath(new URL(`../cli/main.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url));

/**
 * The instruction to run `synapse-otp setup` with these arguments in `cwd`: `run: npx synapse-otp setup`. Where npx would not find this package,
 * and might fetch one from the registry instead, the program is named by its path. The directory is named when it is not this process's.
 */
export function runSetup(args: readonly string[], cwd: string): string {
  const command = npxFinds(cwd) || !existsSync(program) ? ["npx", "synapse-otp"] : [process.execPath, program];
  const words = [...command, "setup", ...args].map(shellWord).join(" ");
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

/** Whether a node_modules folder of `cwd`, or of a folder above it, offers this package's command. */
function npxFinds(cwd: string): boolean {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const modules = join(folder, "node_modules");
    if (existsSync(join(modules, ".bin", "synapse-otp"))) return isThisPackage(join(modules, "synapse-otp"));
    if (folder === dirname(folder)) return false;
  }
}

function isThisPackage(path: string): boolean {
  try {
    return realpathSync(path) === realpathSync(packageRoot);
  } catch {
    return false; // Not installed there: what the command is, is not known.
  }
}

/** Checks that the committed generated code is what the contract generates: it is generated into a temporary directory and compared. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative, resolve } from "node:path";
import { runCommand } from "./child.ts";

const root = resolve(import.meta.dirname, "..");

/** Folders that hold generated code and nothing else. */
const generatedFolders = ["src/gen", "python/src/synapse_otp/v1"];

/** Written by hand, or by Python when it runs; not generated. */
const notGenerated = /(^|\/)(__pycache__|__init__\.py$)/;

/** Rejects with an Error that names the files that differ. Leaves the checkout as it is. */
export async function checkGenerated(): Promise<void> {
  const fresh = mkdtempSync(join(tmpdir(), "synapse-generated-"));
  try {
    const env = {
      ...process.env,
      PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
    };
    const { ok, output } = await runCommand("buf", ["generate", "--output", fresh], { cwd: root, env });
    if (!ok) throw new Error(`buf generate failed:\n${output}`);
    const differences = generatedFolders.flatMap((folder) => compareFolders(join(root, folder), join(fresh, folder)));
    if (differences.length > 0) {
      throw new Error(`generated code is not up to date; run npm run generate\n${differences.join("\n")}`);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** One line for each file that is missing, left over or different. */
export function compareFolders(committed: string, fresh: string): string[] {
  const names = new Set([...listFiles(committed), ...listFiles(fresh)]);
  return [...names].sort().flatMap((name) => {
    const [old, now] = [read(join(committed, name)), read(join(fresh, name))];
    if (old === now) return [];
    const what = old === undefined ? "missing" : now === undefined ? "left over" : "different";
    return [`${what}: ${relative(root, join(committed, name))}`];
  });
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => !notGenerated.test(name));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Only on one side.
  }
}

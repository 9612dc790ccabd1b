/** What the benchmarks' commands share: their options, and where a result is written. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { rootDirectory } from "./settings.ts";

/** Reads `[--quick] [--name <name>] [--directory <directory>]`. The name is `fullName` or `quickName` unless it is given. */
export function readOptions(fullName: string, quickName: string): { quick: boolean; name: string; directory: string } {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      name: { type: "string" },
      directory: { type: "string", default: join(rootDirectory, ".bench") },
    },
  });
  const { quick, name = quick ? quickName : fullName, directory } = values;
  return { quick, name, directory: resolve(directory) };
}

/** Writes `<directory>/<name>.json`; answers its path. */
export function writeResult(result: { readonly name: string }, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${result.name}.json`);
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`);
  return path;
}

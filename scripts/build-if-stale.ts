/** Builds dist/ when it is missing or older than the sources, so that programs which import "synapse-otp" run what is in src/. */

import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "./build.ts";
import { startProgress } from "./progress.ts";

const root = resolve(import.meta.dirname, "..");

/** Builds if it has to. Rejects with an Error that quotes the compiler. */
export async function buildIfStale(): Promise<void> {
  const built = modifiedMs(join(root, "dist", "index.js"));
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((name) =>
    join(root, "src", name),
  );
  const newest = Math.max(...sources.map((path) => modifiedMs(path) ?? 0));
  if (built !== undefined && built >= newest) return;
  const progress = startProgress("Building");
  try {
    await build();
  } catch (error) {
    progress.failed();
    throw error;
  }
  progress.done();
}

function modifiedMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

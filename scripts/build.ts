/**
 * `npm run build`: compiles src/ into dist/, bundles the viewer's page and writes the Python package's wheel into python/dist. Both hold what comes of the sources and nothing else
 * afterwards. npm runs it before it packs, and after an install in a checkout: that one too is how it makes a package of a Git address.
 *
 * Not as "prepare": a packed package that has this script is told to every user as one with an install script.
 */

import { readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPage } from "./build-page.ts";
import { buildWheel } from "./build-wheel.ts";
import { lastLines, runCommand } from "./child.ts";

const root = resolve(import.meta.dirname, "..");

/** What the compiler makes of a file of src/. */
const made = /\.(?:js|js\.map|d\.ts)$/;

/** What the bundler makes of a file of the same name. */
const bundled = /\.css$/;

/** Builds everything. Rejects with an Error that quotes the compiler. */
export async function build(): Promise<void> {
  const compiler = join(root, "node_modules", ".bin", "tsc");
  const { ok, output } = await runCommand(compiler, ["-p", join(root, "tsconfig.build.json")]);
  if (!ok) throw new Error(`the build failed:\n${lastLines(output, 20)}`);
  removeStale(join(root, "dist"), join(root, "src"));
  await buildPage(root, join(root, "dist", "viewer", "page"));
  buildWheel();
}

/** Removes from `dist` what no file of `src` has become, and the folders that are empty then. What stays is never gone in between. */
export function removeStale(dist: string, src: string): void {
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" }).sort().reverse()) {
    const path = join(dist, name);
    if (statSync(path).isDirectory()) {
      if (readdirSync(path).length === 0) rmdirSync(path);
    } else if (!(made.test(name) || bundled.test(name)) || !isFile(join(src, name.replace(made, ".ts")))) {
      rmSync(path);
    }
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/**
 * Makes the page of the local viewer out of src/viewer/page: one script and one style sheet, which need nothing else and nobody's network, and the licences of the
 * packages that are in the script.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Writes app.js, app.css and licences.txt into a directory. Rejects with an Error that quotes the bundler. */
export async function buildPage(root: string, directory: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: ["app.ts", "app.css"].map((name) => join(root, "src", "viewer", "page", name)),
    absWorkingDir: root,
    outdir: directory,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    metafile: true,
    logLevel: "error",
  });
  const names = Object.keys(metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  );
  const licences = [...new Set(names)].sort().map((name) => licenceOf(join(root, "node_modules", name), name));
  writeFileSync(join(directory, "licences.txt"), licences.join("\n\n"));
}

function licenceOf(directory: string, name: string): string {
  const file = readdirSync(directory).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined) throw new Error(`the package "${name}" is in the viewer's page and has no licence`);
  return `${name}\n\n${readFileSync(join(directory, file), "utf8").trim()}\n`;
}

/** Makes the page of the local viewer out of src/viewer/page: one script and one style sheet, which need nothing else and nobody's network. */

import { join } from "node:path";
import { build } from "esbuild";

/** Writes app.js and app.css into a directory. Rejects with an Error that quotes the bundler. */
export async function buildPage(root: string, directory: string): Promise<void> {
  await build({
    entryPoints: ["app.ts", "app.css"].map((name) => join(root, "src", "viewer", "page", name)),
    outdir: directory,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "eof",
    logLevel: "error",
  });
}

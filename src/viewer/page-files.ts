/** The files of the page, as `npm run build` has made them. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CallerError } from "../errors.ts";
import { searchPackage } from "../python/package-folder.ts";

/** The page: what a browser asks for, by path. */
export type PageFiles = ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;

const files = [
  ["/app.js", "text/javascript; charset=utf-8"],
  ["/app.css", "text/css; charset=utf-8"],
] as const;
const shell = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Synapse</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/app.css">
<script type="module" src="/app.js"></script>
</head>
<body><div id="app"></div></body>
</html>
`;

/**
 * Reads the page, from what was built of the npm package.
 * @throws CallerError "not_found" where the package is not found, and in a checkout that was not built
 */
export function loadPage(search = searchPackage()): PageFiles {
  if ("absent" in search)
    throw new CallerError("not_found", `the viewer has no page: ${search.absent}`, { field: "page" });
  const place = join(search.root, "dist", "viewer", "page");
  if (!files.every(([name]) => existsSync(join(place, name)))) {
    const message = "the viewer's page is not built; `npm run build` makes it";
    throw new CallerError("not_found", message, { field: "page", value: place });
  }
  const read = files.map(([name, type]) => [name, { type, body: readFileSync(join(place, name)) }] as const);
  return new Map([["/", { type: "text/html; charset=utf-8", body: Buffer.from(shell) }], ...read]);
}

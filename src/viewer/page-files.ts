/** The files of the page, as `npm run build` has made them. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CallerError } from "../errors.ts";

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

/** Beside this file in the package; in a checkout, where the sources run as they are, in what was built. */
const places = [join(import.meta.dirname, "page"), join(import.meta.dirname, "..", "..", "dist", "viewer", "page")];

/**
 * Reads the page.
 * @throws CallerError "not_found" in a checkout that was not built
 */
export function loadPage(): PageFiles {
  const place = places.find((path) => files.every(([name]) => existsSync(join(path, name))));
  if (place === undefined) {
    throw new CallerError("not_found", "the viewer's page is not built; `npm run build` makes it", {
      field: "page",
      value: places[0],
    });
  }
  const read = files.map(([name, type]) => [name, { type, body: readFileSync(join(place, name)) }] as const);
  return new Map([["/", { type: "text/html; charset=utf-8", body: Buffer.from(shell) }], ...read]);
}

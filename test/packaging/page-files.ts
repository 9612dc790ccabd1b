/** The files of a user's project as a page of the documentation shows them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../e2e/packed.ts";

/** Every block of JavaScript whose first line is a comment with a path, by that path. */
export function readPageFiles(page: string): Record<string, string> {
  const blocks = readFileSync(join(root, "docs", page), "utf8").matchAll(/^```js\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm);
  return Object.fromEntries([...blocks].map(([, code = "", path = ""]) => [path, code]));
}

/**
 * Runs one of the scripts beside this file: `node scripts/run.js setup-python.ts --dev`. Plain JavaScript, so that a Node which cannot read
 * TypeScript gets as far as the sentence that says so.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const oldest = [22, 19];
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(
    `Synapse needs Node ${oldest.join(".")} or newer; this is Node ${process.versions.node}. ` +
      "Run the npm script instead (npm start, npm test): npm ci brings a Node of its own for them.",
  );
  process.exit(1);
}

const script = process.argv[2];
if (script === undefined) {
  console.error("usage: node scripts/run.js <script beside it> [arguments]");
  process.exit(2);
}
const path = resolve(import.meta.dirname, script);
process.argv.splice(1, 2, path);
await import(pathToFileURL(path).href);

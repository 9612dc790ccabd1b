/**
 * Writes the Python package as a wheel into python/dist, where npm packs it: `node scripts/run.js build-wheel.ts`. It needs no Python and no
 * network, and the same sources give the same bytes.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readWheel, recordOf } from "../src/python/wheel.ts";
import { createZip } from "./zip.ts";

const pythonDirectory = resolve(import.meta.dirname, "..", "python");

/**
 * Writes the wheel of a python/ folder into `target`, which holds nothing else afterwards.
 * @returns its path
 */
export function buildWheel(target = join(pythonDirectory, "dist"), source = pythonDirectory): string {
  const { files, fileName, infoFolder } = readWheel(source);
  const record = { path: `${infoFolder}/RECORD`, content: Buffer.from(recordOf(files, infoFolder)) };
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const path = join(target, fileName);
  // RECORD is last, as the specification of wheels asks.
  writeFileSync(path, createZip([...files, record]));
  return path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildWheel();

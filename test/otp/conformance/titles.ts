/** Which rows of the catalogue a test's title names: "S14 …", "S27, S28 …", "G3 and G4 …" or "S152 to S155 …". */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "./catalogue.ts";

const list = /^[SGPDRT]\d+(?:(?:, | and | to |, and )[SGPDRT]\d+)*(?![\w/])/;

const known = new Set(catalogue.map(({ id }) => id));

/** The ids at the start of a title; none when it names no row. Of a range, those that the catalogue has. */
export function rowsOfTitle(title: string): string[] {
  const named = list.exec(title)?.[0] ?? "";
  const parts = named.split(/(, and |, | and | to )/);
  const ids: string[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const id = parts[index] as string;
    if (id === "") continue;
    const last = ids.at(-1);
    if (parts[index - 1] === " to " && last !== undefined) {
      for (let number = numberOf(last) + 1; number < numberOf(id); number += 1) {
        const between = `${id[0]}${number}`;
        if (known.has(between)) ids.push(between);
      }
    }
    ids.push(id);
  }
  return ids;
}

function numberOf(id: string): number {
  return Number(id.slice(1));
}

/** A title that is written in a test file of this folder. */
export interface WrittenTitle {
  readonly file: string;
  readonly title: string;
  /** The rows it names. */
  readonly rows: readonly string[];
}

/** The titles of tests and groups of tests that name a row, read from the files without running them. */
export function readTitles(): WrittenTitle[] {
  // Titles stand in calls, and in tables of cases.
  const title = /(["'`])([SGPDRT]\d+(?:,| ).*?)(?<!\\)\1/g;
  return globSync("*.test.ts", { cwd: import.meta.dirname, exclude: ["catalogue.test.ts"] }).flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    return [...text.matchAll(title)].map(([, , found = ""]) => ({ file, title: found, rows: rowsOfTitle(found) }));
  });
}

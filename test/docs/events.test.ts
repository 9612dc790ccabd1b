import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "agents.md"), "utf8");
const read = (path: string) => readFileSync(join(root, "src", path), "utf8");

/** The first cells of the table that begins with this one. */
function firstCells(head: string): string[] {
  const rows = page.slice(page.indexOf(`| ${head} |`)).split("\n\n", 1)[0] ?? "";
  const cells = [...rows.matchAll(/^\|([^|]*)\|/gm)].slice(2);
  return cells.flatMap(([, cell = ""]) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = ""]) => name)).sort();
}

test("docs/agents.md has every event of a run in one table, and no other", () => {
  const [own = ""] = /export type RunEvent[\s\S]*?;\n\n/.exec(read("agent/run-result.ts")) ?? [];
  const source = `${read("rpc/run-event.ts")}${own}`;
  const types = [...source.matchAll(/type: "([a-z.]+)"/g)].map(([, type = ""]) => type);
  expect(firstCells("event")).toEqual([...new Set(types)].sort());
});

test("docs/agents.md has every field of a result in one table, and no other", () => {
  const [, body = ""] = /export interface RunResult<[^>]*> \{([\s\S]*?)\n\}/.exec(read("agent/run-result.ts")) ?? [];
  const fields = [...body.matchAll(/^ {2}(?:readonly )?(\w+):/gm)].map(([, field = ""]) => field);
  expect(firstCells("of the result")).toEqual(fields.sort());
});

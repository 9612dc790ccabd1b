import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const source = readFileSync(join(root, "src", "system-options.ts"), "utf8");
const page = readFileSync(join(root, "docs", "deploy.md"), "utf8");

/** The fields of an interface, less those that are interfaces of options themselves. */
function fieldsOf(name: string, prefix = ""): string[] {
  const body = new RegExp(`export interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? "";
  return [...body.matchAll(/^ {2}readonly (\w+)\??: (\w+)/gm)].flatMap(([, field = "", type = ""]) =>
    source.includes(`export interface ${type} {`) ? fieldsOf(type, `${field}.`) : [`${prefix}${field}`],
  );
}

test("docs/deploy.md has every option of startSystem in one table, and no other", () => {
  const [, table = ""] = /## The options of a system\n[\s\S]*?\n((?:\|.*\n)+)/.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.sort()).toEqual(fieldsOf("SystemOptions").sort());
});

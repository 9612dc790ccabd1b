/** That no row of the catalogue is forgotten: read from the titles, without running the tests. `npm run conformance` runs them and counts. */

import { describe, expect, test } from "vitest";
import { catalogue, letters } from "./catalogue.ts";
import { notApplicable } from "./not-applicable.ts";
import { readTitles, rowsOfTitle } from "./titles.ts";

const titles = readTitles();
const named = new Set(titles.flatMap(({ rows }) => rows));
const adapted = new Set(titles.filter(({ title }) => title.includes("(adapted")).flatMap(({ rows }) => rows));
const excused = new Map(notApplicable.map(({ id, why }) => [id, why]));

describe.each(letters)("the rows of letter %s", (letter) => {
  const rows = catalogue.filter(({ id }) => id.startsWith(letter));
  const where = (...applies: string[]) => rows.filter((row) => applies.includes(row.applies)).map(({ id }) => id);

  test("that apply have a test whose title begins with them", () => {
    expect(where("yes", "adapted").filter((id) => !named.has(id))).toEqual([]);
  });

  test("that apply by other means have a title that says which", () => {
    expect(where("adapted").filter((id) => !adapted.has(id))).toEqual([]);
  });

  test("that do not apply have a reason and no test", () => {
    expect(where("no").filter((id) => (excused.get(id) ?? "") === "")).toEqual([]);
    expect(where("no").filter((id) => named.has(id))).toEqual([]);
  });
});

test("a title names rows of the catalogue only", () => {
  const known = new Set(catalogue.map(({ id }) => id));
  expect([...named].filter((id) => !known.has(id))).toEqual([]);
});

test("a reason stands once, for a row that does not apply", () => {
  const none = catalogue.filter(({ applies }) => applies === "no").map(({ id }) => id);
  expect(notApplicable.map(({ id }) => id).sort()).toEqual(none.sort());
});

test("a row stands in the catalogue once", () => {
  expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
});

test.each([
  ["S14 an unknown id is not found", ["S14"]],
  ["S27, S28 and S30 hold together", ["S27", "S28", "S30"]],
  ["G3 to G6: names", ["G3", "G4", "G6"]],
  ["a child is started", []],
  ["S3x is none", []],
] as const)('the rows of "%s" are %j', (title, rows) => {
  expect(rowsOfTitle(title)).toEqual(rows);
});

/** Holds docs/otp.md's table of differences against tests: each row has at least one, each test is of a row, and what OTP's own tests pin down is said. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalogue } from "../otp/conformance/catalogue.ts";
import { absent } from "./differences/absent.ts";
import { answers } from "./differences/answers.ts";
import { catalogued, sameForUsers } from "./differences/catalogue.ts";
import { children } from "./differences/children.ts";
import { hosts } from "./differences/hosts.ts";
import { looking } from "./differences/looking.ts";
import { names } from "./differences/names.ts";
import { processes } from "./differences/processes.ts";
import { requests } from "./differences/requests.ts";
import { signals } from "./differences/signals.ts";
import { specifications } from "./differences/specifications.ts";
import { supervisors } from "./differences/supervisors.ts";
import { findGaps, readDifferences } from "./differences/table.ts";
import { tables } from "./differences/tables.ts";
import { tasks } from "./differences/tasks.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/otp.md"), "utf8");
const rows = readDifferences(page);
const areas = [
  answers,
  signals,
  processes,
  names,
  requests,
  hosts,
  looking,
  absent,
  specifications,
  supervisors,
  children,
  tables,
  tasks,
];

for (const area of areas) {
  for (const [subject, checks] of Object.entries(area)) {
    for (const [holds, check] of Object.entries(checks)) test(`${subject}: ${holds}`, check);
  }
}

describe("the table, its tests and the catalogue of OTP's own tests", () => {
  test("every row has a test, and every test a row", () => {
    expect(findGaps(rows, areas)).toEqual([]);
  });

  test("a new row without a test fails, and so do tests without a row and what stands twice; the message says what to do", () => {
    const row = (subject: string) => ({ subject, erlang: "there", here: "not there" });
    const check = () => undefined;
    const three = [{ tested: { holds: check } }, { twice: { holds: check } }, { twice: { holds: check } }];
    expect(
      findGaps(
        [row("tested"), row("new"), row("twice"), row("empty"), row("new")],
        [...three, { empty: {}, gone: { holds: check } }],
      ),
    ).toEqual([
      'the row "new" has no test: add what it claims to test/docs/differences',
      'the row "empty" has no test: add what it claims to test/docs/differences',
      'the row "new" has no test: add what it claims to test/docs/differences',
      'there is no row "gone": its tests are of nothing',
      'the row "new" stands twice: make one of both',
      'the row "twice" has tests in two files: put them into one',
    ]);
  });

  test("rows are read in their order, with their three cells", () => {
    const table = "| subject | Erlang | here |\n|---|---|---|\n| `{a, b}` | x | y, z |\n| second | | not there |\n";
    const text = `# A page\n\n## Differences from OTP\n\n${table}\nMore.\n\n| other | table | here |\n|---|---|---|\n| a | b | c |\n`;
    expect(readDifferences(text)).toEqual([
      { subject: "`{a, b}`", erlang: "x", here: "y, z" },
      { subject: "second", erlang: "", here: "not there" },
    ]);
    expect(() => readDifferences("# Another page\n")).toThrow("no heading");
    expect(() => readDifferences(text.replace("| x |", "|"))).toThrow("no row of three cells");
  });

  test("whatever the catalogue marks as adapted, or not applicable, is said by a row", () => {
    const covered = Object.values(catalogued).flatMap((ids) => ids.split(" "));
    const said = [...covered, ...sameForUsers.split(" ")];
    const others = catalogue.filter(({ applies }) => applies !== "yes").map(({ id }) => id);
    expect(others.filter((id) => !said.includes(id))).toEqual([]);
    expect(said.filter((id) => !others.includes(id))).toEqual([]);
    expect(new Set(said).size).toBe(said.length);
  });

  test("and that row is there", () => {
    const subjects = rows.map(({ subject }) => subject);
    expect(Object.keys(catalogued).filter((subject) => !subjects.includes(subject))).toEqual([]);
  });
});

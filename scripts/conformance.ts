/**
 * `npm run conformance`: runs the tests of the OTP conformance catalogue and counts its rows, letter by letter. Fails when a row that applies has
 * no passing test, when one has a failing test, and when a row that does not apply has no reason.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { catalogue, letters } from "../test/otp/conformance/catalogue.ts";
import { notApplicable } from "../test/otp/conformance/not-applicable.ts";
import { rowsOfTitle } from "../test/otp/conformance/titles.ts";
import { endOnSignal, runCommand } from "./child.ts";

/** What is read of vitest's JSON report. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly ancestorTitles: readonly string[];
      readonly status: string;
    }[];
  }[];
}

const root = resolve(import.meta.dirname, "..");
const directory = mkdtempSync(join(tmpdir(), "synapse-conformance-"));
const removeHandlers = endOnSignal(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, "report.json");
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const args = [
  "run",
  join("test", "otp", "conformance"),
  "--exclude",
  "**/catalogue.test.ts",
  "--reporter=json",
  `--outputFile=${file}`,
];
const { output } = await runCommand(process.execPath, [vitest, ...args], { cwd: root });
let report: Report | undefined;
try {
  report = JSON.parse(readFileSync(file, "utf8")) as Report;
} catch {
  console.error(`vitest wrote no report:\n${output}`);
}
rmSync(directory, { recursive: true, force: true });
removeHandlers();
process.exitCode = report !== undefined && print(report) ? 0 : 1;

/** Prints the counts and answers whether everything is as it should be. */
function print({ testResults }: Report): boolean {
  const passed = new Set<string>();
  const failed = new Set<string>();
  const failures: string[] = [];
  for (const { name, message, assertionResults } of testResults) {
    if (assertionResults.length === 0) failures.push(`${name}: ${message}`);
    for (const { title, ancestorTitles, status } of assertionResults) {
      const titles = [title, ...ancestorTitles.toReversed()];
      const rows = titles.map(rowsOfTitle).find((found) => found.length > 0) ?? [];
      for (const id of rows) (status === "passed" ? passed : failed).add(id);
      if (status !== "passed") failures.push(`${status}: ${[...ancestorTitles, title].join(" > ")}`);
    }
  }
  const excused = new Set(notApplicable.filter(({ why }) => why !== "").map(({ id }) => id));
  const isCovered = (id: string): boolean => passed.has(id) && !failed.has(id);
  const table = letters.map((letter) => {
    const rows = catalogue.filter(({ id }) => id.startsWith(letter));
    const apply = rows.filter(({ applies }) => applies !== "no");
    const covered = apply.filter(({ id }) => isCovered(id));
    const none = rows.filter(({ applies }) => applies === "no");
    return {
      letter,
      rows: rows.length,
      covered: covered.length,
      adapted: covered.filter(({ applies }) => applies === "adapted").length,
      notApplicable: none.filter(({ id }) => excused.has(id)).length,
      missing: [
        ...apply.filter(({ id }) => !isCovered(id)).map(({ id }) => id),
        ...none.filter(({ id }) => !excused.has(id)).map(({ id }) => `${id} (no reason)`),
      ],
    };
  });
  const sum = (count: (line: (typeof table)[number]) => number) =>
    table.reduce((total, line) => total + count(line), 0);
  console.log("     rows  covered  of them adapted  not applicable  missing");
  for (const line of table) printLine(line.letter, line);
  printLine("all", {
    rows: sum(({ rows }) => rows),
    covered: sum(({ covered }) => covered),
    adapted: sum(({ adapted }) => adapted),
    notApplicable: sum(({ notApplicable }) => notApplicable),
    missing: table.flatMap(({ missing }) => missing),
  });
  for (const { letter, missing } of table) {
    if (missing.length > 0) console.log(`\nmissing in ${letter}: ${missing.join(" ")}`);
  }
  if (failures.length > 0) console.log(`\n${failures.join("\n")}`);
  return failures.length === 0 && table.every(({ missing }) => missing.length === 0);
}

function printLine(
  name: string,
  counts: { rows: number; covered: number; adapted: number; notApplicable: number; missing: readonly string[] },
): void {
  const { rows, covered, adapted, notApplicable, missing } = counts;
  const cells = [
    [rows, 6],
    [covered, 9],
    [adapted, 17],
    [notApplicable, 16],
    [missing.length, 9],
  ] as const;
  console.log(name.padEnd(3) + cells.map(([value, width]) => String(value).padStart(width)).join(""));
}

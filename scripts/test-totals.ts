/** Counts tests from the reports that the test runners write. */

import { existsSync, readFileSync } from "node:fs";

/** How many tests there were of each kind. */
export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const none: TestTotals = { passed: 0, failed: 0, skipped: 0 };

/** Counts of a JSON report of vitest; a file that could not even be loaded is one failure. Without a report, nothing ran. */
export function readVitestReport(path: string): TestTotals {
  if (!existsSync(path)) return none;
  const report = JSON.parse(readFileSync(path, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
    testResults: { status: string; assertionResults: unknown[] }[];
  };
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Counts of a JUnit report of pytest. Without a report, nothing ran. */
export function readPytestReport(path: string): TestTotals {
  if (!existsSync(path)) return none;
  const suites = [...readFileSync(path, "utf8").matchAll(/<testsuite\s([^>]*)>/g)];
  return addTotals(
    suites.map(([, attributes = ""]) => {
      const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
      const failed = count("failures") + count("errors");
      const skipped = count("skipped");
      return { passed: count("tests") - failed - skipped, failed, skipped };
    }),
  );
}

/** The sum. */
export function addTotals(totals: readonly TestTotals[]): TestTotals {
  return totals.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    none,
  );
}

/** "12 passed, 0 failed, 1 skipped" */
export function describeTotals({ passed, failed, skipped }: TestTotals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

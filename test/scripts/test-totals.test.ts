import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addTotals, describeTotals, readPytestReport, readVitestReport } from "../../scripts/test-totals.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "test-totals-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function report(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test("pytest's errors count as failures", () => {
  const path = report(
    "pytest.xml",
    '<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"></testsuite></testsuites>',
  );
  expect(readPytestReport(path)).toEqual({ passed: 4, failed: 3, skipped: 3 });
});

test("a test file that vitest could not load counts as a failure", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "passed", assertionResults: [{}] },
  ];
  const counts = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
  const path = report("vitest.json", JSON.stringify({ ...counts, testResults }));
  expect(readVitestReport(path)).toEqual({ passed: 5, failed: 2, skipped: 3 });
});

test("without a report nothing ran", () => {
  expect(addTotals([readPytestReport("nowhere.xml"), readVitestReport("nowhere.json")])).toEqual({
    passed: 0,
    failed: 0,
    skipped: 0,
  });
});

test("totals are described in one line", () => {
  expect(describeTotals({ passed: 12, failed: 0, skipped: 1 })).toBe("12 passed, 0 failed, 1 skipped");
});

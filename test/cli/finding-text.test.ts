import { expect, test } from "vitest";
import { findingText, fixSentence, summaryText } from "../../src/cli/finding-text.ts";

test("a finding stands in a column of its own, and a command on a line of its own", () => {
  const message = `a sentence ${"that goes on ".repeat(8)}to its end`;
  const command = `npx synapse-otp setup --python /${"x".repeat(90)}`;
  const text = findingText({
    check: "packages",
    status: "failure",
    message,
    fix: { before: "rename it, then run:", command, after: "then unset PYTHON_EXEC" },
  });
  const lines = text.split("\n");
  expect(lines[0]).toMatch(/^✗ FAILURE {2}packages {5}a sentence that goes on/);
  expect(lines).toContain(`  $ ${command}`);
  expect(lines.filter((line) => !line.startsWith("  $ ")).every((line) => line.length <= 80)).toBe(true);
  expect(lines.slice(0, -3).join(" ").replaceAll(/ +/g, " ")).toContain(message);
  expect(lines.at(-1)).toBe(`${" ".repeat(24)}then unset PYTHON_EXEC`);
});

test.each([
  ["ok", "✓ ok"],
  ["warning", "! warning"],
  ["failure", "✗ FAILURE"],
  ["skipped", "- skipped"],
] as const)("%s is told by a sign and a word", (status, start) => {
  expect(findingText({ check: "node", status, message: "it is" })).toBe(`${start.padEnd(11)}node         it is`);
});

test("the summary counts", () => {
  const one = { check: "node", message: "" } as const;
  expect(
    summaryText([
      { ...one, status: "ok" },
      { ...one, status: "warning" },
    ]),
  ).toBe("agents can run here: 1 ok, 1 warning, 0 failures, 0 skipped");
  expect(summaryText([{ ...one, status: "failure" }])).toMatch(/^agents cannot run here: .* 1 failure,/);
});

test("a fix is one sentence", () => {
  expect(fixSentence({ before: "run:", command: "x", after: "then y" })).toBe("run: x; then y");
  expect(fixSentence({ before: "raise it" })).toBe("raise it");
});

import { expect, test } from "vitest";
import { defaultRunLimits, normalizeRunLimits } from "../../src/agent/run-limits.ts";

test("what is not said has its default", () => {
  expect(normalizeRunLimits("runs", undefined)).toEqual(defaultRunLimits);
  expect(normalizeRunLimits("runs", { keepMs: 5, maxRuns: undefined })).toEqual({ ...defaultRunLimits, keepMs: 5 });
});

test.each([
  ["maxBytes", 1_023],
  ["maxBytes", Number.POSITIVE_INFINITY],
  ["maxBytesPerRun", 0.5],
  ["keepMs", 0],
  ["keepMs", 2_147_483_648],
  ["maxRuns", 0],
  ["maxRuns", "many"],
])("%s %s is refused by name, value and rule", (field, value) => {
  expect(() => normalizeRunLimits("options.runs", { [field]: value })).toThrow(
    expect.objectContaining({
      code: "invalid_argument",
      field: `options.runs.${field}`,
      value,
      rule: expect.stringMatching(/^an integer from [\d,]+ to [\d,]+/),
    }),
  );
});

test("what is no object, or has a field that there is not, is refused", () => {
  expect(() => normalizeRunLimits("options.runs", 5 as never)).toThrow(/options\.runs is 5; it must be an object/);
  expect(() => normalizeRunLimits("options.runs", { maxByte: 5 } as never)).toThrow(/options\.runs\.maxByte/);
});

import { expect, test } from "vitest";
import { describeExitReason, type ExitReason, isShutdown } from "../../../src/otp/report/exit-reason.ts";
import { failedStart } from "../../../src/otp/supervisor/failed-start.ts";

test("is a shutdown that names the child and why it did not start", () => {
  const reason = failedStart("a", "timeout");
  expect(reason).toEqual({ shutdown: { type: "failed_to_start_child", childId: "a", reason: "timeout" } });
  expect(isShutdown(reason)).toBe(true);
  expect(describeExitReason(reason)).toBe('child "a" did not start: timeout');
});

test("has a text with the child at the bottom and its error, however many supervisors are between", () => {
  let reason: ExitReason = failedStart("leaf", new Error("no room at the bottom"));
  for (let level = 20_000; level > 0; level -= 1) reason = failedStart(`s${level}`, reason);
  expect(describeExitReason(reason)).toBe(
    'child "s1" did not start, below it child "leaf": Error: no room at the bottom',
  );
});

test.each(["killed", { shutdown: "x" }, { shutdown: null }, { other: 1 }, new Error("plain")])(
  "takes %o as an inmost reason",
  (inner) => {
    expect(describeExitReason(failedStart("a", inner))).toBe(`child "a" did not start: ${describeExitReason(inner)}`);
  },
);

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CallerError, ProcessError, RunError, type RunErrorKind, WorkerError } from "../src/errors.ts";
import { httpStatuses, httpStatusesOfKinds, httpStatusOf } from "../src/http-status.ts";

test.each([
  [400, new CallerError("invalid_argument", "x")],
  [413, new CallerError("message_too_large", "x")],
  [503, new CallerError("queue_full", "x")],
  [504, new RunError("deadline_exceeded", "x")],
  [499, new RunError("run_cancelled", "x")],
  [500, new RunError("run_failed", "x")],
  [503, new WorkerError("worker_exited", "x")],
  [500, new WorkerError("entry_module_missing", "x")],
  [504, new ProcessError("timeout", "x")],
  [500, new Error("of somebody else")],
  [500, undefined],
])("%i for %s", (status, error) => {
  expect(httpStatusOf(error)).toBe(status);
});

test.each<[number, RunErrorKind, number | undefined]>([
  [400, "validation", undefined],
  [429, "usage_limit_exceeded", undefined],
  [502, "model_http", 500],
  [503, "model_http", 429],
  [422, "content_filter", undefined],
  [503, "model_rate_limit", 429],
  [503, "model_quota", 429],
  [503, "model_overloaded", 529],
  [504, "model_timeout", undefined],
  [502, "model_authentication", 401],
  [413, "context_window", 400],
  [500, "user_code", undefined],
])("%i for a failed run of kind %s", (status, kind, httpStatus) => {
  expect(
    httpStatusOf(new RunError("run_failed", "x", { kind, ...(httpStatus === undefined ? {} : { httpStatus }) })),
  ).toBe(status);
  expect(httpStatusOf(new RunError("deadline_exceeded", "x", { kind }))).toBe(504);
});

test("docs/errors.md has the same table", () => {
  const page = readFileSync(join(import.meta.dirname, "..", "docs", "errors.md"), "utf8");
  const section = page.slice(page.indexOf("\n## HTTP"));
  const told = new Map<string, number>();
  for (const [, status, cells = ""] of section.matchAll(/^\| (\d{3}) \|([^|]*)\|/gm)) {
    for (const [, name = ""] of cells.matchAll(/`(\w+)`/g)) told.set(name, Number(status));
  }
  expect(Object.fromEntries([...told].sort())).toEqual(
    Object.fromEntries(Object.entries({ ...httpStatuses, ...httpStatusesOfKinds }).sort()),
  );
});

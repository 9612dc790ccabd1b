import { expect, test } from "vitest";
import { judgeStart } from "../../src/doctor/start.ts";

test("a start is told with how long it took", () => {
  expect(judgeStart({ startMs: 812.4, runMs: 9 })).toEqual({
    check: "start",
    status: "ok",
    message: "a worker was ready 812 ms after its spawn and answered a run in 9 ms",
  });
});

test("a start that failed is told with the error's words, and the command in them is the fix", () => {
  expect(judgeStart({ failed: "[worker_exited] the worker ended" })).toEqual({
    check: "start",
    status: "failure",
    message: "a worker does not serve: [worker_exited] the worker ended",
  });
  expect(judgeStart({ failed: "[worker_import_failed] broken\nif damaged, run: pip install x" })).toMatchObject({
    fix: { before: "run:", command: "pip install x" },
  });
});

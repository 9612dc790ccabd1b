import { expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import { exitClasses, runErrorIn } from "../../../src/otp/policy/exit-classes.ts";
import { thorny } from "../hostile-messages.ts";
import { refused } from "./exits.ts";

const cause = refused(429);

test.each([
  ["killed", ["killed"]],
  [{ shutdown: "done" }, ["shutdown"]],
  [{ cause: "hung", describe: "it hung" }, ["hung", "crash"]],
  [{ cause: "load_failed", loadFailure: { kind: "module_missing" } }, ["module_missing", "load_failed", "crash"]],
  [new TypeError("a mistake"), ["TypeError", "error"]],
  [cause, ["model_http", "run_failed", "RunError", "error"]],
  [new Error("around it", { cause }), ["Error", "error", "model_http", "run_failed", "RunError"]],
  [7, []],
  [null, []],
  [undefined, []],
])("%o is called %o", (reason, names) => {
  expect(exitClasses({ reason })).toEqual(names);
});

test("a start that failed is called that too, after what is more telling", () => {
  expect(exitClasses({ reason: { cause: "spawn_failed" }, failedStarts: 2 })).toEqual([
    "spawn_failed",
    "crash",
    "failed_start",
  ]);
});

test("a circle of causes and a Proxy that throws are called something, or nothing", () => {
  const circle = new Error("a circle");
  circle.cause = circle;
  expect(exitClasses({ reason: circle })).toEqual(["Error", "error"]);
  expect(exitClasses({ reason: thorny() as object })).toEqual([]);
});

test("the error of a run is found behind what it has caused", () => {
  expect(runErrorIn(new Error("outer", { cause: new Error("inner", { cause }) }))).toBe(cause);
  expect(runErrorIn(cause)).toBeInstanceOf(RunError);
  expect([runErrorIn(new Error("of its own")), runErrorIn("killed")]).toEqual([undefined, undefined]);
});

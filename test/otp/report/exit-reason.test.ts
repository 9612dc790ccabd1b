import { expect, test } from "vitest";
import { describeExitReason, exitReasonOf, isCleanExit, isShutdown } from "../../../src/otp/report/exit-reason.ts";

test.each(["normal", "shutdown", { shutdown: 1 }, { shutdown: undefined }])("%o is clean", (reason) => {
  expect(isCleanExit(reason)).toBe(true);
});

test.each(["killed", "kill", "noproc", "timeout", "bye", new Error("x"), {}])("%o is a crash", (reason) => {
  expect(isCleanExit(reason)).toBe(false);
});

test("only shutdown forms are a shutdown", () => {
  expect([isShutdown("shutdown"), isShutdown({ shutdown: 0 }), isShutdown("normal")]).toEqual([true, true, false]);
});

test("an error with a property named shutdown is a crash all the same", () => {
  expect(isCleanExit(Object.assign(new Error("x"), { shutdown: true }))).toBe(false);
});

test("a reason is described in words", () => {
  expect(describeExitReason("died")).toBe("died");
  expect(describeExitReason(new TypeError("no"))).toBe("TypeError: no");
  expect(describeExitReason({ describe: "pid 7 was killed" })).toBe("pid 7 was killed");
  expect(describeExitReason({ shutdown: "later" })).toBe('{"shutdown":"later"}');
});

test("a thrown value that is no error becomes one and keeps the value as its cause", () => {
  expect(exitReasonOf("boom")).toMatchObject({ message: "thrown: boom", cause: "boom" });
});

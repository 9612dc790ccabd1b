import { expect, test } from "vitest";
import type { CrashRecord } from "../src/crash.ts";
import { leftDown } from "../src/left-down.ts";

const crash = (type: "restart" | "leave" | "give_up") =>
  ({ decision: type === "restart" ? { type, delayMs: 0, because: "why" } : { type, because: "why" } }) as CrashRecord;

test("an agent is left down when it has stopped and the decision about its last crash was no restart", () => {
  expect(leftDown({ state: "stopped", lastCrash: crash("leave") })).toBe("why");
  expect(leftDown({ state: "stopped", lastCrash: crash("give_up") })).toBe("why");
  // It was stopped by request, long after a crash or without one.
  expect(leftDown({ state: "stopped", lastCrash: crash("restart") })).toBeUndefined();
  expect(leftDown({ state: "stopped", lastCrash: undefined })).toBeUndefined();
  expect(leftDown({ state: "ready", lastCrash: crash("leave") })).toBeUndefined();
});

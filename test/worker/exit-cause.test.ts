import { expect, test } from "vitest";
import { exitCause, nextVerdict, type Verdict } from "../../src/worker/exit-cause.ts";

test.each<[Verdict | undefined, NodeJS.Signals | null, string]>([
  [undefined, null, "exited"],
  [undefined, "SIGKILL", "signaled"],
  ["stop", null, "stopped"],
  ["stop", "SIGSEGV", "signaled"],
  ["stop_overdue", "SIGKILL", "killed"],
  ["stop_overdue", null, "stopped"],
  ["stop_overdue", "SIGSEGV", "signaled"],
  ["kill", "SIGKILL", "killed"],
  ["kill", null, "exited"],
  ["kill", "SIGSEGV", "signaled"],
  ["start_timeout", "SIGKILL", "start_timeout"],
  ["start_timeout", null, "exited"],
  ["load_failed", null, "load_failed"],
  ["load_failed", "SIGKILL", "load_failed"],
  ["protocol_mismatch", "SIGKILL", "protocol_mismatch"],
])("%s and signal %s make the cause %s", (verdict, signal, cause) => {
  expect(exitCause(verdict, signal)).toBe(cause);
});

test("the first verdict counts, but a stop can become a kill", () => {
  expect(nextVerdict(undefined, "stop")).toBe("stop");
  expect(nextVerdict("load_failed", "kill")).toBe("load_failed");
  expect(nextVerdict("start_timeout", "stop")).toBe("start_timeout");
  expect(nextVerdict("stop", "load_failed")).toBe("stop");
  expect(nextVerdict("stop", "kill")).toBe("stop_overdue");
  expect(nextVerdict("stop", "stop_overdue")).toBe("stop_overdue");
});

import { expect, test } from "vitest";
import type { ToldRun } from "../../src/inspect/inspected-system.ts";
import type { Sanitise } from "../../src/inspect/sanitise.ts";
import { ShownRuns } from "../../src/inspect/shown-runs.ts";

const ask = {
  kind: "approval",
  toolName: "pay",
  args: { to: "Ann", password: "hunter2", note: "x".repeat(500) },
} as const;
const run: ToldRun = {
  runId: "1",
  agentId: "clerk",
  state: "waiting",
  kept: true,
  waits: [{ token: "t", name: "deferred_tool_calls", sinceMs: 1, asks: [ask] }],
};
const argsOf = (runs: readonly ToldRun[]) => runs[0]?.waits?.[0]?.asks?.[0]?.args;

test("what people are asked is summarised, as contexts are, and once", () => {
  const shown = new ShownRuns();
  const [first] = shown.of([run]);
  expect(first).toMatchObject({ runId: "1", waits: [{ token: "t", asks: [{ toolName: "pay" }] }] });
  expect(argsOf([first as ToldRun])).toEqual({
    to: "Ann",
    password: "[redacted]",
    note: `${"x".repeat(200)}… (300 more)`,
  });
  expect(argsOf(shown.of([run]))).toBe(argsOf([first as ToldRun]));
});

test("the sanitiser is asked for arguments; what it throws at is not shown", () => {
  const asked: [unknown, string][] = [];
  const sanitise: Sanitise = (value, what) => {
    asked.push([value, what]);
    return { sum: 5 };
  };
  expect(argsOf(new ShownRuns(sanitise).of([run]))).toEqual({ sum: 5 });
  expect(asked).toEqual([[ask.args, "arguments"]]);
  const throwing = () => {
    throw new Error("no");
  };
  expect(argsOf(new ShownRuns(throwing).of([run]))).toBe("(the sanitiser threw)");
});

test("a paused run shows what it asks, a failed one its error, and keys that look like secrets are none", () => {
  const paused = { ...run, state: "paused", waits: undefined, asks: [ask] } as never;
  const failed = {
    ...run,
    state: "failed",
    waits: undefined,
    error: "e".repeat(900),
    idempotencyKey: "sk-live-0123456789abcdef",
  } as never;
  const [one, other] = new ShownRuns().of([paused, failed]);
  expect(one?.asks?.[0]?.args).toMatchObject({ password: "[redacted]" });
  expect(other?.error?.length).toBeLessThan(530);
  expect(other?.idempotencyKey).toBe("[redacted]");
});

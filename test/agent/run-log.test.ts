import { expect, test } from "vitest";
import { RunLog } from "../../src/agent/run-log.ts";
import type { RunEvent } from "../../src/agent/run-result.ts";

const about = { runId: "run-of-logs", agentId: "poet", maxBytes: 4_096 };
const delta = (text: string): RunEvent => ({ type: "text.delta", seq: 7, step: 1, partIndex: 0, text });
const cancelled = (): RunEvent => ({ type: "cancelled", seq: 7, step: 1, reason: "x".repeat(10_000) });

test("events are numbered by the log, whatever number they come with", () => {
  const log = new RunLog(about);
  expect([log.firstSeq, log.lastSeq]).toEqual([1, 0]);
  for (const text of ["a", "b", "c"]) log.add(delta(text), false);
  expect([log.firstSeq, log.lastSeq, log.at(2)]).toEqual([1, 3, { ...delta("b"), seq: 2 }]);
});

test("above its limit the oldest events leave, and the newest stays whatever it takes", () => {
  const log = new RunLog(about);
  for (let count = 0; count < 2_000; count += 1) {
    log.add(delta("word "), false);
    expect(log.bytes).toBeLessThanOrEqual(4_096);
  }
  expect(log.firstSeq).toBeGreaterThan(1_500);
  log.add(delta("x".repeat(10_000)), false);
  expect([log.firstSeq, log.lastSeq]).toEqual([2_001, 2_001]);
  log.add(delta("y"), false);
  expect([log.firstSeq, log.at(2_002)]).toEqual([2_002, { ...delta("y"), seq: 2_002 }]);
});

test("the terminal event is not counted, stays when all others are forgotten, and is read by its number", () => {
  const log = new RunLog(about);
  log.add(delta("a"), false);
  const before = log.bytes;
  log.add(cancelled(), true);
  expect([log.bytes, log.firstSeq, log.terminal?.seq]).toEqual([before, 1, 2]);
  log.clear();
  expect([log.bytes, log.firstSeq, log.lastSeq]).toEqual([0, 2, 2]);
  expect(log.at(2)).toBe(log.terminal);
});

test("who has missed nothing passes the check; who has is told field, value, rule and the first number", () => {
  const log = new RunLog(about);
  log.check(0);
  for (const text of ["a", "b"]) log.add(delta(text), false);
  log.add(cancelled(), true);
  log.clear();
  log.check(2);
  log.check(3);
  let thrown: unknown;
  try {
    log.check(1);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "events_expired", field: "options.after", value: 1, rule: ">= 2", firstSeq: 3 });
  expect((thrown as Error).message).toContain('run "run-of-logs" of agent "poet" keeps its events from 3 on');
});

test("an event is wanted when a reader waits for it, now or later", async () => {
  const log = new RunLog(about);
  let wanted = 0;
  const count = () => {
    wanted += 1;
  };
  const first = log.wanted().then(count);
  await Promise.resolve();
  expect(wanted).toBe(0);
  const wake = () => undefined;
  log.wait(wake);
  await first;
  await log.wanted().then(count);
  expect(wanted).toBe(2);
  log.add(delta("a"), false);
  const third = log.wanted().then(count);
  await Promise.resolve();
  expect(wanted).toBe(2);
  log.wait(wake);
  await third;
});

test("who waits is called once for what comes next, and not after it has left", () => {
  const log = new RunLog(about);
  const calls: string[] = [];
  const one = () => calls.push("one");
  const other = () => calls.push("other");
  log.wait(one);
  log.wait(other);
  log.leave(other);
  log.add(delta("a"), false);
  log.add(delta("b"), false);
  expect(calls).toEqual(["one"]);
});

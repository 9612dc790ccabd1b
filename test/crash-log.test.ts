import { expect, test } from "vitest";
import { CrashLog } from "../src/crash-log.ts";
import { crashRecord } from "./agent/values.ts";

const incarnations = (log: CrashLog, agentId?: string) => log.list(agentId).map(({ incarnation }) => incarnation);

test("the last records are kept, newest last", () => {
  const log = new CrashLog(3);
  expect(log.list()).toEqual([]);
  for (let incarnation = 1; incarnation <= 100; incarnation += 1) log.note(crashRecord({ incarnation }));
  expect(incarnations(log)).toEqual([98, 99, 100]);
});

test("those of one agent are those among them", () => {
  const log = new CrashLog(3);
  for (const agentId of ["a", "b", "a", "c"]) log.note(crashRecord({ agentId, incarnation: log.list().length }));
  expect(log.list().map(({ agentId }) => agentId)).toEqual(["b", "a", "c"]);
  expect(log.list("a")).toHaveLength(1);
  expect(log.list("d")).toEqual([]);
});

test("none are kept where none are wanted", () => {
  const log = new CrashLog(0);
  log.note(crashRecord());
  expect(log.list()).toEqual([]);
});

test("the list is the caller's own", () => {
  const log = new CrashLog(3);
  log.note(crashRecord());
  log.list().pop();
  expect(log.list()).toHaveLength(1);
});

import { expect, test } from "vitest";
import { chatKey, FrontendRuns } from "../../src/agent/frontend-runs.ts";

const run = (runId: string, chatId = "chat", scope?: string) => ({ runId, chatId, scope, protocol: "ag-ui" }) as const;

test("a run is found by its id and a chat's latest by the chat, in their scope alone", () => {
  const runs = new FrontendRuns();
  runs.add(run("r1"));
  runs.add(run("r2"));
  runs.add(run("r3", "chat", "ann"));
  expect([runs.run("r1", undefined)?.runId, runs.run("r1", "ann"), runs.run("r9", undefined)]).toEqual([
    "r1",
    undefined,
    undefined,
  ]);
  expect([runs.latestOf("chat", undefined)?.runId, runs.latestOf("chat", "ann")?.runId]).toEqual(["r2", "r3"]);
  expect(runs.latestOf("other", undefined)).toBe(undefined);
});

test("the oldest of 10,000 is forgotten, with its chat where that has had no other", () => {
  const runs = new FrontendRuns();
  runs.add(run("first", "alone"));
  runs.add(run("second", "shared"));
  for (let index = 0; index < 9_999; index += 1) runs.add(run(`r${index}`, index === 0 ? "shared" : `c${index}`));
  expect([runs.run("first", undefined), runs.latestOf("alone", undefined)]).toEqual([undefined, undefined]);
  expect(runs.latestOf("shared", undefined)?.runId).toBe("r0");
  runs.add(run("one more"));
  expect([runs.run("second", undefined), runs.latestOf("shared", undefined)?.runId]).toEqual([undefined, "r0"]);
});

test("no two scopes name one chat", () => {
  expect(new Set([chatKey(undefined, "a/b"), chatKey("a", "b"), chatKey("a/b", "c"), chatKey("a", "b/c")]).size).toBe(
    4,
  );
  expect(chatKey(undefined, "chat_1-x")).toBe("chat_1-x");
});

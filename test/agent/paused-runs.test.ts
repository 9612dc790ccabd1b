import { expect, test } from "vitest";
import { createConversationStore } from "../../src/agent/conversation-store.ts";
import { pausedOf } from "../../src/agent/paused-run.ts";
import { PausedRuns, type ResumedRun } from "../../src/agent/paused-runs.ts";
import { RunError } from "../../src/errors.ts";
import { oneRequest } from "../../src/usage.ts";
import { wireResult } from "./scripted.ts";

const wire = { ...wireResult(), deferred: { calls: [], approvals: [] } };
const paused = () => pausedOf(wire, { agentId: "a", attempts: 1, incarnation: 1 });

test("a token is spent once, and goes on with the options of its run but for what was of that run alone", () => {
  const runs = new PausedRuns();
  const run = paused();
  const { signal } = new AbortController();
  const frontend = { protocol: "ag-ui", body: new Uint8Array(), serverHistory: true, sdkVersion: 7 } as const;
  runs.keep(run, { deps: 1, signal, timeoutMs: 5, partialOutput: true, deferredResults: {}, frontend });
  expect(runs.take(run.token, "a").kept).toEqual({ paused: run, options: { deps: 1 } });
  expect(() => runs.take(run.token, "a")).toThrow(
    `the paused run of the token "${run.token}" of agent "a" goes on once`,
  );
});

test("a stored run goes on without its process's memory, and spends its token where that is there", () => {
  const runs = new PausedRuns();
  const stored = paused();
  expect(runs.take(stored, "a").kept).toEqual({ paused: stored, options: {} });
  expect(() => runs.take(stored, "a")).toThrow("goes on once");
  const run = paused();
  runs.keep(run, { deps: 1 });
  expect(runs.take(structuredClone(run), "a").kept.options).toEqual({ deps: 1 });
  expect(() => runs.take(run.token, "a")).toThrow("goes on once");
  runs.keep(run, { deps: 1 }); // it was not begun after all
  expect(runs.take(run, "a").kept.options).toEqual({ deps: 1 });
});

test("what is no paused run of this agent is refused", () => {
  const runs = new PausedRuns();
  expect(() => runs.take(7 as never, "a")).toThrow("paused is 7; it must be a token, or a paused run");
  expect(() => runs.take(paused(), "b")).toThrow('paused.agentId is "a"; it must be "b"');
  expect(() => runs.take({ ...paused(), messages: undefined } as never, "a")).toThrow("with its messages and requests");
});

test("the oldest of more than 1,000 gives way", () => {
  const runs = new PausedRuns();
  const all = Array.from({ length: 1_001 }, paused);
  for (const run of all) runs.keep(run, {});
  expect(() => runs.take(all[0]?.token as string, "a")).toThrow("keeps no paused run");
  expect(runs.take(all[1]?.token as string, "a").kept.paused).toBe(all[1]);
});

test("a claim is given back where its run is not begun, or ends without a worker, and names its run", async () => {
  const runs = new PausedRuns();
  const run = paused();
  runs.keep(run, {});
  const fault = new Error("no place");
  runs.take(run.token, "a").giveBack();
  const end = (facts: Partial<ResumedRun>) => {
    const result = Promise.reject(fault);
    runs.take(run.token, "a").follow({ id: "r", progress: undefined, crashes: [], result, ...facts });
    return result.catch(() => undefined);
  };
  await end({});
  await end({
    progress: {} as never,
    result: Promise.reject(new RunError("run_failed", "", { kind: "frontend_request" })),
  });
  await new Promise(setImmediate);
  const refused = new RunError("run_failed", "", { kind: "validation" });
  await end({ progress: {} as never, result: Promise.reject(refused) });
  await new Promise(setImmediate);
  const usage = oneRequest(0, 0);
  const later = new RunError("run_failed", "", { kind: "validation", usage });
  await end({ progress: {} as never, result: Promise.reject(later) });
  await new Promise(setImmediate);
  expect(() => runs.take(run.token, "a")).toThrow(expect.objectContaining({ code: "already_resumed", runId: "r" }));
  const other = paused();
  runs.keep(other, {});
  const result = Promise.reject(fault);
  runs.take(other, "a").follow({ id: "r", progress: undefined, crashes: [{} as never], result });
  await new Promise(setImmediate);
  expect(() => runs.take(other, "a")).toThrow("goes on once");
});

test("a conversation knows what it waits for, until it is past that, and is forgotten with it", () => {
  const runs = new PausedRuns();
  const conversation = { id: "c", store: createConversationStore() };
  const run = paused();
  runs.keep(run, { deps: 1 });
  expect(runs.takeOf(conversation, "a")).toBeUndefined();
  runs.ends(conversation, "unknown");
  expect(runs.takeOf(conversation, "a")).toBeUndefined();
  runs.ends(conversation, run.token);
  expect(runs.takeOf({ ...conversation, id: "d" }, "a")).toBeUndefined();
  expect(runs.takeOf(conversation, "a")?.kept).toEqual({ paused: run, options: { deps: 1 } });
  expect(() => runs.takeOf(conversation, "a")).toThrow("goes on once");
  const next = paused();
  runs.keep(next, {});
  runs.ends(conversation, next.token);
  runs.ends(conversation, undefined);
  expect(runs.takeOf(conversation, "a")).toBeUndefined();
  expect(() => runs.take(next.token, "a")).toThrow("its conversation is past it");
  const slow = paused();
  runs.keep(slow, {});
  runs.ends(conversation, slow.token);
  const claim = runs.take(slow.token, "a");
  runs.ends(conversation, undefined);
  claim.giveBack(); // its run has not begun, and now it is too late
  expect(() => runs.take(slow.token, "a")).toThrow("its conversation is past it");
  const old = paused();
  runs.keep(old, {});
  runs.ends(conversation, old.token);
  for (let count = 0; count < 1_000; count += 1) runs.keep(paused(), {});
  expect(runs.takeOf(conversation, "a")).toBeUndefined();
});

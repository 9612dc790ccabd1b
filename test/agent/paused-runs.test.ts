import { expect, test } from "vitest";
import { pausedOf } from "../../src/agent/paused-run.ts";
import { PausedRuns } from "../../src/agent/paused-runs.ts";
import { wireResult } from "./scripted.ts";

const wire = { ...wireResult(), deferred: { calls: [], approvals: [] } };
const paused = () => pausedOf(wire, { agentId: "a", attempts: 1, incarnation: 1 });

test("a token is spent once, and goes on with the options of its run but for what was of that run alone", () => {
  const runs = new PausedRuns();
  const run = paused();
  const { signal } = new AbortController();
  const frontend = { protocol: "ag-ui", body: new Uint8Array(), serverHistory: true, sdkVersion: 7 } as const;
  runs.keep(run, { deps: 1, signal, timeoutMs: 5, partialOutput: true, deferredResults: {}, frontend });
  expect(runs.take(run.token, "a")).toEqual({ paused: run, options: { deps: 1 } });
  expect(() => runs.take(run.token, "a")).toThrow(`agent "a" keeps no paused run of the token "${run.token}"`);
});

test("a stored run goes on without its process's memory, and spends its token where that is there", () => {
  const runs = new PausedRuns();
  const stored = paused();
  expect(runs.take(stored, "a")).toEqual({ paused: stored, options: {} });
  expect(() => runs.take(stored, "a")).toThrow("it has gone on");
  const run = paused();
  runs.keep(run, { deps: 1 });
  expect(runs.take(structuredClone(run), "a").options).toEqual({ deps: 1 });
  expect(() => runs.take(run.token, "a")).toThrow("keeps no paused run");
  runs.keep(run, { deps: 1 }); // it was not begun after all
  expect(runs.take(run, "a").options).toEqual({ deps: 1 });
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
  expect(runs.take(all[1]?.token as string, "a").paused).toBe(all[1]);
});

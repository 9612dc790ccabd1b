import { expect, test } from "vitest";
import { isActive } from "../../../src/otp/supervisor/child.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { startIncarnation } from "../../../src/otp/supervisor/starting.ts";
import { stopIncarnation } from "../../../src/otp/supervisor/stopping.ts";
import { createHost, puppet } from "./puppet.ts";

function running(spec: Partial<ChildSpec> = {}, resident = false) {
  const about = { ...createHost(), ...puppet(spec, resident) };
  startIncarnation(about.child, about.host);
  about.calls.length = 0;
  return about;
}

test("asks, waits, and kills after the shutdown time; the timer goes with the child", async () => {
  const { child, clock, calls } = running({ shutdownMs: 100 });
  const stopped = stopIncarnation(child, clock);
  clock.advance(99);
  expect(calls).toEqual(["stop shutdown"]);
  clock.advance(1);
  expect(calls).toEqual(["stop shutdown", "kill"]);
  expect(await stopped).toEqual({ reason: "killed" });
  expect([child.status, child.running, clock.pending]).toEqual(["stopped", undefined, 0]);
});

test("a child that ends in time is not killed", async () => {
  const { child, clock, calls, end } = running({ shutdownMs: 100 });
  const stopped = stopIncarnation(child, clock);
  end("shutdown");
  expect(await stopped).toEqual({ reason: "shutdown" });
  expect([calls, clock.pending]).toEqual([["stop shutdown"], 0]);
});

test("infinity has no timer; brutal_kill asks nothing and is done at once", () => {
  const patient = running({ shutdownMs: "infinity" });
  void stopIncarnation(patient.child, patient.clock);
  expect(patient.clock.pending).toBe(0);
  const brutal = running({ shutdownMs: "brutal_kill" });
  expect(stopIncarnation(brutal.child, brutal.clock)).toEqual({ reason: "killed" });
  expect(brutal.calls).toEqual(["kill"]);
});

test("an end that has arrived already is consumed: nothing is asked", () => {
  const { child, clock, calls } = running();
  child.pendingExit = { reason: "died", failedStarts: 0 };
  expect(isActive(child)).toBe(false);
  expect(stopIncarnation(child, clock)).toMatchObject({ reason: "died" });
  expect([calls, child.pendingExit, child.status]).toEqual([[], undefined, "stopped"]);
});

test("what does not run answers undefined", () => {
  const { clock } = createHost();
  const { child } = puppet();
  expect(stopIncarnation(child, clock)).toBeUndefined();
});

test("a resident child that halts is kept; when it has to be killed it is started anew", async () => {
  const kept = running({ shutdownMs: 100 }, true);
  const halted = stopIncarnation(kept.child, kept.clock, "halt");
  kept.end("shutdown");
  expect(await halted).toEqual({ reason: "shutdown" });
  expect([kept.calls, kept.child.running?.ref]).toEqual([["halt shutdown"], "ref"]);
  const killed = running({ shutdownMs: 100 }, true);
  const ending = stopIncarnation(killed.child, killed.clock, "halt");
  killed.clock.advance(100);
  expect(await ending).toEqual({ reason: "killed" });
  expect(killed.child.running).toBeUndefined();
});

test("a resident child that waits for its restart is still stopped", () => {
  const { child, clock, calls } = running({}, true);
  child.status = "restarting";
  void stopIncarnation(child, clock);
  expect(calls).toEqual(["stop shutdown"]);
});

import { describe, expect, test } from "vitest";
import { LocalProcess } from "../../../src/otp/process/local-process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import type { ExitReason } from "../../../src/otp/report/exit-reason.ts";
import {
  type Child,
  type ChildHost,
  clearDelay,
  createChild,
  isActive,
  startIncarnation,
  stopIncarnation,
} from "../../../src/otp/supervisor/child.ts";
import { type ChildSpec, normalizeChildSpec, type RunningChild } from "../../../src/otp/supervisor/child-spec.ts";
import { createVirtualClock } from "../../../src/testing/virtual-clock.ts";

/** A host that writes down what it is told, and hands an end to whoever waits for it. */
function createHost() {
  const clock = createVirtualClock();
  const runtime = new LocalRuntime({ clock });
  const told: unknown[] = [];
  const host: ChildHost = {
    process: new LocalProcess(runtime, undefined, "host"),
    actor: runtime.root,
    path: "host",
    clock,
    environment: "the environment",
    control: { terminateChild: () => Promise.resolve(), restartChild: () => Promise.resolve() },
    forgetsTemporary: true,
    report: (report) => void told.push(report),
    pendingStarts: new Set(),
    began: () => undefined,
    childExited: (child, scopeId, reason) => {
      if (child.onEnd !== undefined) child.onEnd(reason);
      else told.push({ scopeId, reason });
    },
    childStartFailed: (_child, scopeId, reason) => void told.push({ scopeId, failed: reason }),
  };
  return { clock, host, told };
}

interface Puppet {
  readonly child: Child;
  readonly calls: string[];
  end(reason: ExitReason): void;
}

/** A child of another kind that notes what it is asked and ends when the test says so. */
function puppet(spec: Partial<ChildSpec> = {}, resident = false): Puppet {
  const calls: string[] = [];
  let ended: (reason: ExitReason) => void = () => undefined;
  const child = createChild(
    normalizeChildSpec({
      id: "puppet",
      ...spec,
      start({ exited, supervisor }): RunningChild {
        ended = exited;
        calls.push("start");
        return {
          ref: "ref",
          actor: supervisor,
          stop: (reason) => void calls.push(`stop ${String(reason)}`),
          kill: () => {
            calls.push("kill");
            exited("killed");
          },
          ...(resident
            ? {
                resident: {
                  halt: (reason: ExitReason) => void calls.push(`halt ${String(reason)}`),
                  restart: () => void calls.push("restart"),
                  decided: () => undefined,
                },
              }
            : {}),
        };
      },
    } as ChildSpec),
    "host/puppet",
  );
  return { child, calls, end: (reason) => ended(reason) };
}

test("a start function is given its place: id, path, clock, environment and the supervisor's process", () => {
  const { host } = createHost();
  const given: unknown[] = [];
  const spec: ChildSpec = { id: "asks", start: (scope) => void given.push(scope) };
  expect(startIncarnation(createChild(normalizeChildSpec(spec), "host/asks"), host)).toBe("ignored");
  const { process, clock, environment, control, actor: supervisor } = host;
  expect(given).toMatchObject([
    { childId: "asks", path: "host/asks", process, clock, environment, control, supervisor },
  ]);
});

test("each start is a new incarnation with a new scope", () => {
  const { host } = createHost();
  const { child } = puppet();
  startIncarnation(child, host);
  const { scopeId } = child;
  startIncarnation(child, host);
  expect([child.incarnation, child.scopeId > scopeId, child.status]).toEqual([2, true, "running"]);
});

test("a start that throws leaves the child stopped", () => {
  const { host } = createHost();
  const start = () => {
    throw new Error("the start of a child throws");
  };
  const child = createChild(normalizeChildSpec({ id: "a", start }), "host/a");
  expect(() => startIncarnation(child, host)).toThrow("the start of a child throws");
  expect([child.status, child.running]).toEqual(["stopped", undefined]);
});

test("a temporary child's specification is forgotten once it runs, unless the policy may restart it", () => {
  const { host } = createHost();
  const forgotten = puppet({ restart: "temporary" }).child;
  startIncarnation(forgotten, host);
  expect(forgotten.spec.spec).toBeUndefined();
  const kept = puppet({ restart: "temporary" }).child;
  startIncarnation(kept, { ...host, forgetsTemporary: false });
  expect(kept.spec.spec).toBeDefined();
});

describe("stopping", () => {
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
    expect(await stopped).toBe("killed");
    expect([child.status, child.running, clock.pending]).toEqual(["stopped", undefined, 0]);
  });

  test("a child that ends in time is not killed", async () => {
    const { child, clock, calls, end } = running({ shutdownMs: 100 });
    const stopped = stopIncarnation(child, clock);
    end("shutdown");
    expect(await stopped).toBe("shutdown");
    expect([calls, clock.pending]).toEqual([["stop shutdown"], 0]);
  });

  test("infinity has no timer; brutal_kill asks nothing and is done at once", () => {
    const patient = running({ shutdownMs: "infinity" });
    void stopIncarnation(patient.child, patient.clock);
    expect(patient.clock.pending).toBe(0);
    const brutal = running({ shutdownMs: "brutal_kill" });
    expect(stopIncarnation(brutal.child, brutal.clock)).toBe("killed");
    expect(brutal.calls).toEqual(["kill"]);
  });

  test("an end that has arrived already is consumed: nothing is asked", () => {
    const { child, clock, calls } = running();
    child.pendingExit = "died";
    expect(isActive(child)).toBe(false);
    expect(stopIncarnation(child, clock)).toBe("died");
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
    expect(await halted).toBe("shutdown");
    expect([kept.calls, kept.child.running?.ref]).toEqual([["halt shutdown"], "ref"]);
    const killed = running({ shutdownMs: 100 }, true);
    const ending = stopIncarnation(killed.child, killed.clock, "halt");
    killed.clock.advance(100);
    expect(await ending).toBe("killed");
    expect(killed.child.running).toBeUndefined();
  });

  test("a resident child that waits for its restart is still stopped", () => {
    const { child, clock, calls } = running({}, true);
    child.status = "restarting";
    void stopIncarnation(child, clock);
    expect(calls).toEqual(["stop shutdown"]);
  });
});

test("a delayed restart is dropped, once", () => {
  const clock = createVirtualClock();
  const { child } = puppet();
  child.timer = clock.setTimeout(() => undefined, 100);
  clearDelay(child, clock);
  clearDelay(child, clock);
  expect([child.timer, clock.pending]).toEqual([undefined, 0]);
});

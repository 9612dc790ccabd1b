/** Doubles for the tests of one child: the supervisor that lends, and a child that does what the test says. */

import { restartIntensity } from "../../../src/otp/policy/restart-policy.ts";
import { LocalProcess } from "../../../src/otp/process/local-process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import type { ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { type Child, type ChildHost, createChild } from "../../../src/otp/supervisor/child.ts";
import { type ChildSpec, normalizeChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { RunningChild } from "../../../src/otp/supervisor/running-child.ts";
import { createVirtualClock } from "../../../src/testing/virtual-clock.ts";

/** A host that writes down what it is told, and hands an end to whoever waits for it. */
export function createHost() {
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
    rules: { policy: undefined, intensity: restartIntensity({ maxRestarts: 3, periodMs: 5_000 }) },
    runSeatsOf: () => [],
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

/** A child that notes what it is asked. */
export interface Puppet {
  readonly child: Child;
  readonly calls: string[];
  end(reason: ExitReason): void;
}

/** A child of another kind that notes what it is asked and ends when the test says so. */
export function puppet(spec: Partial<ChildSpec> = {}, resident = false): Puppet {
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

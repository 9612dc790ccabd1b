/** A fake worker whose event loop is blocked: what can be seen of it from outside. */

import type { WorkerUsage } from "../worker/launcher.ts";

/** What blocks the event loop of a fake worker: a call that waits, one that works, or a signal that has stopped the process. */
export type FakeBlock = "asleep" | "busy" | "stopped";

/** A loop that is blocked. */
export interface Blocked {
  readonly how: FakeBlock;
  readonly sinceMs: number;
  readonly over: PromiseWithResolvers<void>;
}

/** How much memory every fake worker has had at most, in bytes. */
export const fakePeakBytes = 64 * 1024 * 1024;

/** What a fake process uses: time passes for one that works. */
export function fakeUsage(blocked: Blocked | undefined, nowMs: number): WorkerUsage {
  return {
    cpuMs: blocked?.how === "busy" ? nowMs - blocked.sinceMs : 0,
    stopped: blocked?.how === "stopped",
    // One that is not blocked answers when it comes to it.
    runnable: blocked === undefined || blocked.how === "busy",
    peakMemoryBytes: fakePeakBytes,
  };
}

/** Where a fake process stands, as Python's fault handler writes it; one that is stopped does not answer. */
export function fakeStacks(blocked: Blocked | undefined): readonly string[] {
  if (blocked?.how === "stopped") return [];
  return ["Current thread 0x1 (most recent call first):", `  File "fake.py", line 1 in ${blocked?.how ?? "idle"}`];
}

/** A circuit breaker for each child: after some failures nothing is tried for a while, then one probe. */

import { describeAs } from "./description.ts";
import { checkInteger, checkOptions } from "./options.ts";
import { perChild, type StateByChild } from "./per-child.ts";
import type { PassingPolicy } from "./restart-policy.ts";

/** When the circuit opens, and when it closes again. */
export interface CircuitBreaker {
  /** Failures within `windowMs` that open the circuit; default 5. */
  readonly failures?: number;
  /** Length of the window in milliseconds; default 30,000. */
  readonly windowMs?: number;
  /** How long nothing is tried, in milliseconds; default 30,000. */
  readonly openMs?: number;
  /** A probe that has run so long, in milliseconds, closes the circuit; default 10,000. */
  readonly probeMs?: number;
}

/**
 * The circuit of one child.
 * - closed: its failures are in the window; they end it when they are too many
 * - half open: one probe begins at `probeAtMs`; its failure opens the circuit again, its health closes it
 */
export type CircuitState =
  | { readonly type: "closed"; readonly failedAtMs: readonly number[] }
  | { readonly type: "half_open"; readonly probeAtMs: number; readonly probes: number };

/**
 * Restarts a child at once while its circuit is closed. At failure number `failures` within `windowMs` the circuit opens: the child stays down for
 * `openMs`, then one incarnation is the probe. A probe that fails opens the circuit again, one that runs for `probeMs` closes it. It never gives up.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function circuitBreaker(options: CircuitBreaker = {}): PassingPolicy<StateByChild<CircuitState>> {
  checkOptions(options, ["failures", "windowMs", "openMs", "probeMs"]);
  const { failures = 5, windowMs = 30_000, openMs = 30_000, probeMs = 10_000 } = options;
  checkInteger("options.failures", failures, 1);
  checkInteger("options.windowMs", windowMs, 1);
  checkInteger("options.openMs", openMs, 1);
  checkInteger("options.probeMs", probeMs, 1);
  const open = (nowMs: number, probes: number, why: string) => ({
    decision: {
      type: "restart" as const,
      delayMs: openMs,
      because: `${why}: the circuit is open, probe ${probes} in ${openMs} ms`,
    },
    state: { type: "half_open" as const, probeAtMs: nowMs + openMs, probes },
    untilMs: nowMs + openMs + probeMs,
  });
  const policy = perChild<CircuitState>((before, _exit, nowMs) => {
    if (before?.type === "half_open" && nowMs - before.probeAtMs < probeMs) {
      return open(nowMs, before.probes + 1, `probe ${before.probes} failed`);
    }
    const earlier = before?.type === "closed" ? before.failedAtMs : [];
    const failedAtMs = [...earlier.filter((atMs) => atMs >= nowMs - windowMs), nowMs];
    const count = failedAtMs.length;
    if (count >= failures) return open(nowMs, 1, `${count} failures within ${windowMs} ms`);
    return {
      decision: { type: "restart", delayMs: 0, because: `failure ${count}; the circuit opens at ${failures}` },
      state: { type: "closed", failedAtMs },
      untilMs: nowMs + windowMs + 1,
    };
  });
  return describeAs(policy, "circuitBreaker", options);
}

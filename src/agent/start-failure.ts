/** What the end of a worker that never served says about the next start. */

import type { CrashRecord } from "../crash.ts";

/**
 * How a start failed.
 * - "lasting": the next one fails in the same way until somebody mends something
 * - "passing": it may be over at the next one: a service that is down, a limit of the machine
 */
export type StartFailure = "lasting" | "passing";

/** What the operating system says when it is short of something for now. */
const shortages: ReadonlySet<string | undefined> = new Set([
  "EAGAIN",
  "EBUSY",
  "EDQUOT",
  "EINTR",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "ENOSPC",
  "ETXTBSY",
]);

/** Signals by which a process ends itself for a reason: an assertion, an instruction that this machine lacks, a call that is forbidden. */
const reasoned: ReadonlySet<string | undefined> = new Set(["SIGABRT", "SIGILL", "SIGFPE", "SIGSYS", "SIGTRAP"]);
/** Faults in C code, which may strike once and not again. */
const stray: ReadonlySet<string | undefined> = new Set(["SIGBUS", "SIGSEGV"]);

/** Whether a worker ended by its own doing before it was ready, and could not tell why on its control channel. */
export function endedAtStart({ cause, wasReady, signal }: CrashRecord): boolean {
  return !wasReady && (cause === "exited" || (cause === "signaled" && (reasoned.has(signal) || stray.has(signal))));
}

/**
 * How the start of a worker that never served failed; undefined for an end that was no failure of the start itself: a kill from outside, a
 * start that took too long.
 */
export function startFailureOf(crash: CrashRecord): StartFailure | undefined {
  switch (crash.cause) {
    case "load_failed":
      return crash.loadFailure?.retriable === true ? "passing" : "lasting";
    case "protocol_mismatch":
    case "contract_mismatch":
      return "lasting";
    case "spawn_failed":
      return shortages.has(crash.errno) ? "passing" : "lasting";
    case "zygote_lost":
      return crash.pid === undefined ? "passing" : undefined; // What was never forked has not ended.
    case "connection_lost":
    case "out_of_memory":
      return "passing";
    default:
      if (!endedAtStart(crash)) return undefined;
      // SIGTERM ends a worker that loads with code 0.
      return crash.exitCode === 0 || stray.has(crash.signal) ? "passing" : "lasting";
  }
}

/** From a worker's exit, and what the agent knew at that moment, to the record of the crash. */

import type { CrashRecord } from "../crash.ts";
import { lastWordsOf } from "../python/last-words.ts";
import type { WorkerExit } from "../worker/launcher.ts";
import type { HungLoop } from "./loop-monitor.ts";

/** What the agent adds to a worker's exit. */
export interface CrashCircumstances {
  agentId: string;
  atMs: number;
  connectionLost: boolean;
  /** Why it could not be reached from the first, although it said that it is ready. */
  neverReached?: string | undefined;
  /** Set when it was killed because it hung. */
  hung?: HungLoop | undefined;
  /** Set when its agent is not what its definition expects. */
  contractFaults?: readonly string[] | undefined;
  /** How long it had had to end, in milliseconds, if it had been asked to. */
  graceMs?: number | undefined;
  /** Whether another worker had taken its place. */
  retired?: boolean;
  runsInFlight: readonly string[];
  /** Of the runs in flight, in the same order. */
  runFingerprints: readonly string[];
  lastEvents: readonly string[];
}

/** Makes the record of a worker's exit. Facts that are unknown are absent. */
export function createCrashRecord(exit: WorkerExit, about: CrashCircumstances): CrashRecord {
  const retired = about.retired === true && exit.cause === "stopped";
  const connection = about.connectionLost ? "connection_lost" : retired ? "retired" : exit.cause;
  const contractFaults = exit.cause === "stopped" || exit.cause === "killed" ? about.contractFaults : undefined;
  const cause = about.hung !== undefined ? "hung" : contractFaults !== undefined ? "contract_mismatch" : connection;
  const record: CrashRecord = {
    agentId: about.agentId,
    incarnation: exit.incarnation,
    atMs: about.atMs,
    describe: describeExit(exit, cause, about),
    cause,
    stderrTail: exit.stderrTail,
    wasReady: exit.wasReady,
    uptimeMs: exit.uptimeMs,
    runsInFlight: about.runsInFlight,
    runFingerprints: about.runFingerprints,
    lastEvents: about.lastEvents,
  };
  if (exit.pid !== undefined) record.pid = exit.pid;
  if (exit.exitCode !== undefined) record.exitCode = exit.exitCode;
  if (exit.signal !== undefined) record.signal = exit.signal;
  if (exit.loadFailure !== undefined) record.loadFailure = exit.loadFailure;
  if (exit.detail !== undefined) record.detail = exit.detail;
  else if (about.connectionLost && about.neverReached !== undefined) record.detail = about.neverReached;
  if (contractFaults !== undefined) record.contractFaults = contractFaults;
  if (exit.errno !== undefined) record.errno = exit.errno;
  if (exit.peakMemoryBytes !== undefined) record.peakMemoryBytes = exit.peakMemoryBytes;
  if (about.hung !== undefined) record.stackDump = about.hung.stacks;
  if (exit.faultTrace !== undefined) record.faultTrace = exit.faultTrace;
  return record;
}

/**
 * The exit of a worker that nobody had asked to end but a signal from outside: the host has let it go in good order, and yet it is that signal which
 * has ended it.
 */
export function exitBySignalFromOutside(exit: WorkerExit): WorkerExit {
  const { outsideSignal } = exit;
  const inOrder = exit.cause === "stopped" || (exit.cause === "exited" && exit.exitCode === 0);
  return outsideSignal === undefined || !inOrder ? exit : { ...exit, cause: "signaled", signal: outsideSignal };
}

function describeExit(exit: WorkerExit, cause: CrashRecord["cause"], about: CrashCircumstances): string {
  const { graceMs, neverReached, hung, contractFaults = [] } = about;
  const who = exit.pid === undefined ? "its worker" : `its worker (pid ${exit.pid})`;
  const after = `after ${Math.round(exit.uptimeMs)} ms`;
  switch (cause) {
    case "exited":
      return `${who} exited with code ${exit.exitCode} ${after}${atStart(exit)}`;
    case "signaled":
      return `${who} was ended by ${exit.signal} ${after}${atStart(exit)}`;
    case "out_of_memory": {
      const how = exit.signal === undefined ? `exited with code ${exit.exitCode}` : `was ended by ${exit.signal}`;
      return `${who} ran out of memory and ${how} ${after}`;
    }
    case "zygote_lost":
      if (exit.pid === undefined) return `${who} could not be started: ${exit.detail ?? "no detail"}`;
      return `${who} ended with the zygote that had forked it ${after}`;
    case "stopped":
      return `${who} was stopped ${after}`;
    case "retired":
      return `${who} was retired ${after}`;
    case "killed":
      if (exit.detail === undefined) return `${who} was killed ${after}`;
      return `${who} did not end within shutdownMs${graceMs === undefined ? "" : ` (${graceMs} ms)`} and was killed; ${exit.detail}`;
    case "start_timeout":
      return `${who} was not ready ${after} and was killed`;
    case "load_failed":
      return exit.loadFailure?.message ?? `${who} could not load its agent`;
    case "protocol_mismatch":
      return `${who} does not speak this version's protocol: ${exit.detail ?? "no detail"}`;
    case "spawn_failed":
      return `${who} could not be started: ${exit.detail ?? "no detail"}`;
    case "contract_mismatch":
      return `the agent is not what its definition expects: ${listOf(contractFaults)}`;
    case "hung":
      return `${who} hung, its event loop had not answered for ${hung?.silentMs} ms, and was killed ${after}`;
    case "connection_lost":
      if (neverReached === undefined) return `${who} could no longer be reached and was killed ${after}`;
      return `${who} said that it is ready, could not be reached and was killed ${after}: ${neverReached}`;
  }
}

/** So many fields are named. */
const toldFaults = 20;

function listOf(faults: readonly string[]): string {
  const told = faults.slice(0, toldFaults).join("; ");
  return faults.length > toldFaults ? `${told}; and ${faults.length - toldFaults} more` : told;
}

/** A start that failed without a word on the control channel: what Python said last is all that is known. */
function atStart({ wasReady, stderrTail }: WorkerExit): string {
  if (wasReady) return "";
  const said = lastWordsOf(stderrTail);
  return said === undefined ? ", before it was ready" : `, before it was ready: ${said}`;
}

/** What a supervisor is started with beside its specification: where it lives and who is told. */

import type { AnyActorRef } from "xstate";
import type { Process, Runtime } from "../process/process.ts";
import { checkRuntime, checkRuntimeOptions, guardReader, type RuntimeOptions } from "../process/runtime.ts";
import type { Via } from "../process/target.ts";
import type { Clock } from "../scheduler/clock.ts";
import type { RunSeat } from "./run-seat.ts";

/** What a supervisor is started with beside its specification. */
export interface SupervisorHost {
  /** Default: the runtime of the process that starts it; outside any, the default one, or a new one with `clock`, `onReport` and `inspect`. */
  readonly runtime?: Runtime;
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  /** Handed to every child in its scope. */
  readonly environment?: unknown;
  /** Takes reports of supervisors and processes. Must not throw. */
  readonly onReport?: (report: unknown) => void;
  /** Sees every actor of a new runtime. Must not throw. */
  readonly inspect?: NonNullable<RuntimeOptions["inspect"]>;
  /** For a nested supervisor: the actor to live under, and its path. */
  readonly parent?: {
    readonly actor: AnyActorRef;
    readonly process: Process;
    readonly path: string;
    /** Who is asked about runs above it; default: nobody. */
    readonly runSeats?: () => readonly RunSeat[];
  };
  readonly name?: string | Via;
}

/** A host whose `onReport` harms nobody: it runs where it was given, and what it throws is a warning. The host of a nested supervisor is one already. @throws CallerError "invalid_argument" */
export function guardHost(host: SupervisorHost): SupervisorHost {
  checkRuntimeOptions(host);
  if (host.runtime !== undefined) checkRuntime("options.runtime", host.runtime);
  if (host.parent !== undefined || host.onReport === undefined) return host;
  return { ...host, onReport: guardReader(host.onReport) };
}

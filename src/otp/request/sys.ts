/** Looking into a process and holding it, whatever it runs. Requests take their turn among its messages, also while it is suspended. Source: OTP's sys. */

import { invalidArgument, ProcessError } from "../../errors.ts";
import { checkFunction } from "../process/argument.ts";
import { bindHere } from "../process/current.ts";
import type { Process, ProcessStatus, Trace } from "../process/process.ts";
import type { SystemAction } from "../process/system-message.ts";
import { describeTarget, resolveTarget, type Target } from "../process/target.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { callSystem, defaultCallTimeoutMs } from "./call.ts";
import { type Patience, patienceMs } from "./timeout.ts";

/** Options of a request to a process's runtime; `timeoutMs` is 5,000 by default. */
export type SysOptions = Patience;

/** What `getStatus` shows. */
export interface ProcessStatusReport {
  readonly process: string;
  readonly label: string;
  readonly name: string | undefined;
  readonly status: ProcessStatus | "suspended";
  readonly parent: Process | undefined;
  readonly queueLength: number;
  /** As the server's `formatStatus` shows it. */
  readonly state: unknown;
}

/** What `statistics` counts. */
export interface ProcessStatistics {
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  readonly nowMs: number;
  /** Messages that have come, the runtime's own requests left out. */
  readonly messagesIn: number;
  readonly handled: number;
  readonly queueLength: number;
}

/**
 * The state: of a server what its handlers are given, of other XState logic its snapshot.
 * @returns rejects with ProcessError "noproc", "exited" (also when the state is a promise, which another promise cannot carry), "timeout" or
 * "calling_self"
 */
export function getState(target: Target, options: SysOptions = {}): Promise<unknown> {
  return ask(target, options, { system: "get_state", run: rawState });
}

/**
 * Puts another state in the place of a server's and answers it. When `replace` throws, the state stays and the promise rejects with the error.
 * @returns rejects as `getState`, with ProcessError "exited" for a process whose state is not the runtime's to replace, and with CallerError
 * "invalid_argument" when `replace` answers a promise
 */
export function replaceState<State>(
  target: Target,
  replace: (state: State) => State,
  options: SysOptions = {},
): Promise<State> {
  checkFunction("replace", replace);
  const run = (process: Process): State => {
    const { behaviour } = process;
    if (behaviour.replaceState === undefined) {
      throw new ProcessError("exited", `${process} is no server: its state cannot be replaced`);
    }
    const state = replace(rawState(process) as State);
    if (isThenable(state)) {
      // Nobody waits for it, so that its own failure is nobody's.
      Promise.resolve(state).catch(() => undefined);
      throw invalidArgument("replace", "a function that answers a promise", "one that answers the new state at once");
    }
    behaviour.replaceState(state);
    return state;
  };
  return ask(target, options, { system: "replace_state", run }) as Promise<State>;
}

/** Holds a process: messages wait until `resume`, the runtime's requests are answered. Idempotent. Rejects as `getState`. */
export async function suspend(target: Target, options: SysOptions = {}): Promise<void> {
  await ask(target, options, { system: "suspend", run: (process) => setSuspended(process, true) });
}

/** Lets a process go on. Idempotent. Rejects as `getState`. */
export async function resume(target: Target, options: SysOptions = {}): Promise<void> {
  await ask(target, options, { system: "resume", run: (process) => setSuspended(process, false) });
}

/** What a process is and shows of its state. Rejects as `getState`. */
export function getStatus(target: Target, options: SysOptions = {}): Promise<ProcessStatusReport> {
  return ask(target, options, { system: "get_status", run: statusOf }) as Promise<ProcessStatusReport>;
}

/**
 * Counts of a process, at once.
 * @throws ProcessError "noproc" for a dead or unknown one
 */
export function statistics(target: Target): ProcessStatistics {
  const { runtime, startedAfterMs, handled, queueLength } = living(target);
  const startedAtMs = runtime.startedAtMs + startedAfterMs;
  return { startedAtMs, nowMs: runtime.clock.now(), messagesIn: handled + queueLength, handled, queueLength };
}

/**
 * Tells `listener` of every message, reply and state of a process, and of its end. What it shows is not for the public: messages are as they
 * were sent. The listener runs where `trace` was called: what it does is not the process's doing. One that throws is not told again.
 * @returns ends it
 * @throws ProcessError "noproc" for a dead or unknown one
 */
export function trace(target: Target, listener: Trace): () => void {
  checkFunction("listener", listener);
  const process = living(target);
  const own = bindHere(listener);
  process.traces ??= new Set();
  process.traces.add(own);
  return () => {
    process.traces?.delete(own);
    if (process.traces?.size === 0) process.traces = undefined;
  };
}

async function ask(target: Target, options: SysOptions, action: SystemAction): Promise<unknown> {
  return callSystem(target, action, patienceMs(options, defaultCallTimeoutMs));
}

function rawState({ behaviour, actor }: Process): unknown {
  return behaviour.rawState === undefined ? actor.getSnapshot() : behaviour.rawState();
}

function setSuspended(process: Process, suspended: boolean): void {
  process.suspended = suspended;
}

function statusOf(process: Process): ProcessStatusReport {
  const { label, name, parent, queueLength, suspended, status } = process;
  return {
    process: process.toString(),
    label,
    name,
    status: suspended ? "suspended" : status,
    parent,
    queueLength,
    state: process.behaviour.state(),
  };
}

function living(target: Target): Process {
  const process = resolveTarget(target);
  if (process?.alive === true) return process;
  throw new ProcessError("noproc", `${describeTarget(target)} is not alive`, { reason: "noproc" });
}

/** Starting processes: a start settles after init, and a failed one leaves nothing behind. Source: OTP's gen:start and proc_lib. */

import type { AnyActorLogic, AnyActorRef, EventFromLogic, InputFrom } from "xstate";
import { invalidArgument, ProcessError } from "../../errors.ts";
import { checkObject } from "../process/argument.ts";
import { currentProcess, runAs, self } from "../process/current.ts";
import { linkProcesses, unlinkProcesses } from "../process/link.ts";
import { LocalProcess } from "../process/local-process.ts";
import { checkMailboxLimit, type MailboxLimit } from "../process/mailbox-limit.ts";
import { Monitor } from "../process/monitor.ts";
import type { Process, Runtime } from "../process/process.ts";
import { checkRuntime } from "../process/runtime.ts";
import { bindActor, contextRuntime, type Via } from "../process/target.ts";
import { describeExitReason, type ExitReason, exitReasonOf, isA } from "../report/exit-reason.ts";
import type { ProtocolOfEvents } from "../request/machine-event.ts";
import type { Protocol, Ref } from "../request/protocol.ts";
import { checkTimeout } from "../request/timeout.ts";
import { isLogic } from "../scheduler/xstate-adapter.ts";
import { ActorBehaviour } from "./actor-behaviour.ts";
import { checkName, registerAs } from "./names.ts";
import { labelOf, spawnActor } from "./spawning.ts";
import { StartRefused } from "./start-refused.ts";

/** Options of a start. */
export interface StartOptions<Input = unknown> {
  readonly input?: Input;
  /** A local name, or a key in a registry. It is registered before init and free again when the start fails. */
  readonly name?: string | Via | undefined;
  /** Milliseconds for init; then the half-started process is killed. Default "infinity". */
  readonly timeoutMs?: number | "infinity" | undefined;
  /** Bounds the mailbox; default: no bound. */
  readonly mailbox?: MailboxLimit | undefined;
  /** Whether exit signals become messages from the beginning. Default: as the logic says, else false. */
  readonly trapExit?: boolean | undefined;
  /** Default: the runtime of the process that starts it, or the default one. */
  readonly runtime?: Runtime | undefined;
}

/** What a start is told after the logic: `input` has to be there when the logic says so. */
export type StartArguments<Logic extends AnyActorLogic> =
  undefined extends InputFrom<Logic>
    ? [options?: StartOptions<InputFrom<Logic>>]
    : [options: StartOptions<InputFrom<Logic>> & { readonly input: InputFrom<Logic> }];

/** The protocol of a logic's messages, for its ref: a server's own, or that of the calls and casts among a machine's events. */
export type ProtocolOfLogic<Logic> = Logic extends { readonly protocol?: infer P }
  ? Exclude<P, undefined> extends Protocol
    ? Exclude<P, undefined>
    : ProtocolOfEventsIn<Logic>
  : ProtocolOfEventsIn<Logic>;

type ProtocolOfEventsIn<Logic> = Logic extends AnyActorLogic ? ProtocolOfEvents<EventFromLogic<Logic>> : Protocol;

/**
 * Starts a process of any XState logic, linked to nobody. Settles with its ref when init has finished.
 * @returns rejects with ProcessError "start_failed" (`reason` says why), "ignored" (init chose not to start) or "timeout"; CallerError
 * "already_started" (the name is taken; `value` is its holder) or "invalid_argument"
 */
export async function start<Logic extends AnyActorLogic>(
  logic: Logic,
  ...[options]: StartArguments<Logic>
): Promise<Ref<ProtocolOfLogic<Logic>>> {
  checkStart(logic, options);
  return startProcess(logic, { ...options }) as unknown as Ref<ProtocolOfLogic<Logic>>;
}

/**
 * Like `start`, and links the new process to the one that is running.
 * @throws CallerError "invalid_argument" outside any process
 */
export async function startLink<Logic extends AnyActorLogic>(
  logic: Logic,
  ...[options]: StartArguments<Logic>
): Promise<Ref<ProtocolOfLogic<Logic>>> {
  checkStart(logic, options);
  return startProcess(logic, { ...options, link: self() }) as unknown as Ref<ProtocolOfLogic<Logic>>;
}

/**
 * Like `start`, and monitors the new process for the one that is running: an end right after the start is not missed. A failed start leaves no
 * DOWN behind.
 * @throws CallerError "invalid_argument" outside any process
 */
export async function startMonitor<Logic extends AnyActorLogic>(
  logic: Logic,
  ...[options]: StartArguments<Logic>
): Promise<{ ref: Ref<ProtocolOfLogic<Logic>>; monitor: Monitor }> {
  checkStart(logic, options);
  const owner = self();
  let monitor: Monitor | undefined;
  const watch = (process: Process): Monitor => {
    monitor = new Monitor(owner, process, process).begin();
    return monitor;
  };
  const ref = (await startProcess(logic, { ...options, watch })) as unknown as Ref<ProtocolOfLogic<Logic>>;
  return { ref, monitor: monitor as unknown as Monitor };
}

/** @throws CallerError "invalid_argument" */
function checkStart(logic: unknown, options: unknown): void {
  if (!isLogic(logic)) throw invalidArgument("logic", logic, "XState logic");
  if (options !== undefined) checkObject("options", options);
}

/** What only the runtime's own parts say of a start. */
export interface InternalStart extends StartOptions {
  /** The process to link to. */
  readonly link?: Process | undefined;
  /** Monitors the process before it begins; the monitor is taken back when the start fails. */
  readonly watch?: (process: Process) => Monitor;
  /** Holds, while init is under way, what gives it up: the process is killed. */
  readonly pendingStarts?: Set<() => void>;
  /** The process that counts as the parent; default: the one that is running. */
  readonly parent?: Process | undefined;
  /** The actor to live under; default: the runtime's root. */
  readonly under?: AnyActorRef;
  /** Id of the actor; default: the process's number. */
  readonly id?: string;
}

/** Starts a process: at once when its init is, else with a promise. Throws and rejects as {@link start}. */
export function startProcess(logic: AnyActorLogic, options: InternalStart): Process | Promise<Process> {
  const { timeoutMs = "infinity", mailbox, name } = options;
  checkTimeout("options.timeoutMs", timeoutMs);
  if (options.runtime !== undefined) checkRuntime("options.runtime", options.runtime);
  if (mailbox !== undefined) checkMailboxLimit(mailbox, "options.mailbox");
  checkName(name);
  if (options.link?.alive === false) {
    throw new ProcessError("noproc", `${options.link} has ended: it cannot start a process`, { reason: "noproc" });
  }
  const parent = "parent" in options ? options.parent : currentProcess();
  const runtime = options.runtime ?? parent?.runtime ?? contextRuntime();
  const process = new LocalProcess(runtime, parent, "process");
  process.limit = mailbox;
  try {
    if (name !== undefined) registerAs(process, name);
  } catch (error) {
    process.discard();
    throw error;
  }
  const { link, watch } = options;
  if (link !== undefined) linkProcesses(process, link);
  const giveUp = watch === undefined ? undefined : watch(process);
  let begun: void | Promise<void>;
  try {
    begun = runAs(process, begin, { logic, options, process });
    if (!process.alive) {
      begun?.catch(() => undefined);
      throw new StartExit(process.exitReason);
    }
  } catch (error) {
    throw failStart(process, link, giveUp, error);
  }
  if (begun === undefined) {
    process.started();
    return settle(process);
  }
  return awaitStart(process, begun, { ...options, timeoutMs }, giveUp);
}

function begin(about: { logic: AnyActorLogic; options: InternalStart; process: LocalProcess }): void | Promise<void> {
  const { logic, options, process } = about;
  const parent = options.under ?? process.runtime.root;
  const id = options.id ?? String(process.id);
  const actor = spawnActor(process, logic, parent, { id, input: options.input });
  const ownBehaviour = process.behaviour !== undefined;
  if (!ownBehaviour) {
    bindActor(actor, process);
    process.behaviour = new ActorBehaviour(actor, process);
    process.label = labelOf((logic as { id?: unknown }).id, "actor");
  }
  if (options.trapExit !== undefined) process.trapExit = options.trapExit;
  if (ownBehaviour) actor.start();
  return process.behaviour.begin();
}

/** A process whose logic had nothing to do is over before its start has settled. */
function settle(process: Process): Process {
  if (process.behaviour instanceof ActorBehaviour) process.behaviour.begun();
  return process;
}

async function awaitStart(
  process: Process,
  begun: Promise<void>,
  { timeoutMs, pendingStarts, link }: InternalStart & { timeoutMs: number | "infinity" },
  watching: Monitor | undefined,
): Promise<Process> {
  const { clock } = process.runtime;
  let timer: unknown;
  const late = Promise.withResolvers<never>();
  if (timeoutMs !== "infinity") {
    timer = clock.setTimeout(() => late.reject(new StartTimeout(timeoutMs)), timeoutMs);
  }
  const ended = (reason: ExitReason): void => late.reject(new StartExit(reason));
  process.addExitHook(ended);
  const giveUp = (): void => process.finish("killed");
  pendingStarts?.add(giveUp);
  try {
    await Promise.race([begun, late.promise]);
  } catch (error) {
    begun.catch(() => undefined);
    throw failStart(process, link, watching, error);
  } finally {
    late.promise.catch(() => undefined);
    process.removeExitHook(ended);
    pendingStarts?.delete(giveUp);
    if (timer !== undefined) clock.clearTimeout(timer);
  }
  process.started();
  return settle(process);
}

class StartTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`init took longer than ${timeoutMs} ms`);
  }
}

class StartExit extends Error {
  readonly reason: ExitReason;
  constructor(reason: ExitReason) {
    super(`the process ended (${describeExitReason(reason)}) during init`);
    this.reason = reason;
  }
}

/** Ends the half-started process and answers the error of its start. The one that started it is not told by a link: the error does. */
function failStart(process: Process, link: Process | undefined, watching: Monitor | undefined, error: unknown): Error {
  if (link !== undefined) unlinkProcesses(process, link);
  watching?.cancel();
  const what = `could not start ${process}`;
  if (isA(error, StartTimeout)) {
    process.finish("killed");
    return new ProcessError("timeout", `${what}: ${error.message}`, { reason: "timeout" });
  }
  if (isA(error, StartRefused)) {
    process.finish(error.reason);
    const code = error.how === "ignore" ? "ignored" : "start_failed";
    return new ProcessError(code, `${what}: ${error.message}`, { reason: error.answer });
  }
  const reason = isA(error, StartExit) ? error.reason : exitReasonOf(error);
  process.finish(reason);
  const cause = isA(reason, Error) ? { cause: reason } : {};
  return new ProcessError("start_failed", `${what}: ${describeExitReason(reason)}`, { reason, ...cause });
}

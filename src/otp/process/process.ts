/** A process as others see it, and who is told of what happens to it. Source: the Erlang reference manual, "Processes". */

import type { AsyncResource } from "node:async_hooks";
import type { AnyActorRef } from "xstate";
import type { ExitReason } from "../report/exit-reason.ts";
import type { ProcessReport } from "../report/process-report.ts";
import type { Clock } from "../scheduler/clock.ts";
import type { Deadlines } from "../scheduler/deadlines.ts";
import type { RunQueue } from "../scheduler/run-queue.ts";
import type { Behaviour } from "./behaviour.ts";
import type { OpenCall } from "./open-calls.ts";

/**
 * - "starting": its start is under way; messages wait
 * - "running"
 * - "exiting": its terminate hook runs
 * - "dead"
 */
export type ProcessStatus = "starting" | "running" | "exiting" | "dead";

/** A process. Others hold it as an opaque reference ("ref", Erlang's pid): one incarnation, never reused. */
export interface Process {
  readonly id: number;
  readonly runtime: Runtime;
  /** The process that started it, alive or dead; forgotten when this one ends. */
  parent: Process | undefined;
  /** Its neighbours among the live processes of its runtime. */
  older: Process | undefined;
  newer: Process | undefined;
  /** When it was made, in milliseconds since its runtime began. */
  readonly startedAfterMs: number;
  /** What reports call it: its name, or what it is made of. */
  label: string;
  name: string | undefined;
  trapExit: boolean;
  readonly status: ProcessStatus;
  readonly alive: boolean;
  /** Set when it is dead. */
  readonly exitReason: ExitReason | undefined;
  behaviour: Behaviour;
  readonly actor: AnyActorRef;
  links: Set<Process> | undefined;
  /** Monitors that others have on it. */
  watchers: Set<Watcher> | undefined;
  /** The newest call that it has not answered, and the newest that it waits for: lists of open-calls.ts. */
  openCalls: OpenCall | undefined;
  awaitedCalls: OpenCall | undefined;
  /** Its supervisor's record of it; of a process that is the child of two, the first one's. A field and no hook: a set is 150 bytes. */
  supervision: Supervision | undefined;
  /** Told of its end before links and monitors are: registries, groups, whoever waits for it. */
  exitHooks: Set<ExitHook> | undefined;
  /** What it gives up at its end. */
  held: Set<Held> | undefined;
  /** Who watches its messages, replies and states. */
  traces: Set<Trace> | undefined;
  /** While it is, it handles system messages only. */
  suspended: boolean;
  /** Made by XState's own `createActor`: it begins when its actor is started. */
  readonly standalone: boolean;
  /** Messages it has handled. */
  readonly handled: number;
  /** Messages that wait. */
  readonly queueLength: number;
  /** Where its code runs: `self()`, and the async context of the one that started it. */
  readonly context: AsyncResource;

  /** Puts a message into the mailbox. A dead process's mail is a dead letter. */
  deliver(message: unknown): void;
  /** Puts a message into the mailbox that no limit keeps out: EXIT, DOWN. */
  deliverSignal(message: unknown): void;
  /** Puts a message into the mailbox that is handled in its turn, and at once while the process is suspended. No limit keeps it out. */
  deliverSystem(message: unknown): void;
  /** Puts a message before all others. */
  deliverFirst(message: unknown): void;
  /** Takes the first waiting message that matches; in a box. */
  takeMessage(match: (message: unknown) => boolean): { readonly item: unknown } | undefined;
  /** Takes the first waiting message that matches; answers whether there was one. */
  removeMessage(match: (message: unknown) => boolean): boolean;
  /** Whether a handler is on the stack, or has answered a promise that is not settled. */
  readonly isHandling: boolean;
  /** Whether its own code waits now, so that a call of that code to it could never be answered. */
  readonly waitsForItself: boolean;
  /** Its own code has called it. Should that code wait for the reply, the call fails. */
  calledItself(call: OpenCall): void;
  /** Asks for a turn if there is something to do. */
  wake(): void;
  /** Calls `hook` at the end, before links and monitors are told. */
  addExitHook(hook: ExitHook): void;
  /** Takes a hook back. */
  removeExitHook(hook: ExitHook): void;
  /** Takes it from the live processes. */
  uncount(): void;
  /** Takes back a process that never began. */
  discard(): void;
  /** The process has begun: messages are handled from now on. */
  started(): void;
  /** An exit signal arrives. `how` tells a link's from `exit(ref, reason)`. */
  signal(from: Process | undefined, reason: ExitReason, how: "link" | "exit"): void;
  /** Code of the process threw: its terminate hook runs, then it ends with the error. */
  crash(reason: ExitReason): void;
  /** Ends in an orderly way: the terminate hook, then the end. A hook that throws replaces the reason. */
  end(reason: ExitReason): void;
  /** A request to end, which takes its turn among the messages. */
  requestStop(reason: ExitReason): void;
  /** Ends now: no hook, the mailbox is dropped. Names are free before links and monitors are told. */
  finish(reason: ExitReason): void;
  /** `finish`, told in a crash report when the reason is not a clean one. */
  fail(reason: ExitReason): void;
  toString(): string;
}

/** Where processes live, as they see it. */
export interface Runtime {
  readonly clock: Clock;
  readonly names: Map<string, Process>;
  readonly queue: RunQueue;
  readonly deadlines: Deadlines;
  readonly onReport: ((report: ProcessReport) => void) | undefined;
  /** The actor that processes without a supervisor live under. */
  readonly root: AnyActorRef;
  /** When it was made: since the Unix epoch, and by its clock's monotonic time. */
  readonly startedAtMs: number;
  readonly startedMonotonicMs: number;
  /** Live processes. */
  processCount: number;
  /** The youngest of them: a list through `older`. */
  newest: Process | undefined;
  /** Whether an inspector sees its actors. */
  readonly isInspected: boolean;
  /** Whether anybody is told of crashes. */
  readonly tellsCrashes: boolean;
  nextId(): number;
  /** Tells of something: `onReport`, or the default reporter. */
  report(report: ProcessReport): void;
  /** Carries out a signal now, or after the one that is being carried out. */
  signal(carryOut: () => void): void;
}

/** Told once of the end of the process it watches. */
export interface Watcher {
  /** Who is told. */
  readonly owner: Process;
  fire(reason: ExitReason): void;
}

/** The record that a supervisor keeps of a process: told of its end before all others. Must not throw. */
export interface Supervision {
  ended(reason: ExitReason): void;
}

/** Something that a process holds and gives up at its end: its monitors, timers that aim at it. */
export interface Held {
  release(): void;
}

/** Told of the end of a process. Must not throw. */
export type ExitHook = (reason: ExitReason, process: Process) => void;

/** An EXIT signal that reached a process which traps exits. */
export interface ExitMessage {
  readonly type: "EXIT";
  readonly from: Process | undefined;
  readonly reason: ExitReason;
}

/** What `trace` tells of a process. Calls and casts are shown as the message they carry. */
export type TraceEvent =
  | { readonly type: "message"; readonly kind: MessageKind; readonly message: unknown }
  | { readonly type: "reply"; readonly to: Process | undefined; readonly reply: unknown }
  /** After each handled message; as `formatStatus` shows it. */
  | { readonly type: "state"; readonly state: unknown }
  | { readonly type: "exit"; readonly reason: ExitReason };

/** How a message came. */
export type MessageKind = "call" | "cast" | "info" | "continue";

/** Who watches a process. */
export type Trace = (event: TraceEvent) => void;

/** What a process is made of beside its mailbox: the code it runs, how it stands, and who is told of its end. */

import type { AnyActorRef } from "xstate";
import type { Shown } from "./crash-report.ts";
import type { Deque } from "./deque.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { Process } from "./process.ts";

/** What runs in a process. */
export interface Behaviour {
  /** The XState actor that represents the process. */
  readonly actor: AnyActorRef;
  /** Whether the process ends when the one that started it ends, although it traps exits (OTP's servers and supervisors do). */
  readonly followsParent: boolean;
  /** Begins. A throw or rejection is a failed start. */
  begin(): void | Promise<void>;
  /** Handles one message. A promise keeps the others waiting. A throw or rejection is a crash. */
  handle(message: unknown): void | Promise<void>;
  /** The hook before an orderly end or after a crash. A throw replaces the reason. */
  terminate(reason: ExitReason): void | Promise<void>;
  /** Releases everything at once. Runs no hook. */
  dispose(reason: ExitReason): void;
  /** Calls `then` when what the dead process has left behind has ended too: at once, or when a supervisor's last child is gone. */
  whenAlone?(then: () => void): void;
  /** What a crash report shows of the state. */
  state(): unknown;
  /** Messages it was handed and whose turn has not come: those that a selective receive has passed over. */
  readonly unread?: Deque<unknown>;
  /** The state as it is, when `state` hides parts of it. */
  rawState?(): unknown;
  /** Puts another state in its place. Absent: it cannot be replaced. */
  replaceState?(state: unknown): void;
  /** Rewrites what a crash report shows. */
  redact?(shown: Shown): Shown;
}

/** The record that a supervisor keeps of a process: told of its end before all others. Must not throw. */
export interface Supervision {
  ended(reason: ExitReason): void;
}

/** Something that a process holds and gives up at its end: its monitors, timers that aim at it. */
export interface Held {
  release(): void;
}

/**
 * - "starting": its start is under way; messages wait
 * - "running"
 * - "exiting": its terminate hook runs
 * - "dead"
 */
export type ProcessStatus = "starting" | "running" | "exiting" | "dead";

/** An EXIT signal that reached a process which traps exits. */
export interface ExitMessage {
  readonly type: "EXIT";
  readonly from: Process | undefined;
  readonly reason: ExitReason;
}

/** Told of the end of a process. Must not throw. */
export type ExitHook = (reason: ExitReason, process: Process) => void;

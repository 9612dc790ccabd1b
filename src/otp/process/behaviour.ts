/** What runs in a process: the code behind its mailbox. */

import type { AnyActorRef, EventObject } from "xstate";
import type { ExitReason } from "../report/exit-reason.ts";
import type { Deque } from "../scheduler/deque.ts";

/** The parts of a status or report that a server may rewrite. */
export interface Shown {
  state: unknown;
  /** The message that was being handled. */
  message?: unknown;
  /** Why it ends. */
  reason?: ExitReason;
}

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
  /** Whether its code waits now for something that is no message. Absent: no. */
  readonly waits?: boolean;
  /** Somebody sends its actor an event: XState's side (`sendTo`, `actor.send`, a timer, a child), or this process itself. The actor gets what is passed on. */
  sentToActor(event: EventObject): void;
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

/** The end of a process: everything it has is given up, then everybody who asked is told, each whatever the others do. */

import type { ExitReason } from "../report/exit-reason.ts";
import type { Deque } from "../scheduler/deque.ts";
import type { Behaviour } from "./behaviour.ts";
import { runAs } from "./current.ts";
import { reportDeadLetter } from "./dead-letter.ts";
import { callsIn } from "./open-calls.ts";
import type { ExitHook, Process } from "./process.ts";
import { tellTraces } from "./system-message.ts";

/** Carries the end of a dead process out. Names are free before hooks, links and monitors are told, in this order. */
export function leave(process: Process, reason: ExitReason, mailbox: Deque<unknown>): void {
  const { runtime, links, watchers, supervision, exitHooks, openCalls, awaitedCalls, held, traces } = process;
  if (process.name !== undefined && runtime.names.get(process.name) === process) runtime.names.delete(process.name);
  process.links = undefined;
  process.watchers = undefined;
  process.supervision = undefined;
  process.exitHooks = undefined;
  process.openCalls = undefined;
  process.awaitedCalls = undefined;
  process.held = undefined;
  process.traces = undefined;
  process.parent = undefined;
  if (!process.standalone) process.uncount();
  const behaviour = process.behaviour as Behaviour | undefined;
  try {
    // What ends with it, the user's clean-up among it, is its own doing and not that of whoever ended it.
    if (behaviour !== undefined) runAs(process, disposeOf, { behaviour, reason });
  } catch (error) {
    // The others must learn of the end all the same.
    runtime.report({ type: "process.late_error", process: process.toString(), error });
  }
  if (held !== undefined) for (const thing of held) thing.release();
  if (awaitedCalls !== undefined) for (const call of callsIn(awaitedCalls, "olderOfCaller")) call.release();
  if (openCalls !== undefined) for (const call of callsIn(openCalls, "olderToTarget")) call.processEnded(reason);
  dropMail(process, behaviour?.unread);
  dropMail(process, mailbox);
  if (traces !== undefined) tellTraces(traces, { type: "exit", reason });
  if (supervision !== undefined) tellHook(process, (why) => supervision.ended(why), reason);
  if (exitHooks !== undefined) for (const hook of exitHooks) tellHook(process, hook, reason);
  if (links !== undefined) {
    for (const other of links) {
      // An exit hook may have taken the link away.
      if (other.links?.delete(process) === true) other.signal(process, reason, "link");
    }
  }
  if (watchers !== undefined) for (const monitor of watchers) monitor.fire(reason);
}

function disposeOf({ behaviour, reason }: { behaviour: Behaviour; reason: ExitReason }): void {
  behaviour.dispose(reason);
}

function tellHook(process: Process, hook: ExitHook, reason: ExitReason): void {
  try {
    hook(reason, process);
  } catch (error) {
    process.runtime.report({ type: "process.late_error", process: process.toString(), error });
  }
}

function dropMail(process: Process, mail: Deque<unknown> | undefined): void {
  if (mail === undefined || mail.length === 0) return;
  const { runtime } = process;
  if (runtime.onReport !== undefined) {
    for (const message of mail.values()) reportDeadLetter(runtime, process, message, "noproc");
  }
  mail.clear();
}

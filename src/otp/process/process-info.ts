/** What a process is and does, as facts. Source: Erlang's process_info and process labels. */

import { invalidArgument } from "../../errors.ts";
import { self } from "./current.ts";
import type { Process, ProcessStatus } from "./process.ts";
import { resolveTarget, type Target } from "./target.ts";

/** Facts of a live process. */
export interface ProcessInfo {
  readonly id: number;
  readonly name: string | undefined;
  readonly label: string;
  readonly status: ProcessStatus;
  readonly suspended: boolean;
  readonly trapExit: boolean;
  readonly parent: Process | undefined;
  /** Messages that wait. */
  readonly queueLength: number;
  /** Messages it has handled. */
  readonly handled: number;
  readonly links: readonly Process[];
  /** Monitors that others have on it. */
  readonly monitoredBy: readonly Process[];
  /** Milliseconds since the Unix epoch, by its runtime's clock. */
  readonly startedAtMs: number;
}

/** The facts of a process, at once, also while it is busy or suspended; undefined for a dead or unknown one. */
export function processInfo(target: Target): ProcessInfo | undefined {
  const process = resolveTarget(target);
  if (process === undefined || !process.alive) return undefined;
  const { id, name, label, status, suspended, trapExit, parent, queueLength, handled, runtime } = process;
  return {
    id,
    name,
    label,
    status,
    suspended,
    trapExit,
    parent,
    queueLength,
    handled,
    links: [...(process.links ?? [])],
    monitoredBy: Array.from(process.watchers ?? [], ({ owner }) => owner),
    startedAtMs: runtime.startedAtMs + process.startedAfterMs,
  };
}

/**
 * Says what the process that is running does: reports and inspectors show it.
 * @throws CallerError "invalid_argument"
 */
export function setLabel(label: string): void {
  if (typeof label !== "string" || label === "") throw invalidArgument("label", label, "a non-empty string");
  self().label = label;
}

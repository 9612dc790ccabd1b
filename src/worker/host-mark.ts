/**
 * Whose a directory on the disk is: the host that made it, told from every other process that was or will be. A process number alone does not,
 * since numbers are used again; with the time at which the process started it does.
 */

import { readlinkSync } from "node:fs";
import { exists, lookAt, type SeenProcess } from "./proc.ts";

const pattern = /^synapse-([0-9a-z]+)-([1-9][0-9]*)-([0-9a-z]+)-[A-Za-z0-9]{6}$/;

/** What a name says of the host that made it. */
export interface HostMark {
  /** Its pid namespace: containers may share a directory but not their process numbers. "0" where there are none. */
  readonly namespace: string;
  readonly pid: number;
  /** When it started, in the kernel's ticks; "0" where that is not known. */
  readonly started: string;
}

/** The mark of this process, as the beginning of a name: six random characters follow. */
export function markPrefix(): string {
  own ??= `synapse-${pidNamespace()}-${process.pid}-${startOf(lookAt(process.pid))}-`;
  return own;
}

/** Known once, known for good: every start of a worker asks for it. */
let own: string | undefined;

/** The mark in a name; undefined when it has none. */
export function readMark(name: string): HostMark | undefined {
  const [, namespace, pid, started] = pattern.exec(name) ?? [];
  if (namespace === undefined || pid === undefined || started === undefined) return undefined;
  return { namespace, pid: Number(pid), started };
}

/** Whether the host of a mark has ended; "unknown" for one in another pid namespace, whose number means nothing here. */
export function hasEnded({ namespace, pid, started }: HostMark): boolean | "unknown" {
  if (namespace !== pidNamespace()) return "unknown";
  if (!exists(pid)) return true;
  const found = lookAt(pid);
  if (found === undefined) return false;
  // A zombie has ended, although its parent has not asked yet.
  return found.dead || (started !== "0" && startOf(found) !== started);
}

/** In base 36; "0": not known. */
function startOf(found: SeenProcess | undefined): string {
  return Number(found?.started ?? 0).toString(36);
}

/** The number of this process's pid namespace in base 36. */
function pidNamespace(): string {
  try {
    const [number = "0"] = /\d+/.exec(readlinkSync("/proc/self/ns/pid")) ?? [];
    return Number(number).toString(36);
  } catch {
    return "0"; // Not Linux, or /proc is not mounted.
  }
}

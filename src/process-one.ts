/**
 * What becomes of orphans: a process whose parent has been killed is inherited by process 1, which has to wait for it when it ends. Node waits for
 * children of its own only, so that in a container without an init each one stays as a zombie.
 */

import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { SystemLogger } from "./logger.ts";

/** Who process 1 is, as far as this program may know. */
export type ProcessOne = "this program" | "another Node" | "something else";

/**
 * Looks who process 1 is. Another Node is npm, say, as the entry point of a container.
 * @param link what names the program of process 1; default: /proc/1/exe
 */
export function lookAtProcessOne(pid = process.pid, link = "/proc/1/exe"): ProcessOne {
  if (pid === 1) return "this program";
  try {
    return basename(readlinkSync(link)) === basename(process.execPath) ? "another Node" : "something else";
  } catch {
    return "something else"; // Another user's, as on a machine with an init, or there is no /proc.
  }
}

/** Warns, once for each system, when nobody reaps what a killed worker has started. */
export function warnOfOrphans(logger: SystemLogger, one: ProcessOne = lookAtProcessOne()): void {
  if (one === "something else") return;
  logger.warn(
    { processOne: one },
    `process 1 is ${one === "this program" ? one : `${one} program`}, which reaps no orphans: each process that a killed worker has started stays as a zombie; ` +
      "start the container with an init (docker run --init, init: true in Compose, or tini as its entry point)",
  );
}

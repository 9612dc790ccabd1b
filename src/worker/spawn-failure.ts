/** Why the operating system did not start a worker: one sentence that names what is to be mended, and the system's own word. */

import { statSync } from "node:fs";
import { withoutCode } from "../errors.ts";
import { describeSize } from "./environment-size.ts";
import type { WorkerSpec } from "./launcher.ts";

/** A start that did not get as far as a process. */
export interface SpawnFailure {
  /** One sentence. */
  detail: string;
  /** Such as "EAGAIN"; undefined when it was not the system that refused. */
  errno: string | undefined;
}

/** Describes what was thrown, or reported, when a process was to be made. */
export function describeSpawnFailure(spec: WorkerSpec, error: unknown): SpawnFailure {
  const errno = errnoOf(error);
  // Node says ENOENT of the interpreter when it is the working directory that is missing.
  if (!isDirectory(spec.cwd)) {
    return {
      detail: `"${spec.interpreter}" could not be started in "${spec.cwd}", because that is no directory`,
      errno,
    };
  }
  const text = error instanceof Error ? error.message : String(error);
  const hint = errno === "E2BIG" ? `; ${describeSize(spec.env)}` : "";
  return { detail: `"${spec.interpreter}" could not be started: ${withoutCode(text)}${hint}`, errno };
}

/** The system's word for an error, or for what caused it. */
function errnoOf(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ("code" in one && typeof one.code === "string" && /^E[A-Z0-9]+$/.test(one.code)) return one.code;
  }
  return undefined;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Missing, or behind a directory that may not be entered: the same for who must mend it.
  }
}

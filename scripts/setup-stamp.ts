/** The stamp in a virtual environment: what it was made from, or that it is not finished. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What an environment holds: "runtime" is enough to run agents, "dev" adds what tests, types and code generation need. */
export type EnvironmentKind = "runtime" | "dev";

/** What an environment was made from. */
export interface SetupStamp {
  readonly kind: EnvironmentKind;
  /** SHA-256 over both locks, in hex. */
  readonly locks: string;
  /** "3.11.7" */
  readonly python: string;
  /** Absolute path of the environment: it cannot be moved. */
  readonly directory: string;
}

/**
 * What is there.
 * - "missing": nothing that can be used
 * - "unfinished": a set-up was interrupted
 * - "foreign": an environment that somebody made by hand
 */
export type FoundEnvironment = SetupStamp | "missing" | "unfinished" | "foreign";

/** What is to be done: nothing, install into what is there, or make it anew. */
export type SetupPlan = { readonly type: "keep" | "update" | "rebuild"; readonly kind: EnvironmentKind };

const stampName = "synapse-setup.json";

/** SHA-256 over the locks of a python/ folder. Throws what the file system throws when one is missing. */
export function hashLocks(pythonDirectory: string): string {
  const hash = createHash("sha256");
  for (const kind of ["runtime", "dev"] as const) hash.update(readFileSync(lockPath(pythonDirectory, kind)));
  return hash.digest("hex");
}

/** The lock of a kind of environment. */
export function lockPath(pythonDirectory: string, kind: EnvironmentKind): string {
  return join(pythonDirectory, kind === "dev" ? "requirements-dev.lock" : "requirements.lock");
}

/**
 * Compares what is there with what is wanted. An environment that holds more than is wanted stays as it is, and what somebody added by hand
 * stays in it; one that was never finished, that was moved, or whose Python is gone is made anew.
 */
export function planSetup(
  found: FoundEnvironment,
  wanted: { kind: EnvironmentKind; locks: string; directory: string },
): SetupPlan {
  const { kind, locks, directory } = wanted;
  if (found === "missing" || found === "unfinished") return { type: "rebuild", kind };
  if (found === "foreign") return { type: "update", kind };
  const largest = found.kind === "dev" ? "dev" : kind;
  if (found.directory !== directory) return { type: "rebuild", kind: largest };
  return { type: found.locks === locks && found.kind === largest ? "keep" : "update", kind: largest };
}

/** Looks at an environment without running anything. */
export function readEnvironment(directory: string): FoundEnvironment {
  const version = configuredVersion(directory);
  try {
    // A link into nowhere when the machine's Python was removed.
    realpathSync(join(directory, "bin", "python"));
  } catch {
    return "missing";
  }
  if (version === undefined) return "missing";
  const path = join(directory, stampName);
  if (!existsSync(path)) return "foreign";
  let stamp: Partial<SetupStamp>;
  try {
    stamp = JSON.parse(readFileSync(path, "utf8")) as Partial<SetupStamp>;
  } catch {
    return "unfinished"; // Damaged: as good as never finished.
  }
  const { kind, locks, python, directory: place } = stamp;
  if ((kind !== "runtime" && kind !== "dev") || locks === undefined || place === undefined) return "unfinished";
  return python === version ? { kind, locks, python, directory: place } : "foreign";
}

/** Marks an environment as finished, made from this. */
export function writeStamp(stamp: SetupStamp): void {
  write(stamp.directory, stamp);
}

/** Marks an environment as unfinished. */
export function markUnfinished(directory: string): void {
  write(directory, { unfinished: true });
}

/** The version that an environment itself says it was made with; undefined when it is none. */
export function configuredVersion(directory: string): string | undefined {
  try {
    return /^version\s*=\s*(\S+)/m.exec(readFileSync(join(directory, "pyvenv.cfg"), "utf8"))?.[1];
  } catch {
    return undefined; // No such file: not an environment.
  }
}

function write(directory: string, value: object): void {
  const path = join(directory, stampName);
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

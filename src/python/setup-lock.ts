/** One set-up at a time: a lock file with the holder's process number, which a dead holder does not keep. */

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { exists, lookAt } from "../worker/proc.ts";

/** A lock that is held. */
export interface SetupLock {
  /** Gives it back. Idempotent. */
  release(): void;
}

/**
 * Takes the lock, or tells who has it.
 * @returns the lock, or the process number of the live holder
 */
export function tryLock(path: string, pid = process.pid): SetupLock | { readonly heldBy: number } {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${path}.${pid}`;
  const content = `${pid} ${lookAt(pid)?.started ?? "?"}`;
  // A link appears with its content or not at all, and only once.
  writeFileSync(mine, content);
  try {
    for (;;) {
      try {
        linkSync(mine, path);
        return { release: () => releaseLock(path, content) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readHolder(path);
      if (holder === undefined) continue;
      if (isAlive(holder.text)) return { heldBy: holder.pid };
      takeAway(path, holder.text, `${mine}.stale`);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function releaseLock(path: string, content: string): void {
  if (readHolder(path)?.text === content) rmSync(path, { force: true });
}

/** Removes a dead holder's lock; one that a live process took in the meantime is put back. */
function takeAway(path: string, stale: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch {
    return; // Another process was faster.
  }
  try {
    if (readFileSync(aside, "utf8") !== stale) linkSync(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(path: string): { pid: number; text: string } | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return { pid: Number.parseInt(text, 10), text };
  } catch {
    return undefined; // Given back between two looks.
  }
}

function isAlive(holder: string): boolean {
  const [pid = "", started = "?"] = holder.split(" ");
  if (!/^[1-9]\d*$/.test(pid)) return false;
  if (!exists(Number(pid))) return false;
  const found = lookAt(Number(pid));
  return found === undefined || (!found.dead && (started === "?" || started === found.started));
}

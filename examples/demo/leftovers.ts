/** Looks for what a stopped system must not leave behind. */

import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";

/** Whether a process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Socket directories that this process has made and not removed. */
export function listSocketDirectories(): string[] {
  const mine = new RegExp(`^synapse-[0-9a-z]+-${process.pid}-`);
  return [...new Set([tmpdir(), "/tmp"])].flatMap((root) =>
    readdirSync(root).flatMap((name) => (mine.test(name) ? [`${root}/${name}`] : [])),
  );
}

/**
 * The private directory of one incarnation's Unix socket: mode 0700, a fresh name, removed as soon as the host is connected.
 *
 * Its name says which host made it, so that a later host can sweep what a killed one left.
 */

import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { WorkerError } from "../errors.ts";
import { type HostMark, hasEnded, markPrefix, readMark } from "./host-mark.ts";

/** Longest path of a Unix socket in bytes: `sun_path` less its final zero. */
export const maxSocketPathBytes = process.platform === "linux" ? 107 : 103;

const socketName = "s";

/** A directory of another container's host is a leftover when it is older than any start takes, in milliseconds. */
const strangersMs = 3_600_000;

const othersMayWrite = 0o002;
const sticky = 0o1000;
const anyOther = 0o077;

/** A directory with a free path for one socket in it. */
export interface SocketDirectory {
  readonly path: string;
  readonly socketPath: string;
  /** Removes the directory and all in it. Idempotent. Throws what the file system throws, except that nothing is there. */
  remove(): void;
}

/** Where socket directories are made. */
export interface SocketDirectoryOptions {
  /**
   * Default: the system's temporary directory, or where that one's name is too long for a socket, the user's own runtime directory
   * (XDG_RUNTIME_DIR), else /tmp.
   */
  root?: string;
}

/**
 * Makes a directory that only this user can enter.
 * Fails with `worker_spawn_failed` when it cannot be made, when `root` is too long for a socket's path, or when others could put a directory of
 * theirs in its place.
 */
export function createSocketDirectory(options: SocketDirectoryOptions = {}): SocketDirectory {
  const prefix = markPrefix();
  const root = options.root ?? roots().find((candidate) => socketPathBytes(candidate, prefix) <= maxSocketPathBytes);
  if (root === undefined || socketPathBytes(root, prefix) > maxSocketPathBytes) {
    throw refusal(
      `no Unix socket fits under "${root ?? tmpdir()}": its path would be longer than ${maxSocketPathBytes} bytes; set TMPDIR to a shorter directory`,
    );
  }
  const path = makeDirectory(root, prefix);
  const { mode, uid } = lstatSync(path);
  if ((mode & anyOther) !== 0 || uid !== process.geteuid?.()) {
    rmSync(path, { recursive: true, force: true });
    throw refusal(
      `no directory in "${root}" is private: its file system keeps no permissions; set TMPDIR to a directory on one that does`,
    );
  }
  return {
    path,
    socketPath: join(path, socketName),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function makeDirectory(root: string, prefix: string): string {
  try {
    const { mode } = statSync(root);
    if (!isOpen(mode)) return mkdtempSync(join(root, prefix));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw refusal(
      `no directory for the worker's socket could be made in "${root}": ${words}; set TMPDIR to a directory that can be written to`,
      cause,
    );
  }
  throw refusal(
    `"${root}" is no place for the worker's socket: every user may write to it and rename what is in it; set TMPDIR to another directory, or run: chmod +t '${root}'`,
  );
}

/** Whether every user may remove and rename what others have put into a directory. */
function isOpen(mode: number): boolean {
  return (mode & othersMayWrite) !== 0 && (mode & sticky) === 0;
}

function refusal(message: string, cause?: unknown): WorkerError {
  return new WorkerError("worker_spawn_failed", message, cause === undefined ? {} : { cause });
}

/** Removes a directory that nobody serves in, where something else is the news. One that stays is empty and private, and swept later. */
export function discardSocketDirectory(directory: SocketDirectory): void {
  try {
    directory.remove();
  } catch {
    // See above.
  }
}

/**
 * Removes the socket directories of hosts that are gone, in every place where they are made: those with our mark, our user, and a host that has
 * ended. Answers the paths that were removed. A directory that cannot be looked at or removed is left to the next sweep.
 */
export function sweepSocketDirectories(options: SocketDirectoryOptions = {}): string[] {
  const removed: string[] = [];
  for (const root of options.root === undefined ? roots() : [options.root]) {
    for (const name of namesIn(root)) {
      const mark = readMark(name);
      if (mark === undefined) continue;
      const ended = hasEnded(mark);
      const path = join(root, name);
      if (ended !== false && removeIfOurs(path, ended === "unknown" ? strangersMs : 0)) removed.push(path);
    }
  }
  return removed;
}

/** The socket directories of this user whose hosts run, as far as that can be told, in every place where they are made. */
export function socketDirectories(): { readonly path: string; readonly host: HostMark }[] {
  return roots().flatMap((root) =>
    namesIn(root).flatMap((name) => {
      const host = readMark(name);
      const path = join(root, name);
      return host !== undefined && hasEnded(host) !== true && isOurs(path) ? [{ path, host }] : [];
    }),
  );
}

/** The places, best first. */
function roots(): string[] {
  return [...new Set([resolve(tmpdir()), ...runtimeDirectory(), "/tmp"])];
}

/** The directory that the system gives to this user alone; not one that was inherited from another user, by sudo say. */
function runtimeDirectory(): string[] {
  const path = process.env.XDG_RUNTIME_DIR;
  if (path === undefined || !path.startsWith("/")) return [];
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.geteuid?.() ? [path] : [];
}

function socketPathBytes(root: string, prefix: string): number {
  return Buffer.byteLength(join(root, `${prefix}XXXXXX`, socketName));
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return []; // No such directory: nothing was left in it.
  }
}

function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.geteuid?.() && (stat.mode & anyOther) === 0;
}

function removeIfOurs(path: string, leastAgeMs: number): boolean {
  try {
    const stat = lstatSync(path);
    if (!stat.isDirectory() || stat.uid !== process.geteuid?.()) return false;
    if (leastAgeMs > 0 && Date.now() - stat.mtimeMs < leastAgeMs) return false;
    rmSync(path, { recursive: true });
    return true;
  } catch {
    return false; // Another host swept it first, or it is not ours to remove.
  }
}

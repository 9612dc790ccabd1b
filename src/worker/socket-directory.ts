/**
 * The private directory of one incarnation's Unix socket: mode 0700, a fresh name, removed as soon as the host is connected.
 *
 * Its name says which host made it, so that a later host can sweep what a killed one left: "synapse-<pid namespace>-<host pid>-<random>".
 * The namespace is there because containers may share a temporary directory but not their process numbers.
 */

import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkerError } from "../errors.ts";

/** Longest path of a Unix socket in bytes: `sun_path` less its final zero. */
export const maxSocketPathBytes = process.platform === "linux" ? 107 : 103;

const socketName = "s";
const namePattern = /^synapse-([0-9a-z]+)-([1-9][0-9]*)-[A-Za-z0-9]{6}$/;

/** A directory with a free path for one socket in it. */
export interface SocketDirectory {
  readonly path: string;
  readonly socketPath: string;
  /** Removes the directory and all in it. Idempotent. Throws what the file system throws, except that nothing is there. */
  remove(): void;
}

/** Where socket directories are made. */
export interface SocketDirectoryOptions {
  /** Default: the system's temporary directory, or /tmp where that one's name is too long for a socket. */
  root?: string;
}

/**
 * Makes a directory that only this user can enter.
 * Fails with `worker_spawn_failed` when it cannot be made, or when `root` is too long for a socket's path.
 */
export function createSocketDirectory(options: SocketDirectoryOptions = {}): SocketDirectory {
  const prefix = `synapse-${pidNamespace()}-${process.pid}-`;
  const root = options.root ?? roots().find((candidate) => socketPathBytes(candidate, prefix) <= maxSocketPathBytes);
  if (root === undefined || socketPathBytes(root, prefix) > maxSocketPathBytes) {
    throw new WorkerError(
      "worker_spawn_failed",
      `no Unix socket fits under "${root ?? tmpdir()}": its path would be longer than ${maxSocketPathBytes} bytes; set TMPDIR to a shorter directory`,
    );
  }
  let path: string;
  try {
    path = mkdtempSync(join(root, prefix));
  } catch (cause) {
    throw new WorkerError(
      "worker_spawn_failed",
      `no directory for the worker's socket could be made in "${root}": ${cause instanceof Error ? cause.message : String(cause)}; set TMPDIR to a directory that can be written to`,
      { cause },
    );
  }
  return {
    path,
    socketPath: join(path, socketName),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/**
 * Removes the socket directories of hosts that are gone: those with our name pattern, our user, our pid namespace and a host pid that does
 * not live. Answers the paths that were removed. A directory that cannot be looked at or removed is left to the next sweep.
 */
export function sweepSocketDirectories(options: SocketDirectoryOptions = {}): string[] {
  const removed: string[] = [];
  for (const root of options.root === undefined ? roots() : [options.root]) {
    for (const name of namesIn(root)) {
      const [, namespace, hostPid] = namePattern.exec(name) ?? [];
      if (namespace !== pidNamespace() || hostPid === undefined || isAlive(Number(hostPid))) continue;
      const path = join(root, name);
      if (removeIfOurs(path)) removed.push(path);
    }
  }
  return removed;
}

function roots(): string[] {
  return [...new Set([tmpdir(), "/tmp"])];
}

function socketPathBytes(root: string, prefix: string): number {
  return Buffer.byteLength(join(root, `${prefix}XXXXXX`, socketName));
}

/** The number of this process's pid namespace in base 36; "0" where there are none. */
function pidNamespace(): string {
  try {
    const [number = "0"] = /\d+/.exec(readlinkSync("/proc/self/ns/pid")) ?? [];
    return Number(number).toString(36);
  } catch {
    return "0"; // Not Linux, or /proc is not mounted.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // Another user's process lives under this number.
  }
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return []; // No such directory: nothing was left in it.
  }
}

function removeIfOurs(path: string): boolean {
  try {
    const stat = lstatSync(path);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
    rmSync(path, { recursive: true });
    return true;
  } catch {
    return false; // Another host swept it first, or it is not ours to remove.
  }
}

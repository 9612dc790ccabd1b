/** Whether a socket is served by the worker that says so, looked at before the token is sent to whoever listens. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hasOwnNumbers } from "./proc.ts";

/**
 * Why a socket is not a worker's; undefined when it is, or when nothing speaks against it. Its file must be this user's; on Linux the kernel's
 * tables must have it open in the worker's process. Node cannot ask a connection for its peer (SO_PEERCRED); where the tables are not there to be
 * read, the worker's hello, which names its process, is all there is.
 * @param proc where the tables are; default: "/proc"
 */
export function socketFault(socketPath: string, pid: number | undefined, proc = "/proc"): string | undefined {
  try {
    const stat = lstatSync(socketPath);
    if (!stat.isSocket()) return `"${socketPath}" is no socket`;
    if (stat.uid !== process.geteuid?.()) return `"${socketPath}" belongs to user ${stat.uid}`;
  } catch {
    return undefined; // It is gone: whoever connects is told.
  }
  const served = pid === undefined ? undefined : isServedBy(socketPath, pid, proc);
  return served === false ? `"${socketPath}" is not served by process ${pid}` : undefined;
}

/** Undefined when it cannot be known. */
function isServedBy(socketPath: string, pid: number, proc: string): boolean | undefined {
  try {
    if (!hasOwnNumbers(proc)) return undefined;
    const listening = inodesOf(socketPath);
    if (listening.size === 0) return undefined; // Another network namespace, or a path that the table writes otherwise.
    const folder = `${proc}/${pid}/fd`;
    // Its youngest first: the listener is one of them.
    return readdirSync(folder)
      .toReversed()
      .some((fd) => listening.has(inodeIn(`${folder}/${fd}`)));
  } catch {
    return undefined; // Not Linux, /proc is not mounted or is hidden, or the process has just ended.
  }
}

/**
 * The inodes of the sockets that are bound to a path: that of the listener, and of each connection to it. The table holds every socket of the
 * machine, so it is searched as it is.
 */
function inodesOf(socketPath: string): Set<string | undefined> {
  const table = readFileSync("/proc/net/unix");
  const end = ` ${socketPath}\n`;
  const inodes = new Set<string | undefined>();
  for (let at = table.indexOf(end); at !== -1; at = table.indexOf(end, at + end.length)) {
    const line = table.toString("utf8", table.lastIndexOf("\n", at) + 1, at);
    inodes.add(line.trim().split(/\s+/)[6]);
  }
  return inodes;
}

function inodeIn(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    return undefined; // Closed in this instant.
  }
}

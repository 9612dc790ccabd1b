/** The place where the workers' sockets are made. */

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { WorkerError } from "../errors.ts";
import { createSocketDirectory, maxSocketPathBytes, type SocketDirectoryOptions } from "../worker/socket-directory.ts";
import { type Finding, fixIn } from "./finding.ts";

/** What came of making a directory for a socket. */
export type SocketFacts =
  | {
      readonly root: string;
      /** Permissions of the root with the sticky bit: 0o1777. */
      readonly mode: number;
      readonly uid: number;
      /** Length of a socket's path in bytes. */
      readonly pathBytes: number;
    }
  /** The error's words. */
  | { readonly refused: string };

/** Makes a directory as a worker's start does, and removes it. */
export function lookAtSockets(options: SocketDirectoryOptions = {}): SocketFacts {
  try {
    const directory = createSocketDirectory(options);
    const root = dirname(directory.path);
    directory.remove();
    const { mode, uid } = statSync(root);
    return { root, mode: mode & 0o7777, uid, pathBytes: Buffer.byteLength(directory.socketPath) };
  } catch (error) {
    if (error instanceof WorkerError) return { refused: error.message };
    throw error;
  }
}

/** Judges the place. */
export function judgeSockets(facts: SocketFacts): Finding {
  if ("refused" in facts) {
    const at = facts.refused.lastIndexOf("; set TMPDIR");
    if (at === -1) return { check: "sockets", status: "failure", message: facts.refused };
    const [message, remedy] = [facts.refused.slice(0, at), facts.refused.slice(at + 2)];
    return { check: "sockets", status: "failure", message, fix: fixIn(remedy) };
  }
  const { root, mode, uid, pathBytes } = facts;
  const sticky = (mode & 0o1000) === 0 ? "not sticky" : "sticky";
  const message =
    `sockets are made in "${root}" (owner ${uid}, mode ${mode.toString(8).padStart(4, "0")}, ${sticky}); ` +
    `a path has ${pathBytes} of at most ${maxSocketPathBytes} bytes`;
  return { check: "sockets", status: "ok", message };
}

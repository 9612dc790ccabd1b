/** fd 3 of a worker: a socket pair that carries JSON lines both ways, and whose end means that the other side is gone. */

import type { Duplex } from "node:stream";
import { createLineSplitter } from "./line-splitter.ts";

/** Longest control line in bytes; only a traceback comes near. */
const maxControlLineBytes = 1024 * 1024;

/** What happens on the channel. */
export interface ControlChannelEvents {
  /** A whole line, or the first MiB of one that is too long (which then cannot be JSON). */
  onLine(line: string): void;
  /** The worker closed its end, or the socket broke. Called once. */
  onEnd(): void;
}

/** The host's end of fd 3. */
export interface ControlChannel {
  /** False once the worker has closed its end. */
  readonly open: boolean;
  /** Resolves when the socket is closed and every whole line was delivered. Never rejects. */
  readonly closed: Promise<void>;
  /** Writes a line. Without effect once the channel is closed: the end of the process is told elsewhere. */
  send(line: string): void;
  destroy(): void;
}

/** Begins to read the channel. A last line without a newline is not delivered: its writer died in the middle of it. */
export function openControlChannel(socket: Duplex, events: ControlChannelEvents): ControlChannel {
  let open = true;
  const splitter = createLineSplitter({ maxBytes: maxControlLineBytes, onLine: (line) => events.onLine(line) });
  const end = () => {
    if (!open) return;
    open = false;
    events.onEnd();
  };
  socket.on("data", (chunk: Buffer) => splitter.push(chunk));
  socket.on("end", end);
  socket.on("error", () => socket.destroy()); // EPIPE or ECONNRESET: the worker is gone, and "close" follows.
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      end();
      resolve();
    });
  });
  return {
    get open() {
      return open;
    },
    closed,
    send(line) {
      if (open && socket.writable) socket.write(line);
    },
    destroy: () => socket.destroy(),
  };
}

/** Where a zygote connects the channels of the workers that it forks: one Unix socket in a private directory. */

import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { parseLine } from "./json-line.ts";
import { createSocketDirectory, discardSocketDirectory, type SocketDirectory } from "./socket-directory.ts";

const names = ["control", "stdout", "stderr"] as const;

/** The host's ends of a forked worker's channels. */
export type ForkChannels = Readonly<Record<(typeof names)[number], Socket>>;

interface Awaited {
  readonly sockets: Map<string, Socket>;
  readonly complete: (channels: ForkChannels) => void;
}

/** Accepts connections, each of which says in its first line whose and which it is: {"id": 1, "channel": "stdout", "token": "..."}. */
export class ForkListener {
  /** What every connection has to know; it travels over the zygote's control channel alone. */
  readonly token = randomBytes(32).toString("hex");
  readonly #server: Server;
  readonly #directory: SocketDirectory;
  readonly #awaited = new Map<number, Awaited>();

  /**
   * @param onError told when no connection will be accepted
   * @throws WorkerError "worker_spawn_failed" when there is no place for a socket
   */
  constructor(onError: (error: Error) => void) {
    this.#directory = createSocketDirectory();
    this.#server = createServer((socket) => this.#onConnection(socket));
    this.#server.on("error", onError);
    this.#server.listen(this.#directory.socketPath).unref();
  }

  /** The socket's path. */
  get path(): string {
    return this.#directory.socketPath;
  }

  /** Calls `complete` when the worker's three connections are there. */
  expect(id: number, complete: (channels: ForkChannels) => void): void {
    this.#awaited.set(id, { sockets: new Map(), complete });
  }

  /** Closes what has come for a worker that there will not be. */
  forget(id: number): void {
    for (const socket of this.#awaited.get(id)?.sockets.values() ?? []) socket.destroy();
    this.#awaited.delete(id);
  }

  /** Accepts no more, and removes the directory. */
  close(): void {
    for (const id of [...this.#awaited.keys()]) this.forget(id);
    this.#server.close();
    discardSocketDirectory(this.#directory);
  }

  #onConnection(socket: Socket): void {
    let text = Buffer.alloc(0);
    // Byte by byte: what follows the line is the worker's, and its reader's.
    const onReadable = () => {
      for (let chunk = socket.read(1); chunk !== null; chunk = socket.read(1)) {
        if (chunk[0] === 10) {
          socket.off("readable", onReadable);
          this.#take(socket, text.toString());
          return;
        }
        text = Buffer.concat([text, chunk]);
      }
    };
    socket.on("error", () => socket.destroy());
    socket.on("readable", onReadable);
  }

  #take(socket: Socket, line: string): void {
    const { id, channel, token } = parseLine(line) as { id?: number; channel?: string; token?: string };
    const awaited = token === this.token ? this.#awaited.get(id ?? 0) : undefined;
    if (id === undefined || awaited === undefined || channel === undefined) {
      socket.destroy();
      return;
    }
    awaited.sockets.set(channel, socket);
    const [control, stdout, stderr] = names.map((name) => awaited.sockets.get(name));
    if (control === undefined || stdout === undefined || stderr === undefined) return;
    this.#awaited.delete(id);
    awaited.complete({ control, stdout, stderr });
  }
}

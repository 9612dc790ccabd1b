/**
 * The control socket of a running system: who may enter its private directory may ask how it is, and restart, stop or kill an agent. The program ("synapse-otp
 * ps") is its client.
 *
 * No client can slow the system: requests are answered one at a time, with pauses that are many times as long as the work; and everything that a client makes
 * the system keep is bounded.
 */

import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { SynapseError } from "../errors.ts";
import { createSocketDirectory, discardSocketDirectory, type SocketDirectory } from "../worker/socket-directory.ts";
import {
  type ControlAnswer,
  type ControlAnswers,
  type ControlRequest,
  controlSocketName,
  maxAnswerLength,
  maxRequestBytes,
  parseRequest,
} from "./protocol.ts";

/** Connections at a time. */
const maxConnections = 16;
/** Restarts and stops that are waited for at a time, of all clients. */
const maxActions = 64;
/** How long a connection may be silent, or not be read, in milliseconds. */
const idleMs = 30_000;
/** How many times as long as the work of an answer nothing else is answered. */
const pauseShare = 9;

/** What the pauses between two answers are measured by. */
export interface PauseClock {
  monotonicMs(): number;
  /** Must not keep the process alive. */
  setTimeout(run: () => void, ms: number): unknown;
}

const ownClock: PauseClock = {
  monotonicMs: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms).unref(),
};

/** A system as its control socket sees it; the functions throw, or reject with, a SynapseError. */
export type Controlled = {
  readonly [Type in ControlRequest["type"]]: (
    request: ControlRequest & { readonly type: Type },
  ) => ControlAnswers[Type] | Promise<ControlAnswers[Type]>;
};

/** An open control socket. */
export interface ControlServer {
  /** Removes the socket and ends every connection. Idempotent; never rejects. */
  close(): Promise<void>;
}

/**
 * Opens the control socket of a system. It does not keep the process alive.
 * @param onFault told what goes wrong with the socket later
 * @param clock default: the machine's
 * @returns rejects with WorkerError "worker_spawn_failed" where no private directory can be made, and with what the operating system says of the socket
 */
export async function openControl(
  system: Controlled,
  onFault: (error: unknown) => void,
  clock: PauseClock = ownClock,
): Promise<ControlServer> {
  const directory = createSocketDirectory();
  try {
    return await ControlSocket.open(new ControlSocket(system, directory, clock), onFault);
  } catch (error) {
    discardSocketDirectory(directory);
    throw error;
  }
}

class ControlSocket implements ControlServer {
  readonly #system: Controlled;
  readonly #directory: SocketDirectory;
  readonly #clock: PauseClock;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #actions = 0;
  /** When the next answer may be worked on, by the monotonic clock. */
  #freeAtMs = 0;
  /** Settles when all the answers before have been made. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  static async open(control: ControlSocket, onFault: (error: unknown) => void): Promise<ControlSocket> {
    const server = control.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(join(control.#directory.path, controlSocketName), resolve);
    });
    server.on("error", onFault);
    server.unref();
    return control;
  }

  constructor(system: Controlled, directory: SocketDirectory, clock: PauseClock) {
    this.#clock = clock;
    this.#system = system;
    this.#directory = directory;
    this.#server = createServer((socket) => this.#onConnection(socket));
    this.#server.maxConnections = maxConnections;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    discardSocketDirectory(this.#directory);
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    // Whoever asks may leave at any time: that is nobody's fault.
    socket.on("error", () => socket.destroy());
    let text = "";
    let busy = false;
    const serve = async (): Promise<void> => {
      const end = text.indexOf("\n");
      if (busy || end < 0) return;
      busy = true;
      socket.pause();
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      const answer = await this.#answer(line, socket);
      if (socket.destroyed) return;
      // The next request is read when this answer has been: what is not read is kept once.
      socket.write(`${answer}\n`, () => {
        busy = false;
        socket.resume();
        void serve();
      });
    };
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.length > maxRequestBytes) socket.destroy();
      else void serve();
    });
  }

  async #answer(line: string, socket: Socket): Promise<string> {
    try {
      const request = parseRequest(line);
      const begun = await this.#inTurn(() => this.#begin(request));
      if (typeof begun === "string") return begun;
      socket.setTimeout(0);
      const text = encode({ result: await begun });
      socket.setTimeout(idleMs);
      return text;
    } catch (error) {
      socket.setTimeout(idleMs);
      return encode(failure(error));
    }
  }

  /** Begins an action, or makes an answer whole: what is measured has to have the encoding in it. */
  #begin(request: ControlRequest): string | Promise<unknown> {
    const handle = this.#system[request.type] as (request: ControlRequest) => unknown;
    if (this.#actions >= maxActions) throw new Error(`${maxActions} restarts and stops are under way; ask again later`);
    const result = handle(request);
    if (!(result instanceof Promise)) return encode({ result });
    this.#actions += 1;
    return result.finally(() => {
      this.#actions -= 1;
    });
  }

  /** One after the other, with a pause after each. */
  #inTurn<T>(work: () => T): Promise<T> {
    const done = this.#turn.then(async () => {
      const waitMs = this.#freeAtMs - this.#clock.monotonicMs();
      if (waitMs > 0) await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, waitMs));
      const sinceMs = this.#clock.monotonicMs();
      try {
        return { value: work() };
      } finally {
        const nowMs = this.#clock.monotonicMs();
        this.#freeAtMs = nowMs + Math.max(1, (nowMs - sinceMs) * pauseShare);
      }
    });
    this.#turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done.then(({ value }) => value);
  }
}

function encode(answer: ControlAnswer): string {
  const text = JSON.stringify(answer);
  if (text.length <= maxAnswerLength) return text;
  return JSON.stringify(failure(new Error("the answer is too long")));
}

function failure(error: unknown): ControlAnswer {
  const message = error instanceof Error ? error.message : String(error);
  // What is none of ours comes from the limits above.
  return { error: error instanceof SynapseError ? { code: error.code, message } : { code: "queue_full", message } };
}

/** One guardian with its zygote, as the host sees it: a template process that forks workers on request. Linux. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { WorkerSpec } from "./launcher.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { createSocketDirectory, discardSocketDirectory, type SocketDirectory } from "./socket-directory.ts";

/** What the zygote answered to a fork. */
export type ForkOutcome = { forked: ForkedProcess } | { refused: ForkRefusal };

/** Why it has not forked. `lost`: it had been ready and has ended, so that the next zygote may do it. */
export interface ForkRefusal {
  detail: string;
  errno: string | undefined;
  lost?: boolean;
  /** It cannot fork at all. */
  unfit?: boolean;
}

/** A worker that was just forked, and its three channels. */
export interface ForkedProcess {
  pid: number;
  control: Duplex;
  stdout: Duplex;
  stderr: Duplex;
  onExit(listener: (code: number | null, signal: NodeJS.Signals | null, zygoteLost: boolean) => void): void;
}

type Exit = [code: number | null, signal: NodeJS.Signals | null, zygoteLost: boolean];

interface Pending {
  pid: number | undefined;
  channels: Map<string, Socket>;
  resolve: (outcome: ForkOutcome) => void;
  exit: PromiseWithResolvers<Exit>;
}

/** A zygote that was ready and has ended without being asked to: what it had forked ends with it. */
export interface LostZygote {
  /** Process id of its guardian. */
  readonly pid: number | undefined;
  /** How many workers it had. */
  readonly workers: number;
}

/** What a zygote is started with. */
export interface ZygoteParts {
  readonly interpreter: string;
  readonly env: Readonly<Record<string, string>>;
  readonly preload: readonly string[];
  /** Told when it has ended by itself. */
  readonly onLost: (lost: LostZygote) => void;
}

/** Starts a zygote for one interpreter and environment, and asks it for workers. */
export class Zygote {
  readonly #onLost: (lost: LostZygote) => void;
  readonly #child: ChildProcess;
  readonly #control: Duplex;
  readonly #server: Server;
  readonly #directory: SocketDirectory;
  readonly #token = randomBytes(32).toString("hex");
  readonly #workers = new Map<number, Pending>();
  /** Undefined when it can fork; else why it cannot, in one sentence. */
  readonly #fitness = Promise.withResolvers<string | undefined>();
  readonly #ended: Promise<void>;
  #lost = false;
  #closing = false;
  #ready = false;
  #count = 0;

  constructor({ interpreter, env, preload, onLost }: ZygoteParts) {
    this.#onLost = onLost;
    this.#directory = createSocketDirectory();
    this.#server = createServer((socket) => this.#onConnection(socket));
    this.#server.on("error", (error) => this.#fitness.resolve(error.message));
    this.#server.listen(this.#directory.socketPath).unref();
    const system = String(randomInt(1, 2 ** 32 - 1));
    const args = ["-u", "-m", "synapse_otp.zygote", "--system", system, "--preload", ...preload];
    this.#child = spawn(interpreter, args, {
      cwd: "/",
      env: { ...env, SYNAPSE_WORKER: "1" },
      stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"],
      detached: true,
    });
    const [, , , control, lifeline] = this.#child.stdio;
    if (!(control instanceof Duplex) || !(lifeline instanceof Duplex)) throw new TypeError("no stream for fd 3 or 4");
    this.#control = control;
    for (const stream of [control, lifeline]) stream.on("error", () => stream.destroy());
    lifeline.resume();
    const splitter = createLineSplitter({ maxBytes: 65_536, onLine: (line) => this.#onLine(line) });
    control.on("data", (chunk: Buffer) => splitter.push(chunk));
    this.#child.on("error", (error) => this.#fitness.resolve(error.message));
    this.#ended = new Promise((resolve) => {
      this.#child.on("close", () => {
        this.#onEnd();
        resolve();
      });
    });
  }

  /** Whether it has ended. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Asks for a worker. Never rejects. */
  async fork(spec: WorkerSpec): Promise<ForkOutcome> {
    const unfit = await this.#fitness.promise;
    if (unfit !== undefined || this.#lost) {
      return {
        refused: { detail: unfit ?? "the zygote has ended", errno: undefined, lost: this.#ready, unfit: !this.#ready },
      };
    }
    this.#count += 1;
    const id = this.#count;
    const { promise, resolve } = Promise.withResolvers<ForkOutcome>();
    this.#workers.set(id, { pid: undefined, channels: new Map(), resolve, exit: Promise.withResolvers<Exit>() });
    const { entry, cwd } = spec;
    const env = { ...spec.env, SYNAPSE_WORKER: "1" };
    const request = { type: "fork", id, listen: this.#directory.socketPath, token: this.#token, entry, cwd, env };
    this.#control.write(`${JSON.stringify(request)}\n`);
    return promise;
  }

  /** Ends it, and with it everything that it has forked. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#control.end();
    await this.#ended;
  }

  #onLine(line: string): void {
    const message = parse(line) as { type: string; id: number; pid: number; message: string; errno?: string } & {
      code: number | null;
      signal: NodeJS.Signals | null;
    };
    if (message.type === "ready") {
      this.#ready = true;
      this.#fitness.resolve(undefined);
    }
    if (message.type === "unfit") this.#fitness.resolve(message.message);
    const worker = this.#workers.get(message.id);
    if (worker === undefined) return;
    if (message.type === "forked") {
      worker.pid = message.pid;
      this.#settle(worker);
    } else if (message.type === "refused") {
      this.#workers.delete(message.id);
      worker.resolve({ refused: { detail: message.message, errno: message.errno } });
    } else if (message.type === "exited") {
      this.#workers.delete(message.id);
      worker.exit.resolve([message.code, message.signal, false]);
    }
  }

  #onConnection(socket: Socket): void {
    let text = Buffer.alloc(0);
    const onReadable = () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      text = Buffer.concat([text, chunk]);
      const end = text.indexOf(10);
      if (end === -1) return;
      socket.off("readable", onReadable);
      const rest = text.subarray(end + 1);
      if (rest.length > 0) socket.unshift(rest);
      this.#take(socket, text.toString("utf8", 0, end));
    };
    socket.on("error", () => socket.destroy());
    socket.on("readable", onReadable);
  }

  #take(socket: Socket, line: string): void {
    const { id, channel, token } = parse(line) as { id?: number; channel?: string; token?: string };
    const worker = token === this.#token ? this.#workers.get(id ?? 0) : undefined;
    if (worker === undefined || channel === undefined) {
      socket.destroy();
      return;
    }
    worker.channels.set(channel, socket);
    this.#settle(worker);
  }

  #settle({ pid, channels, resolve, exit }: Pending): void {
    const [control, stdout, stderr] = ["control", "stdout", "stderr"].map((name) => channels.get(name));
    if (pid === undefined || control === undefined || stdout === undefined || stderr === undefined) return;
    resolve({
      forked: { pid, control, stdout, stderr, onExit: (listener) => void exit.promise.then((end) => listener(...end)) },
    });
  }

  #onEnd(): void {
    this.#lost = true;
    this.#fitness.resolve("the zygote ended before it was ready");
    this.#server.close();
    discardSocketDirectory(this.#directory);
    for (const { resolve, exit, channels, pid } of this.#workers.values()) {
      resolve({ refused: { detail: "the zygote has ended", errno: undefined, lost: this.#ready && !this.#closing } });
      exit.resolve([null, "SIGKILL", !this.#closing]);
      if (pid === undefined) for (const socket of channels.values()) socket.destroy();
    }
    const workers = this.#workers.size;
    this.#workers.clear();
    if (this.#ready && !this.#closing) this.#onLost({ pid: this.#child.pid, workers });
  }
}

/** A line as an object; an empty one for a line that is none: it then means nothing to anybody. */
function parse(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {}; // A stranger's, or of a preload module that writes to fd 3.
  }
}

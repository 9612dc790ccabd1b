/** One guardian with its zygote, as the host sees it: a template process that forks workers on request. Linux. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, createTimer } from "./clock.ts";
import { type ForkChannels, ForkListener } from "./fork-listener.ts";
import { parseLine } from "./json-line.ts";
import type { WorkerLogRecord, WorkerSpec } from "./launcher.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { drainOutput, type OutputDrain } from "./stdio.ts";
import { continueIfMarked, environmentMark, killIfMarked, largestSystem } from "./system-mark.ts";
import { whenGone } from "./zygote-end.ts";

/** How long it may leave everything that it was asked unanswered before it is told to go on, in case somebody has stopped it. */
const stirMs = 250;
/** How long it may leave everything that it was asked unanswered before it counts as hung, and is ended with all that it has. */
const answerMs = 10_000;

/** What the zygote answered to a fork. */
export type ForkOutcome = { forked: ForkedProcess } | { refused: ForkRefusal };

/** Why it has not forked. `lost`: it has ended, so that the next zygote may do it. */
export interface ForkRefusal {
  detail: string;
  errno: string | undefined;
  lost?: boolean;
}

/** A worker that was just forked, and its three channels. */
export interface ForkedProcess {
  pid: number;
  control: Duplex;
  stdout: Duplex;
  stderr: Duplex;
  onExit(listener: (code: number | null, signal: NodeJS.Signals | null, zygoteLost: boolean) => void): void;
  /** Sends a signal, SIGKILL to its group too. The zygote does it, who reaps it: no stranger with the same number is hit. */
  signal(name: "SIGKILL" | "SIGUSR1"): void;
}

type Exit = [code: number | null, signal: NodeJS.Signals | null, zygoteLost: boolean];

interface Fork {
  pid: number | undefined;
  channels: ForkChannels | undefined;
  resolve: (outcome: ForkOutcome) => void;
  exit: PromiseWithResolvers<Exit>;
}

/** Whether it can fork: undefined when it can, else why not in a sentence, that somebody has killed it first, or what the system said when it was to be started. */
export type Fitness = undefined | { readonly unfit: string } | { readonly killed: true } | { readonly error: Error };

/** A zygote that was ready, or was killed before, and has ended without being asked to: what it had forked ends with it. */
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
  /** Whether agents wait for it that were at work: it leaves out what saves memory only. */
  readonly hurried: boolean;
  readonly clock: Clock;
  /** Told when it has ended by itself. */
  readonly onLost: (lost: LostZygote) => void;
  /** Told of every line that it, its guardian, or a module that it imports writes. Must not throw. */
  readonly onLog: (record: WorkerLogRecord, pid: number | undefined) => void;
}

/** Starts a zygote for one interpreter and environment, and asks it for workers. While it has none, it does not keep the host's event loop alive. */
export class Zygote {
  /** Settles when it can fork, or cannot. Never rejects. */
  readonly fitness: Promise<Fitness>;
  /** When it was started. */
  readonly startedAtMs: number;
  readonly #onLost: (lost: LostZygote) => void;
  readonly #child: ChildProcess;
  readonly #control: Socket;
  readonly #lifeline: Socket;
  readonly #listener: ForkListener;
  readonly #output: OutputDrain;
  readonly #forks = new Map<number, Fork>();
  /** Those that it has not answered in full: a worker may end before its channels are here. */
  readonly #asked = new Set<Fork>();
  readonly #fit = Promise.withResolvers<Fitness>();
  readonly #ended: Promise<void>;
  readonly #system = randomInt(1, largestSystem);
  /** Runs while something is unanswered. */
  readonly #watch;
  #pid: number | undefined;
  #unanswered = 0;
  #users = 0;
  #lost = false;
  #closing = false;
  #ready = false;
  #count = 0;

  /** @throws what `spawn` throws, and WorkerError "worker_spawn_failed" when there is no place for its socket */
  constructor({ interpreter, env, preload, hurried, clock, onLost, onLog }: ZygoteParts) {
    this.#onLost = onLost;
    this.startedAtMs = clock.now();
    this.#watch = createTimer(clock);
    this.fitness = this.#fit.promise;
    this.#listener = new ForkListener((error) => this.#fit.resolve({ error }));
    try {
      const args = [
        "-u",
        "-P",
        "-m",
        "synapse_otp.zygote",
        String(this.#system),
        ...(hurried ? ["--hurried"] : []),
        ...preload,
      ];
      this.#child = spawn(interpreter, args, {
        cwd: "/",
        env: { ...env, SYNAPSE_WORKER: "1", SYNAPSE_SYSTEM: environmentMark(this.#system) },
        stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
        detached: true,
      });
    } catch (error) {
      this.#listener.close();
      throw error;
    }
    const [, stdout, stderr, control, lifeline] = this.#child.stdio;
    if (!isSocket(stdout) || !isSocket(stderr) || !isSocket(control) || !isSocket(lifeline)) {
      throw new TypeError("no stream for one of the file descriptors 1 to 4");
    }
    this.#control = control;
    this.#lifeline = lifeline;
    for (const stream of [control, lifeline]) stream.on("error", () => stream.destroy());
    for (const stream of [this.#child, stdout, stderr, control, lifeline]) stream.unref();
    lifeline.resume();
    const { pid } = this.#child;
    this.#output = drainOutput({ stdout, stderr }, (record) => onLog(record, pid));
    const splitter = createLineSplitter({ maxBytes: 65_536, onLine: (line) => this.#onLine(line) });
    control.on("data", (chunk: Buffer) => splitter.push(chunk));
    this.#child.on("error", (error) => this.#fit.resolve({ error }));
    const pair = { child: this.#child, control, system: this.#system, clock };
    this.#ended = whenGone(pair).then(({ killed }) => this.#onEnd(killed));
  }

  /** Whether it has ended, or is about to. */
  get lost(): boolean {
    return this.#lost || this.#closing;
  }

  /** From now on, until the answer is called, it keeps the host's event loop alive. */
  hold(): () => void {
    this.#users += 1;
    this.#control.ref();
    return () => {
      this.#users -= 1;
      if (this.#users === 0 && !this.#closing) this.#control.unref();
    };
  }

  /** Asks for a worker, once it is fit. Never rejects. */
  fork(spec: WorkerSpec): Promise<ForkOutcome> {
    if (this.lost) return Promise.resolve({ refused: { ...gone, lost: true } });
    this.#count += 1;
    const id = this.#count;
    const { promise, resolve } = Promise.withResolvers<ForkOutcome>();
    const fork: Fork = { pid: undefined, channels: undefined, resolve, exit: Promise.withResolvers<Exit>() };
    this.#forks.set(id, fork);
    this.#asked.add(fork);
    this.#listener.expect(id, (channels) => {
      fork.channels = channels;
      this.#settle(id, fork);
    });
    const { path: listen, token } = this.#listener;
    const { entry, cwd } = spec;
    this.#ask({ type: "fork", id, listen, token, entry, cwd, env: { ...spec.env, SYNAPSE_WORKER: "1" } });
    return promise;
  }

  /** It is taken as one that cannot fork, and ended. */
  giveUp(why: string): void {
    this.#fit.resolve({ unfit: why });
    void this.close();
  }

  /** Ends it, and with it everything that it has forked. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#child.ref();
      this.#control.ref();
      this.#control.end();
      this.#lifeline.destroy(); // A zygote that still imports hears of it from its guardian.
      this.#child.kill("SIGCONT"); // One that is stopped ends nobody.
      this.#watch.set(answerMs, () => this.#child.kill("SIGKILL"));
    }
    await this.#ended;
  }

  #ask(request: Readonly<Record<string, unknown>>): void {
    this.#unanswered += 1;
    if (this.#unanswered === 1) this.#watchOn();
    this.#control.write(`${JSON.stringify(request)}\n`);
  }

  /** Whoever does not answer is ended from outside: its guardian's end is its own, and what both leave is the host's. */
  #watchOn(): void {
    this.#watch.set(stirMs, () => {
      if (this.#pid !== undefined) continueIfMarked(this.#pid, this.#system);
      this.#watch.set(answerMs - stirMs, () => this.#child.kill("SIGKILL"));
    });
  }

  #onLine(line: string): void {
    const message = parseLine(line) as { type: string; id: number; pid: number; message: string; errno?: string } & {
      code: number | null;
      signal: NodeJS.Signals | null;
    };
    if (message.type === "ready") {
      this.#ready = true;
      this.#pid = message.pid;
      this.#fit.resolve(undefined);
    }
    if (message.type === "unfit") this.#fit.resolve({ unfit: message.message });
    if (message.type === "forked" || message.type === "refused" || message.type === "signaled") this.#unanswered -= 1;
    if (!this.#closing) {
      if (this.#unanswered === 0) this.#watch.clear();
      else this.#watchOn();
    }
    const fork = this.#forks.get(message.id);
    if (fork === undefined) return;
    if (message.type === "forked") {
      fork.pid = message.pid;
      this.#settle(message.id, fork);
    } else if (message.type === "refused") {
      this.#forks.delete(message.id);
      this.#asked.delete(fork);
      this.#listener.forget(message.id);
      fork.resolve({ refused: { detail: message.message, errno: message.errno } });
    } else if (message.type === "exited") {
      this.#forks.delete(message.id);
      fork.exit.resolve([message.code, message.signal, false]);
    }
  }

  #settle(id: number, fork: Fork): void {
    const { pid, channels, resolve, exit } = fork;
    if (pid === undefined || channels === undefined) return;
    this.#asked.delete(fork);
    const signal = (name: "SIGKILL" | "SIGUSR1") => {
      if (!this.#forks.has(id)) return;
      if (this.#control.writable) this.#ask({ type: "signal", id, signal: name });
      else if (name === "SIGKILL") killIfMarked(pid, this.#system);
    };
    const onExit: ForkedProcess["onExit"] = (listener) => void exit.promise.then((end) => listener(...end));
    resolve({ forked: { pid, ...channels, onExit, signal } });
  }

  #onEnd(killed: boolean): void {
    this.#lost = true;
    this.#lifeline.destroy();
    this.#watch.clear();
    const lost = (this.#ready || killed) && !this.#closing;
    this.#fit.resolve(killed ? { killed } : { unfit: "the zygote ended before it was ready" });
    this.#listener.close();
    this.#output.destroy();
    for (const { resolve } of this.#asked) resolve({ refused: { ...gone, lost: !this.#closing } });
    for (const { exit } of this.#forks.values()) exit.resolve([null, "SIGKILL", !this.#closing]);
    const workers = this.#forks.size;
    this.#forks.clear();
    if (lost) this.#onLost({ pid: this.#child.pid, workers });
  }
}

const gone = { detail: "the zygote has ended", errno: undefined };

function isSocket(stream: unknown): stream is Socket {
  return stream instanceof Socket;
}

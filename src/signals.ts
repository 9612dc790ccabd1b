/** SIGTERM and SIGINT as a system takes them: the first one stops it in order, a later one kills it, and the echo of the first is neither. */

import { constants } from "node:os";

/** The signals that ask a process to end: a service manager's and a terminal's. */
const signals = ["SIGTERM", "SIGINT"] as const;

/** One of them. */
export type StopSignal = (typeof signals)[number];

/**
 * How long after a signal another one counts as its echo, in milliseconds: what starts a program in a terminal, such as npm, passes a Ctrl-C on that
 * the program has got from the terminal itself, and a service manager's SIGTERM likewise.
 */
const echoMs = 500;

/** The process that gets the signals. */
export interface SignalHost {
  readonly pid: number;
  exitCode?: number | string | null | undefined;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: StopSignal): unknown;
}

/** What is stopped. */
export interface Stoppable {
  /** In order; settles when all of it is gone. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

/**
 * Stops a system at the first SIGTERM or SIGINT; the exit code becomes 128 and the signal's number, unless the host has set one, and the host ends
 * by itself when it has nothing left to do. A second signal, unless it is the first one's echo, kills the system at once, and the host too, if
 * nobody else listens for it. Returns the function that lets go of the signals.
 */
export function stopOnSignals(system: Stoppable, host: SignalHost = process): () => void {
  let firstAtMs: number | undefined;
  const listeners = signals.map((signal) => [signal, () => take(signal)] as const);
  const release = () => {
    for (const [signal, listener] of listeners) host.off(signal, listener);
  };
  function take(signal: StopSignal): void {
    const nowMs = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      host.exitCode ??= 128 + constants.signals[signal];
      void system.stop();
    } else if (nowMs - firstAtMs > echoMs) {
      system.kill();
      release();
      if (host.listenerCount(signal) === 0) host.kill(host.pid, signal);
    }
  }
  for (const [signal, listener] of listeners) host.on(signal, listener);
  return () => {
    const leftMs = firstAtMs === undefined ? 0 : firstAtMs + echoMs - performance.now();
    if (leftMs > 0) setTimeout(release, leftMs).unref();
    else release();
  };
}

/**
 * Keeps the echo of a signal from ending a host that stops its system in a listener of its own, `process.once("SIGINT", …)`: by then nobody
 * listens any more, and the default is to end the process with everything in it.
 */
export class EchoGuard {
  readonly #host: SignalHost;
  /** When a signal lost its last listener, as by `once`. */
  readonly #unheardSinceMs = new Map<string, number>();
  #systems = 0;

  constructor(host: SignalHost) {
    this.#host = host;
  }

  /** A system begins: the host's listeners are looked at. */
  acquire(): void {
    this.#systems += 1;
    if (this.#systems === 1) this.#host.on("removeListener", this.#onRemoved);
  }

  /** A system has ended. */
  release(): void {
    this.#systems -= 1;
    if (this.#systems === 0) this.#host.off("removeListener", this.#onRemoved);
  }

  /** A system is being stopped: a signal whose listener has just been used up is ignored for half a second. */
  hold(): void {
    for (const [signal, sinceMs] of this.#unheardSinceMs) {
      if (performance.now() - sinceMs > echoMs || this.#host.listenerCount(signal) > 0) continue;
      const ignore = () => undefined;
      this.#host.on(signal, ignore);
      setTimeout(() => this.#host.off(signal, ignore), echoMs).unref();
    }
  }

  readonly #onRemoved = (event: unknown): void => {
    const name = signals.find((signal) => signal === event);
    if (name !== undefined && this.#host.listenerCount(name) === 0) this.#unheardSinceMs.set(name, performance.now());
  };
}

/** The guard of this process, for all of its systems. */
export const echoGuard = new EchoGuard(process);

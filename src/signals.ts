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
  prependListener(event: string, listener: (...args: unknown[]) => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: StopSignal): unknown;
}

/** What is stopped. */
export interface Stoppable {
  /** In order; settles when all of it is gone. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
  /** Whether the host's exit code is somebody else's to set; default false. */
  readonly keepsExitCode?: boolean;
}

/**
 * Stops a system at the first SIGTERM or SIGINT; the exit code becomes 128 and the signal's number, unless it is set already or not to be set, and the host ends
 * by itself when it has nothing left to do. A second signal, unless it is the first one's echo, kills the system at once, and the host too, if
 * nobody else listens for it. Returns the function that lets go of the signals.
 */
export function stopOnSignals(system: Stoppable, host: SignalHost = process, guard = echoGuard): () => void {
  let firstAtMs: number | undefined;
  const listeners = signals.map((signal) => [signal, () => take(signal)] as const);
  const release = () =>
    guard.meant(() => {
      for (const [signal, listener] of listeners) host.off(signal, listener);
    });
  function take(signal: StopSignal): void {
    const nowMs = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      if (system.keepsExitCode !== true) host.exitCode ??= 128 + constants.signals[signal];
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
 * Keeps the echo of a signal from ending a host that stops its system in a listener of its own, `process.once("SIGINT", …)`: when the echo comes
 * nobody listens any more, and the default is to end the process with everything in it. So a signal that has just lost its last listener is held
 * back for half a second. If a system is being stopped by then it was an echo; if not, it is delivered after all.
 */
export class EchoGuard {
  readonly #host: SignalHost;
  /** The signals that are held back now. */
  readonly #held = new Set<StopSignal>();
  #stops = 0;
  #systems = 0;
  #meant = false;

  constructor(host: SignalHost) {
    this.#host = host;
  }

  /** A system begins: the host's listeners are looked at. */
  acquire(): void {
    this.#systems += 1;
    // Ahead of the host's own look at them, which gives a signal without listeners back to the operating system.
    if (this.#systems === 1) this.#host.prependListener("removeListener", this.#onRemoved);
  }

  /** A system has ended. */
  release(): void {
    this.#systems -= 1;
    if (this.#systems === 0) this.#host.off("removeListener", this.#onRemoved);
  }

  /** Runs something that removes listeners and means it: no signal is held back for that. */
  meant(removal: () => void): void {
    this.#meant = true;
    try {
      removal();
    } finally {
      this.#meant = false;
    }
  }

  /** A system is being stopped. */
  noteStop(): void {
    this.#stops += 1;
  }

  readonly #onRemoved = (event: unknown): void => {
    const signal = signals.find((name) => name === event);
    if (this.#meant || signal === undefined || this.#held.has(signal) || this.#host.listenerCount(signal) > 0) return;
    const stopsBefore = this.#stops;
    let came = false;
    const hold = () => {
      if (this.#host.listenerCount(signal) === 1) came = true;
    };
    this.#held.add(signal);
    this.#host.on(signal, hold);
    setTimeout(() => {
      this.meant(() => void this.#host.off(signal, hold));
      this.#held.delete(signal);
      if (came && this.#stops === stopsBefore) this.#host.kill(this.#host.pid, signal);
    }, echoMs).unref();
  };
}

/** The guard of this process, for all of its systems. */
export const echoGuard = new EchoGuard(process);

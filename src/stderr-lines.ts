/** Lines to the host's stderr that never hold the host up: what a reader does not take is kept for a while, and what is too much is counted. */

import { writeSync } from "node:fs";

/** Where lines are written. */
export interface StderrOptions {
  /** Writes what can be written now and answers how many bytes that were; throws as `fs.writeSync` does, EAGAIN when nothing can. Default: stderr. */
  readonly write?: (bytes: Buffer) => number;
  /** Calls `fn` once, later; must not keep the host alive. Default: an unreferenced timer. */
  readonly later?: (fn: () => void) => void;
}

/** How much is kept for a reader that has stopped reading, in bytes. */
const keptBytes = 1024 * 1024;
/** How soon a full pipe is tried again, in milliseconds. */
const retryMs = 50;
/** How often, and after how many milliseconds, it is tried when the host ends: 200 ms in all. */
const exitTries = 40;
const exitTryMs = 5;

/** A destination for the lines of a log. */
export class StderrLines {
  #write: ((bytes: Buffer) => number) | undefined;
  readonly #later: (fn: () => void) => void;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #leftOut = 0;
  #waiting = false;
  #closed = false;

  constructor(options: StderrOptions = {}) {
    this.#write = options.write;
    this.#later = options.later ?? ((fn) => setTimeout(fn, retryMs).unref());
  }

  /** Writes a line, or keeps it, or counts it. Never throws. */
  write(line: string): void {
    if (this.#closed) return;
    const bytes = Buffer.from(line);
    if (this.#keptBytes + bytes.length > keptBytes) {
      this.#leftOut += 1;
      return;
    }
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
    if (!this.#waiting) this.flush();
  }

  /** Writes what is kept, as far as it can be written now. */
  flush(): void {
    try {
      for (let next = this.#kept[0]; next !== undefined; next = this.#kept[0]) {
        this.#write ??= writeStderr();
        const written = this.#write(next);
        this.#keptBytes -= written;
        if (written < next.length) this.#kept[0] = next.subarray(written);
        else this.#kept.shift();
        if (this.#kept.length === 0) this.#tellLeftOut();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") this.#retry();
      else this.#close();
    }
  }

  /** Sees to what is kept when the host ends. Returns the function that ends this. */
  watchExit(): () => void {
    return exitWatch.add(this);
  }

  /** Writes what is kept although the host ends, for as long as a reader that reads may need for it. */
  flushAtExit(): void {
    for (let tries = 0; tries < exitTries && this.#kept.length > 0; tries += 1) {
      if (tries > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, exitTryMs);
      this.flush();
    }
  }

  #tellLeftOut(): void {
    if (this.#leftOut === 0) return;
    const line = `{"level":40,"time":${Date.now()},"msg":"stderr was not read: ${this.#leftOut} log lines were left out"}\n`;
    this.#leftOut = 0;
    this.#kept.push(Buffer.from(line));
    this.#keptBytes += Buffer.byteLength(line);
  }

  #retry(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#later(() => {
      this.#waiting = false;
      this.flush();
    });
  }

  /** Nobody will ever read it. */
  #close(): void {
    this.#closed = true;
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

/** The lines of this process's systems, which one listener sees to when it ends: Node warns of the eleventh. */
class ExitWatch {
  readonly #lines = new Set<StderrLines>();
  readonly #flush = (): void => {
    for (const lines of this.#lines) lines.flushAtExit();
  };

  add(lines: StderrLines): () => void {
    if (this.#lines.size === 0) process.on("exit", this.#flush);
    this.#lines.add(lines);
    return () => {
      this.#lines.delete(lines);
      if (this.#lines.size === 0) process.off("exit", this.#flush);
    };
  }
}

const exitWatch = new ExitWatch();

/**
 * Node makes the descriptor of a piped stderr non-blocking when its stream is made: a write takes what fits, or nothing (EAGAIN). In a thread of Node's
 * there is no descriptor, but a stream to the main thread, which never blocks.
 */
function writeStderr(): (bytes: Buffer) => number {
  const { stderr } = process;
  const fd = stderr.fd as number | undefined;
  if (fd !== undefined) return (bytes) => writeSync(fd, bytes);
  return (bytes) => {
    stderr.write(bytes);
    return bytes.length;
  };
}

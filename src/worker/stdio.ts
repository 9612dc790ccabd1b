/**
 * The worker's stdout and stderr. Both are read from the first instant to the last, whatever the host does with the lines: a full pipe
 * would freeze the worker in the middle of a print.
 */

import type { Readable } from "node:stream";
import type { WorkerLogRecord } from "./launcher.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { readLogLine } from "./log-line.ts";

/** Longest line in bytes; a longer one becomes several records. */
const maxLineBytes = 64 * 1024;

const maxTailLines = 50;
const maxTailBytes = 64 * 1024;

/** The end of a stream, in bounded memory. */
export interface OutputTail {
  add(line: string): void;
  /** Oldest first. */
  lines(): readonly string[];
}

/** Creates a tail that keeps the last 50 lines and at most 64 KiB of them. */
export function createOutputTail(): OutputTail {
  const kept: { line: string; bytes: number }[] = [];
  let bytes = 0;
  return {
    add(line) {
      const size = Buffer.byteLength(line);
      kept.push({ line, bytes: size });
      bytes += size;
      while (kept.length > maxTailLines || bytes > maxTailBytes) bytes -= kept.shift()?.bytes ?? 0;
    },
    lines: () => kept.map(({ line }) => line),
  };
}

/** Both streams of one worker while they are read. */
export interface OutputDrain {
  /** Resolves when both streams are closed and all their lines delivered. Never rejects. */
  readonly closed: Promise<void>;
  /** Last lines of stderr as they were written: at most 50 lines and 64 KiB. */
  stderrTail(): readonly string[];
  /** Delivers what is there and lets go of both streams, whoever else holds the pipes. */
  destroy(): void;
}

/**
 * Begins to read both streams. A line of stderr that is diverted is neither logged nor kept. An `onLog` that throws is reported as a process warning, since nobody else is left to tell.
 */
export function drainOutput(
  streams: { stdout: Readable; stderr: Readable },
  onLog: (record: WorkerLogRecord) => void,
  isDiverted: (line: string) => boolean = () => false,
): OutputDrain {
  const tail = createOutputTail();
  const deliver = createLogSink(onLog);
  const drains = (["stdout", "stderr"] as const).map((name) => {
    const stream = streams[name];
    const splitter = createLineSplitter({
      maxBytes: maxLineBytes,
      onLine(line) {
        if (name === "stderr") {
          if (isDiverted(line)) return;
          tail.add(line);
        }
        deliver(readLogLine(name, line));
      },
    });
    const closed = new Promise<void>((resolve) => {
      stream.on("data", (chunk: Buffer) => splitter.push(chunk));
      stream.on("error", () => stream.destroy()); // A broken pipe ends like any other: with "close".
      stream.on("close", () => {
        splitter.flush();
        resolve();
      });
      if (stream.closed) resolve();
    });
    return { stream, splitter, closed };
  });
  return {
    closed: Promise.all(drains.map(({ closed }) => closed)).then(() => undefined),
    stderrTail: () => tail.lines(),
    destroy() {
      for (const { stream, splitter } of drains) {
        splitter.flush();
        stream.destroy();
      }
    },
  };
}

/** `onLog` made safe to call from a stream's event: what it throws becomes a process warning, once a worker. */
export function createLogSink(onLog: (record: WorkerLogRecord) => void): (record: WorkerLogRecord) => void {
  let warned = false;
  return (record) => {
    try {
      onLog(record);
    } catch (error) {
      if (warned) return;
      warned = true;
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.emitWarning(`onLog of a worker threw; its other throws stay unreported: ${text}`, "SynapseWarning");
    }
  };
}

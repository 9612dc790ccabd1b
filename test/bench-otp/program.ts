/** A subject at work: a program that is asked over its stdin, one measure at a time. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { within } from "../bench/deadline.ts";
import type { MeasureName } from "./protocol.ts";

/** How long one measure may take, in milliseconds. */
const measureMs = 300_000;

/** A program that answers. */
export class Program {
  readonly name: string;
  /** Of what it measures, as it tells it itself. */
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, version: string, child: ChildProcess, lines: AsyncIterator<string>) {
    this.name = name;
    this.version = version;
    this.#child = child;
    this.#lines = lines;
  }

  /** Asks for one measure. Undefined: the subject has no such thing. */
  async measure(measure: MeasureName, ...sizes: number[]): Promise<number[] | undefined> {
    const request = [measure, ...sizes].join(" ");
    this.#child.stdin?.write(`${request}\n`);
    const { value = "error the program has ended" } = await within(
      measureMs,
      `${this.name}: ${request}`,
      this.#lines.next(),
    );
    const [outcome, ...figures] = value.split(" ");
    if (outcome === "none") return undefined;
    if (outcome !== "ok") throw new Error(`${this.name}: ${request}: ${value}`);
    return figures.map(Number);
  }

  /** Ends the program and settles when it is gone. */
  async close(): Promise<void> {
    await end(this.#child);
  }
}

/** Starts a subject of `subject-program.ts`. Rejects when it cannot be loaded. */
export function startSubject(name: string): Promise<Program> {
  return startProgram(name, process.execPath, ["--expose-gc", join(import.meta.dirname, "subject-program.ts"), name]);
}

/** Starts any program that speaks as protocol.ts says. Rejects when its first line is not `ready <version>`. */
export async function startProgram(name: string, file: string, args: readonly string[]): Promise<Program> {
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    await once(child, "spawn");
    const { value = "" } = await within(30_000, `the start of ${name}`, lines.next());
    const ready = /^ready (.*)$/.exec(value);
    if (ready === null) throw new Error(`${name} did not start: ${value}`);
    return new Program(name, ready[1] ?? "", child, lines);
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** stdin's end asks; what does not answer within seconds is killed. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  child.stdin?.end();
  await gone;
  clearTimeout(timer);
}

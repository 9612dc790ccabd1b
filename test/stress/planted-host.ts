/** A host that a test has started to kill it, or what descends from it: test/fixtures/hosts/planting.ts. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { markOf, systemOf } from "../../src/worker/system-mark.ts";
import { findProcesses, type Identity, identityOf, lives, parentOf, strike, wasGiven } from "./processes.ts";

/** States of a worker in which it is killed. */
export const states = ["starting", "ready", "async", "loop", "c", "stopped", "restarting"] as const;
/** What the worker has started. */
export const children = ["none", "grouped", "idle", "busy", "mcp"] as const;

/** One of {@link states}. */
export type State = (typeof states)[number];
/** One of {@link children}. */
export type Child = (typeof children)[number];
/** Who is killed, at the same moment. */
export type Victim = "host" | "worker" | "zygote" | "guardian";

/** A process that has written itself down. */
export interface Planted extends Identity {
  readonly role: string;
  /** Its worker. */
  readonly owner: Identity;
}

const startMs = 60_000;

/** The host, with a register of its own. */
export class PlantedHost {
  readonly #directory = mkdtempSync(join(tmpdir(), "planted-"));
  readonly #register = join(this.#directory, "register");
  readonly #state: State;
  readonly #process: ChildProcess;
  readonly #host: Identity;
  #output = "";
  #trunk: { worker: Identity; zygote: Identity; guardian: Identity; workerNumber: number; system: number } | undefined;

  constructor(state: State, child: Child) {
    this.#state = state;
    const temporary = join(this.#directory, "tmp");
    for (const directory of [this.#register, temporary]) mkdirSync(directory);
    this.#process = spawn(process.execPath, ["test/fixtures/hosts/planting.ts", state, child, this.#register], {
      env: { ...process.env, TMPDIR: temporary, PLANTED: this.#directory },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    this.#host = identityOf(this.#process.pid ?? 0);
  }

  /** Settles when its agent is in the state that was asked for. */
  async set(): Promise<void> {
    await until(
      () => /^set$/m.test(this.#output),
      startMs,
      () => `the host is not set; it says: ${this.#output}`,
    );
    const worker = this.planted().find((each) => each.role === "worker" && lives(each));
    if (worker === undefined) throw new Error(`no worker lives; the host says: ${this.#output}`);
    const zygote = identityOf(parentOf(worker.pid));
    const guardian = identityOf(parentOf(zygote.pid));
    if (parentOf(guardian.pid) !== this.#host.pid) throw new Error("the guardian is no child of the host");
    const mark = markOf(worker.pid);
    if (mark === undefined) throw new Error("the worker has no mark");
    this.#trunk = { worker, zygote, guardian, workerNumber: mark.worker, system: mark.system };
    if (this.#state === "stopped") for (const each of this.planted()) strike(each, "SIGSTOP");
    if (this.#state === "restarting") this.#process.stdin?.write("restart\n");
  }

  /** Everything that has written itself down so far. */
  planted(): Planted[] {
    return readdirSync(this.#register).map((name) => {
      const [role = "", pid, started = "", owner, ownerStarted = ""] = name.split("-");
      return { role, pid: Number(pid), started, owner: { pid: Number(owner), started: ownerStarted } };
    });
  }

  /** SIGKILL to the victims, one right after the other. */
  kill(victims: readonly Victim[]): void {
    const { worker, zygote, guardian } = this.#known();
    // The one that restarts may have gone meanwhile: its successor is meant then.
    const present = this.planted().findLast((each) => each.role === "worker" && lives(each)) ?? worker;
    const numbers = { host: this.#host, worker: present, zygote, guardian };
    for (const victim of victims) strike(numbers[victim], "SIGKILL");
  }

  /** Those that live although what they belong to does not. */
  survivors(victims: readonly Victim[]): Identity[] {
    const { zygote, guardian, system, workerNumber, worker } = this.#known();
    const planted = this.planted();
    const orphans = planted.filter((each) => lives(each) && !lives(each.owner));
    if (victims.includes("host")) {
      const known = [zygote, guardian, ...planted].filter(lives);
      return known.length > 0 ? known : this.left();
    }
    if (victims.includes("worker")) {
      const known = orphans.length > 0 || this.#state === "restarting" ? orphans : [worker].filter(lives);
      if (known.length > 0 || this.#state === "restarting") return known;
      return marked(({ system: s, worker: w }) => s === system && w === workerNumber);
    }
    const known = [zygote, guardian, ...orphans].filter(lives);
    return known.length > 0 ? known : marked((mark) => mark.system === system);
  }

  /** All that descends from the host and lives: it has the host's directory in its environment or its arguments, or the mark. */
  left(): Identity[] {
    const systems = new Set(this.#trunk === undefined ? [] : [this.#trunk.system]);
    return findProcesses(
      (pid) => pid !== this.#host.pid && (systems.has(systemOf(pid) ?? 0) || wasGiven(pid, this.#directory)),
    );
  }

  /** Ends what there still is of it, and forgets its files. */
  async end(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGKILL");
      await once(this.#process, "exit");
    }
    for (const each of [...this.planted(), ...this.left()]) strike(each, "SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #known() {
    if (this.#trunk === undefined) throw new Error("the host is not set yet");
    return this.#trunk;
  }
}

function marked(matches: (mark: { system: number; worker: number }) => boolean): Identity[] {
  return findProcesses((pid) => {
    const mark = markOf(pid);
    return mark !== undefined && matches(mark);
  });
}

/** Waits until a condition holds, and looks at it again every few milliseconds. Answers how long that took. */
export async function until(holds: () => boolean, limitMs: number, describe: () => string): Promise<number> {
  const began = performance.now();
  for (;;) {
    const now = performance.now();
    if (holds()) return now - began;
    if (now - began > limitMs) throw new Error(`${describe()} (after ${limitMs} ms)`);
    await pause(3);
  }
}

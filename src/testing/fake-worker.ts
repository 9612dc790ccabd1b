/** A worker without a process: a server in this one, that can be crashed, cut off, stopped and killed as a process can. */

import { randomBytes } from "node:crypto";
import { type Clock, createTimer, type Timer } from "../worker/clock.ts";
import { nextVerdict, type Verdict } from "../worker/exit-cause.ts";
import {
  cleanUpShareMs,
  type Worker,
  type WorkerExit,
  type WorkerReady,
  type WorkerSpec,
  type WorkerUsage,
} from "../worker/launcher.ts";
import { createSocketDirectory, type SocketDirectory } from "../worker/socket-directory.ts";
import { type FakeAgentServer, startFakeAgentServer } from "./fake-agent-server.ts";
import { createFakeAgentService, type FakeAgentService } from "./fake-agent-service.ts";
import { type Blocked, type FakeBlock, fakePeakBytes, fakeStacks, fakeUsage } from "./fake-block.ts";
import { type FakeDeath, fakeEnd } from "./fake-death.ts";
import type { FakeDescription } from "./fake-description.ts";
import { nextFakePid } from "./fake-pid.ts";
import type { FakeReply, FakeRun } from "./fake-run.ts";
import type { FakeStart } from "./fake-start.ts";

/** What a fake worker does. */
export interface FakeWorkerScript {
  /** How it starts; default "ready". */
  readonly start?: FakeStart;
  /** Answers every run; the worker is there to be crashed at any moment. Default: the prompt itself. */
  readonly answer?: (run: FakeRun, worker: FakeWorker) => FakeReply | Promise<FakeReply>;
  /** What its agent says of itself, which a definition's `output`, `tools` and `contract` are checked against. Default: nothing. */
  readonly description?: FakeDescription;
  /** The files that it has imported, as absolute paths; default: none. */
  readonly imports?: () => readonly string[];
  /**
   * "finish" (default): its runs are finished, those that overstay are cancelled, then it ends with code 0. "ignore": only the kill after the
   * grace ends it, and its runs with it.
   */
  readonly onStop?: "finish" | "ignore";
}

/** A fake worker, as a test holds it. */
export interface FakeWorker extends Worker {
  readonly spec: WorkerSpec;
  /** Every run that has reached it, in order. */
  readonly runs: readonly FakeRun[];
  /** Its process ends now, by itself or by a signal of somebody else; default `{ signal: "SIGKILL" }`. */
  crash(death?: FakeDeath): void;
  /** A signal from outside asks it to end: it tells so, refuses new runs and waits for `stop`. Default: SIGTERM. */
  terminate(signal?: NodeJS.Signals): void;
  /** Its connections break, and its process lives on. */
  disconnect(): void;
  /** Its event loop answers nothing from now on, until `unblock`. Default: "asleep". */
  block(how?: FakeBlock): void;
  /** Its event loop answers again. */
  unblock(): void;
  /** It writes a line; default on stderr. */
  print(line: string, stream?: "stdout" | "stderr"): void;
}

const keptLines = 50;

/** Starts a fake worker. Never throws: what cannot be set up is an exit "spawn_failed". */
export function startFakeWorker(spec: WorkerSpec, script: FakeWorkerScript, clock: Clock): FakeWorker {
  return new ScriptedWorker(spec, script, clock);
}

class ScriptedWorker implements FakeWorker {
  readonly spec: WorkerSpec;
  readonly incarnation: number;
  readonly pid: number | undefined;
  readonly #started = Promise.withResolvers<{ ready: WorkerReady } | { exit: WorkerExit }>();
  readonly #exited = Promise.withResolvers<WorkerExit>();
  readonly #script: FakeWorkerScript;
  readonly #clock: Clock;
  readonly #spawnedAtMs: number;
  readonly #service: FakeAgentService;
  readonly #stderr: string[] = [];
  /** Runs towards the start timeout, then towards the end of a grace. */
  readonly #deadline: Timer;
  /** Runs towards the moment when the runs that still run are cancelled. */
  readonly #cancel: Timer;
  #directory: SocketDirectory | undefined;
  #server: Promise<FakeAgentServer> | undefined;
  #ready = false;
  #ended = false;
  #verdict: Verdict | undefined;
  #outsideSignal: NodeJS.Signals | undefined;
  #stopByMs = Number.POSITIVE_INFINITY;
  #block: Blocked | undefined;

  constructor(spec: WorkerSpec, script: FakeWorkerScript, clock: Clock) {
    this.spec = spec;
    this.incarnation = spec.incarnation;
    this.#script = script;
    this.#clock = clock;
    this.#spawnedAtMs = clock.now();
    this.#deadline = createTimer(clock);
    this.#cancel = createTimer(clock);
    const { answer, description = {} } = script;
    this.#service = createFakeAgentService({
      clock,
      description,
      ...(answer === undefined ? {} : { answer: (run) => answer(run, this) }),
    });
    const { start = "ready" } = script;
    const refused = typeof start === "object" && "spawnFailed" in start ? start : undefined;
    let failure = refused?.spawnFailed;
    try {
      if (failure === undefined) this.#directory = createSocketDirectory();
    } catch (error) {
      failure = String(error);
    }
    if (failure !== undefined) {
      this.#ended = true;
      this.#settle(this.#exit({ cause: "spawn_failed", detail: failure, errno: refused?.errno }));
      return;
    }
    this.pid = nextFakePid();
    this.#deadline.set(spec.startTimeoutMs, () => this.#die("start_timeout", { signal: "SIGKILL" }));
    void this.#start(start);
  }

  get started(): Promise<{ ready: WorkerReady } | { exit: WorkerExit }> {
    return this.#started.promise;
  }

  get exited(): Promise<WorkerExit> {
    return this.#exited.promise;
  }

  get runs(): readonly FakeRun[] {
    return this.#service.runs;
  }

  importedFiles(): Promise<readonly string[]> {
    return Promise.resolve(this.#ended ? [] : (this.#script.imports?.() ?? []));
  }

  releaseSocket(): void {
    this.#directory?.remove();
    this.#directory = undefined;
  }

  stop(graceMs: number, drainMs = graceMs - cleanUpShareMs(graceMs)): Promise<WorkerExit> {
    if (this.#ended) return this.exited;
    if (!(graceMs > 0)) {
      this.kill();
      return this.exited;
    }
    const stopByMs = this.#clock.now() + graceMs;
    if (stopByMs >= this.#stopByMs) return this.exited;
    this.#stopByMs = stopByMs;
    this.#deadline.set(graceMs, () => this.#die("stop_overdue", { signal: "SIGKILL" }));
    const first = this.#verdict !== "stop";
    this.#verdict = nextVerdict(this.#verdict, "stop");
    if (this.#script.onStop === "ignore") return this.exited;
    this.#cancel.set(drainMs, () => this.#service.endRuns());
    if (first) void this.#finish();
    return this.exited;
  }

  kill(): void {
    this.#die("kill", { signal: "SIGKILL" });
  }

  crash(death: FakeDeath = { signal: "SIGKILL" }): void {
    this.#die(undefined, death);
  }

  terminate(signal: NodeJS.Signals = "SIGTERM"): void {
    if (this.#ended || this.#outsideSignal !== undefined) return;
    this.#outsideSignal = signal;
    this.#service.beginDrain();
    this.spec.onDraining?.(signal);
  }

  block(how: FakeBlock = "asleep"): void {
    this.#block = { how, sinceMs: this.#clock.now(), over: this.#block?.over ?? Promise.withResolvers<void>() };
  }

  unblock(): void {
    this.#block?.over.resolve();
    this.#block = undefined;
  }

  usage(): WorkerUsage | undefined {
    return this.#ended ? undefined : fakeUsage(this.#block, this.#clock.now());
  }

  async dumpStacks(): Promise<readonly string[]> {
    return this.#ended ? [] : fakeStacks(this.#block);
  }

  disconnect(): void {
    void this.#server?.then((server) => server.disconnect());
  }

  print(line: string, stream: "stdout" | "stderr" = "stderr"): void {
    if (stream === "stderr") this.#stderr.push(line);
    this.spec.onLog({ stream, level: stream === "stderr" ? "warn" : "info", message: line, fields: {} });
  }

  /** What the process does by itself, beginning in a later turn, as a process does. */
  async #start(start: FakeWorkerScript["start"]): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#ended || start === "never" || start === undefined) return;
    if (typeof start === "object") {
      if ("loadFailure" in start) this.#die("load_failed", { exitCode: 1 });
      else if (!("spawnFailed" in start)) this.crash(start);
      return;
    }
    const socketPath = this.#directory?.socketPath;
    if (socketPath === undefined) return;
    const token = randomBytes(32).toString("hex");
    const { maxMessageBytes } = this.spec;
    const open = () => this.#unblocked();
    this.#server = startFakeAgentServer(this.#service, { socketPath, token, maxMessageBytes, open });
    await this.#server;
    if (this.#ended) return;
    this.#ready = true;
    if (this.#verdict === undefined) this.#deadline.clear();
    const { pid = 0 } = this;
    const agentName = this.spec.agentId;
    this.#started.resolve({ ready: { pid, socketPath, token, agentName, modelName: "fake", versions: {} } });
  }

  /** Answers what it has begun, refuses what still comes, and ends. */
  async #finish(): Promise<void> {
    await this.#unblocked();
    this.#service.beginDrain();
    await this.#service.idle();
    await (await this.#server)?.finish();
    this.#die("stop", { exitCode: 0 });
  }

  async #unblocked(): Promise<void> {
    while (this.#block !== undefined) await this.#block.over.promise;
  }

  #die(verdict: Verdict | undefined, death: FakeDeath): void {
    if (this.#ended) return;
    this.#ended = true;
    if (verdict !== undefined) this.#verdict = nextVerdict(this.#verdict, verdict);
    this.#deadline.clear();
    this.#cancel.clear();
    this.unblock();
    const { exitCode, signal, cause } = fakeEnd(this.#verdict, death);
    const { start } = this.#script;
    const loadFailure =
      this.#verdict === "load_failed" && typeof start === "object" && "loadFailure" in start
        ? { retriable: false, pythonType: undefined, traceback: undefined, ...start.loadFailure }
        : undefined;
    const overdue = this.#verdict === "stop_overdue" && cause === "killed";
    const exit = this.#exit({
      cause,
      detail: overdue ? 'its last phase was "finishing its runs"' : undefined,
      exitCode,
      signal,
      loadFailure,
    });
    void this.#release().then(() => this.#settle(exit));
  }

  async #release(): Promise<void> {
    await (await this.#server)?.close();
    this.#service.close();
    this.releaseSocket();
  }

  #exit(facts: Partial<WorkerExit> & Pick<WorkerExit, "cause">): WorkerExit {
    return {
      pid: this.pid,
      incarnation: this.incarnation,
      exitCode: undefined,
      signal: undefined,
      loadFailure: undefined,
      detail: undefined,
      stderrTail: this.#stderr.slice(-keptLines),
      wasReady: this.#ready,
      uptimeMs: Math.round(this.#clock.now() - this.#spawnedAtMs),
      ...(this.pid === undefined ? {} : { peakMemoryBytes: fakePeakBytes }),
      ...(this.#outsideSignal === undefined ? {} : { outsideSignal: this.#outsideSignal }),
      ...facts,
    };
  }

  #settle(exit: WorkerExit): void {
    this.#started.resolve({ exit });
    this.#exited.resolve(exit);
  }
}

/**
 * One worker process from its spawn to its end. Everything that can end it meets here, and the first thing that does decides the cause.
 *
 * The process keeps the host's event loop alive as long as it runs, as any child process does; after its exit nothing stays open.
 */

import type { Duplex, Readable } from "node:stream";
import { describeValue } from "../describe-value.ts";
import { type Clock, createTimer } from "./clock.ts";
import { type ControlChannel, openControlChannel } from "./control-channel.ts";
import { EndRecord } from "./end-record.ts";
import type { Verdict } from "./exit-cause.ts";
import { FileQuestions } from "./file-questions.ts";
import { drainLine, helloLine, hostHello, readWorkerLine, shutdownLine, type WorkerMessage } from "./handshake.ts";
import { Inspection } from "./inspection.ts";
import type { Worker, WorkerExit, WorkerLogRecord, WorkerReady, WorkerSpec, WorkerUsage } from "./launcher.ts";
import type { SocketDirectory } from "./socket-directory.ts";
import { createLogSink, drainOutput, type OutputDrain } from "./stdio.ts";
import { hasDied } from "./terminate.ts";

/** How long a process that has nothing left to say (control channel closed, failure told) may take to exit before it is killed. */
const lastWordsMs = 1_000;
/** How long before the kill a worker that has not said what holds it up is asked for its stacks: at most this, and an eighth of the grace. */
const stacksMs = 200;
/** How long after the exit its pipes are read on, when a process that left the group still holds them. */
const drainMs = 100;

/** A process that was just spawned, and what belongs to it. */
export interface SpawnedProcess {
  /** Calls the listener once, when the process has ended and was reaped. */
  onExit(listener: (code: number | null, signal: NodeJS.Signals | null, zygoteLost?: boolean) => void): void;
  pid: number;
  /** Sends it a signal, SIGKILL to its group too; not called once its exit was told. */
  signal(name: "SIGKILL" | "SIGUSR1"): void;
  /** Once it was reaped: ends what it has left in its group, and says when that is empty. Absent: who has reaped it has done so. */
  endGroup?: () => { empty: Promise<void>; cancel: () => void } | undefined;
  stdout: Readable;
  stderr: Readable;
  /** The host's end of fd 3. */
  control: Duplex;
  /** The host's end of fd 4; nothing is ever written on it, its end tells the worker that the host is gone. Undefined: the zygote has it. */
  lifeline: Duplex | undefined;
  directory: SocketDirectory;
  /** Hex text of the incarnation's 32-byte token. */
  token: string;
  spawnedAtMs: number;
}

/** The {@link Worker} of a spawned process. */
export class SpawnedWorker implements Worker {
  readonly incarnation: number;
  readonly pid: number;
  readonly started: Promise<{ ready: WorkerReady } | { exit: WorkerExit }>;
  readonly exited: Promise<WorkerExit>;

  readonly #process: SpawnedProcess;
  readonly #clock: Clock;
  readonly #output: OutputDrain;
  readonly #channel: ControlChannel;
  readonly #log: (record: WorkerLogRecord) => void;
  readonly #onDraining: (signal: NodeJS.Signals) => void;
  readonly #end = new EndRecord();
  readonly #questions = new FileQuestions();
  readonly #inspection: Inspection;
  readonly #settleStarted: (outcome: { ready: WorkerReady } | { exit: WorkerExit }) => void;
  readonly #settleExited: (exit: WorkerExit) => void;
  /** Runs towards the start timeout, then towards the end of a grace. */
  readonly #deadline;
  /** Runs from the moment the worker has nothing left to say. */
  readonly #lastWords;
  /** Runs towards the moment shortly before the end of a grace. */
  readonly #stacks;

  #exitSeen = false;
  #released = false;
  #stopByMs = Number.POSITIVE_INFINITY;

  constructor(spawned: SpawnedProcess, spec: WorkerSpec, clock: Clock) {
    this.incarnation = spec.incarnation;
    this.pid = spawned.pid;
    this.#process = spawned;
    this.#clock = clock;
    this.#log = createLogSink(spec.onLog);
    this.#deadline = createTimer(clock);
    this.#lastWords = createTimer(clock);
    this.#stacks = createTimer(clock);
    this.#onDraining = (signal) => spec.onDraining?.(signal);
    const started = Promise.withResolvers<{ ready: WorkerReady } | { exit: WorkerExit }>();
    const exited = Promise.withResolvers<WorkerExit>();
    this.started = started.promise;
    this.exited = exited.promise;
    this.#settleStarted = started.resolve;
    this.#settleExited = exited.resolve;

    this.#inspection = new Inspection(spawned.pid, clock, () => spawned.signal("SIGUSR1"));
    this.#output = drainOutput(spawned, spec.onLog, (line) => this.#inspection.take(line));
    this.#channel = openControlChannel(spawned.control, {
      onLine: (line) => this.#onControlLine(line),
      onEnd: () => this.#onControlEnd(),
    });
    spawned.lifeline?.on("error", () => spawned.lifeline?.destroy()); // The worker is gone; its exit tells.
    spawned.lifeline?.resume();
    spawned.onExit((code, signal, zygoteLost) => void this.#onExit(code, signal, zygoteLost));

    const takenMs = clock.now() - spawned.spawnedAtMs;
    this.#deadline.set(Math.max(0, spec.startTimeoutMs - takenMs), () => this.#endBy("start_timeout"));
    const { directory, token } = spawned;
    this.#channel.send(helloLine(hostHello(spec, { socketPath: directory.socketPath, token })));
  }

  releaseSocket(): void {
    if (this.#released) return;
    this.#released = true;
    try {
      this.#process.directory.remove();
    } catch (error) {
      this.#warn("the worker's socket directory could not be removed", {
        path: this.#process.directory.path,
        error: String(error),
      });
    }
  }

  importedFiles(): Promise<readonly string[]> {
    return this.#questions.ask((line) => this.#channel.send(line));
  }

  /** A grace of 0 or less kills at once. A second call can only shorten the grace. */
  stop(graceMs: number, drainMs?: number): Promise<WorkerExit> {
    if (this.#exitSeen) return this.exited;
    if (!(graceMs > 0)) {
      this.kill();
      return this.exited;
    }
    // Without a channel it cannot be asked; it is ending already, or it will not.
    const limitMs = this.#channel.open ? graceMs : Math.min(graceMs, lastWordsMs);
    const stopByMs = this.#clock.now() + limitMs;
    if (stopByMs >= this.#stopByMs) return this.exited;
    this.#stopByMs = stopByMs;
    if (!hasDied(this.pid)) this.#end.decide("stop");
    this.#deadline.set(limitMs, () => this.#endBy("stop_overdue"));
    this.#stacks.set(limitMs - Math.min(stacksMs, limitMs / 8), () => this.#askForStacks());
    this.#channel.send(shutdownLine(limitMs, drainMs));
    return this.exited;
  }

  kill(): void {
    if (!this.#exitSeen) this.#endBy("kill");
  }

  usage(): WorkerUsage | undefined {
    return this.#inspection.usage();
  }

  dumpStacks(): Promise<readonly string[]> {
    return this.#inspection.dumpStacks((line) => this.#channel.send(line));
  }

  #onControlLine(line: string): void {
    const { token, directory } = this.#process;
    const message = readWorkerLine(line, { pid: this.pid, socketPath: directory.socketPath, token });
    switch (message.type) {
      case "draining":
        this.#end.outsideSignal ??= message.signal;
        this.#channel.send(drainLine());
        this.#onDraining(message.signal);
        return;
      case "phase":
        this.#end.holdUp.enter(message.phase);
        return;
      case "imports":
        this.#questions.answer(message.files);
        return;
      case "overdue":
        this.#end.holdUp.overdue(message.heldBy);
        return;
      case "tasks":
        this.#inspection.takeTasks(message.tasks);
        return;
      default:
        if (this.#end.wasReady) this.#onLateMessage(message, line);
        else this.#onFirstMessage(message);
    }
  }

  #onFirstMessage(
    message: Exclude<WorkerMessage, { type: "draining" | "phase" | "overdue" | "imports" | "tasks" }>,
  ): void {
    switch (message.type) {
      case "ready":
        if (this.#exitSeen || this.#end.verdict !== undefined) return;
        this.#end.wasReady = true;
        if (message.dumpsStacks === true) this.#inspection.allowSignal();
        this.#deadline.clear();
        this.#settleStarted({ ready: message.ready });
        return;
      case "failed":
        this.#end.loadFailure ??= message.failure;
        if (this.#end.verdict !== undefined) return;
        this.#end.decide("load_failed");
        this.#expectExit();
        return;
      case "mismatch":
        if (this.#end.verdict !== undefined) return;
        this.#end.detail = message.detail;
        this.#end.decide("protocol_mismatch"); // Whether or not it has died since it said so.
        this.#endBy("protocol_mismatch");
        return;
      case "hello":
      case "other":
        return; // A version that agrees needs no answer; what a newer worker adds is its own affair.
    }
  }

  /** A ready worker has nothing to say that could change its fate: user code that writes to fd 3 by mistake is told, not killed. */
  #onLateMessage(message: WorkerMessage, line: string): void {
    if (message.type === "mismatch") {
      this.#warn("the worker wrote a line to fd 3 that is not in the protocol; it was ignored", {
        line: describeValue(line),
      });
    }
  }

  #onControlEnd(): void {
    this.#questions.close();
    if (this.#exitSeen || this.#end.verdict === "stop") return;
    this.#expectExit();
  }

  /** Gives the process a moment to exit by itself, so that its own exit code is what is reported. */
  #expectExit(): void {
    if (this.#exitSeen) return;
    this.#deadline.clear();
    this.#lastWords.set(lastWordsMs, () => {
      if (this.#end.verdict === undefined) {
        this.#end.detail = `it closed its control channel (fd 3) and still ran ${lastWordsMs} ms later, so it was killed`;
        // Once it was ready its protocol had been right: the loss is a crash like any other, seen as the SIGKILL that ends it.
        if (!this.#end.wasReady) this.#end.decide("protocol_mismatch");
      }
      if (this.#end.verdict === "stop") this.#end.decide("stop_overdue");
      this.#process.signal("SIGKILL");
    });
  }

  /** Its stacks are on stderr, and so in its exit, before the kill. */
  #askForStacks(): void {
    if (!this.#end.holdUp.told) this.#inspection.spillStacks();
  }

  #endBy(verdict: Verdict): void {
    if (!hasDied(this.pid)) this.#end.decide(verdict);
    if (this.#exitSeen) return;
    this.#inspection.usage(); // The peak of its memory is known to the end.
    this.#process.signal("SIGKILL");
  }

  /** The child is reaped: from here on its pid may belong to a stranger, its group only to what it left behind. */
  async #onExit(code: number | null, signal: NodeJS.Signals | null, zygoteLost = false): Promise<void> {
    const uptimeMs = Math.round(this.#clock.now() - this.#process.spawnedAtMs);
    this.#exitSeen = true;
    this.#deadline.clear();
    this.#lastWords.clear();
    this.#stacks.clear();
    const { oomKilled } = this.#inspection;
    this.#inspection.end();
    const group = this.#process.endGroup?.();
    this.#process.lifeline?.destroy();
    this.releaseSocket();

    const limit = createTimer(this.#clock);
    await Promise.race([
      Promise.all([this.#output.closed, this.#channel.closed, group?.empty]),
      // A loop that was held up comes to its timers before it reads: what has arrived by then is read first.
      new Promise<void>((resolve) => limit.set(drainMs, () => setImmediate(resolve))),
    ]);
    limit.clear();
    group?.cancel();
    this.#output.destroy();
    this.#channel.destroy();

    const { pid, incarnation } = this;
    const { peakMemoryBytes, faultTrace } = this.#inspection;
    const stderrTail = this.#output.stderrTail();
    const seen = { pid, incarnation, code, signal, zygoteLost, uptimeMs, stderrTail };
    const exit = this.#end.exit({ ...seen, oomKilled, peakMemoryBytes, faultTrace });
    this.#settleStarted({ exit });
    this.#settleExited(exit);
  }

  #warn(message: string, fields: Record<string, unknown>): void {
    this.#log({ stream: "stderr", level: "warn", message, fields });
  }
}

/** A process of plain code: an async function that receives when it wants to. Erlang's spawn. */

import type { AnyActorRef, EventObject } from "xstate";
import { ProcessError } from "../../errors.ts";
import { checkFunction, checkObject } from "../process/argument.ts";
import type { Behaviour } from "../process/behaviour.ts";
import { runAs, self } from "../process/current.ts";
import { exitSignal } from "../process/exit-signal.ts";
import { Monitor } from "../process/monitor.ts";
import type { Process } from "../process/process.ts";
import { InfoMessage } from "../process/runtime-message.ts";
import { isSystemMessage } from "../process/system-message.ts";
import { mailEvent } from "../process/target.ts";
import { exitReasonOf } from "../report/exit-reason.ts";
import type { Ref } from "../request/protocol.ts";
import { type Patience, patienceMs } from "../request/timeout.ts";
import { Deque } from "../scheduler/deque.ts";
import type { Runnable } from "../scheduler/run-queue.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { rootLogic, stopActor } from "../scheduler/xstate-adapter.ts";
import { adoptProcess } from "./spawning.ts";
import { type InternalStart, type StartOptions, startProcess } from "./start.ts";

/** What the code of a process works with. */
export interface ProcessContext {
  readonly self: Ref;
  /**
   * The next message, or the next that matches; others stay in their order. Rejects with ProcessError "timeout" after `timeoutMs` or at
   * `deadlineAtMs` (default: no limit; 0 looks at what has arrived). A promise that was sent comes as `{ type: "message", message }`.
   */
  receive<T = unknown>(match?: (message: unknown) => boolean, options?: Patience): Promise<T>;
  /** Aborted when the process ends, with its exit reason: for whatever the code waits on outside the runtime. */
  readonly signal: AbortSignal;
}

/** The code of a process. It ends "normal" when it returns, and with what it throws; `throw new Exit(reason)` chooses the reason. */
export type ProcessCode = (context: ProcessContext) => unknown;

/** Starts a process of plain code, linked to nobody. It begins to run at once. @throws CallerError "invalid_argument" */
export function spawn(code: ProcessCode, options: Omit<StartOptions, "input"> = {}): Ref {
  checkCode(code, options);
  return startProcess(functionLogic(code), options) as Ref;
}

/** Like `spawn`, linked to the process that is running. */
export function spawnLink(code: ProcessCode, options: Omit<StartOptions, "input"> = {}): Ref {
  checkCode(code, options);
  return startProcess(functionLogic(code), { ...options, link: self() }) as Ref;
}

/**
 * Like `spawn`, and monitors the new process for the one that is running: an end right after the start is not missed. Erlang's spawn_monitor.
 * @throws CallerError "invalid_argument" outside any process; ProcessError "noproc" when the one that is running has ended
 */
export function spawnMonitor(
  code: ProcessCode,
  options: Omit<StartOptions, "input"> = {},
): { ref: Ref; monitor: Monitor } {
  const owner = self();
  if (!owner.alive) throw new ProcessError("noproc", `${owner} has ended: it cannot monitor`, { reason: "noproc" });
  // The code begins in a later turn: it cannot be over yet.
  const ref = spawn(code, options);
  return { ref, monitor: new Monitor(owner, ref, ref).begin() };
}

/** @throws CallerError "invalid_argument" */
function checkCode(code: unknown, options: unknown): void {
  checkFunction("code", code);
  checkObject("options", options);
}

/** What only the runtime's own parts say of a spawn. */
export interface InternalSpawn extends InternalStart {
  /** What reports call the process; default: the name of its code. */
  readonly label?: string;
  /** What a crash report shows as its state. */
  readonly about?: () => object;
}

/** `spawn` for the runtime's own parts. */
export function spawnInternal(code: ProcessCode, options: InternalSpawn): Process {
  return startProcess(functionLogic(code, options.label, options.about), options) as Process;
}

function functionLogic(code: ProcessCode, label = code.name || "process", about?: () => object) {
  return {
    ...rootLogic,
    id: label,
    getInitialSnapshot(scope: { self: AnyActorRef }) {
      const behaviour = new FunctionBehaviour(code, scope.self, about);
      behaviour.process = adoptProcess(behaviour, label);
      return { status: "active", output: undefined, error: undefined };
    },
  } as unknown as typeof rootLogic;
}

const anything = (): boolean => true;

/** A message as `receive` can hand it out: a promise is put into a message, or what it becomes would be received instead of it. */
function carried(message: unknown): unknown {
  return isThenable(message) ? new InfoMessage(message) : message;
}

interface Waiting {
  match: ((message: unknown) => boolean) | undefined;
  resolve: (message: never) => void;
  timer: unknown;
}

class FunctionBehaviour implements Behaviour, ProcessContext, Runnable {
  readonly actor: AnyActorRef;
  readonly followsParent = false;
  process!: Process;
  readonly #code: ProcessCode;
  readonly unread = new Deque<unknown>();
  readonly #about: (() => object) | undefined;
  /** Receives under way, oldest first. */
  readonly #waiting: Waiting[] = [];

  constructor(code: ProcessCode, actor: AnyActorRef, about: (() => object) | undefined) {
    this.#code = code;
    this.actor = actor;
    this.#about = about;
  }

  /** It is not known whether code that receives nothing waits, or for what: it might be for the reply. */
  get waits(): boolean {
    return this.#waiting.length === 0;
  }

  get self(): Ref {
    return this.process as Ref;
  }

  get signal(): AbortSignal {
    return exitSignal(this.process);
  }

  begin(): void {
    // The code runs in a turn of its own, so that the one who spawns it holds its ref first.
    this.process.runtime.queue.add(this);
  }

  /** Its turn in the run queue, so that a loop which starts one process after another leaves the event loop its own. */
  run(): number {
    if (this.process.alive) runAs(this.process, () => this.#run(), undefined).catch(() => undefined);
    return 1;
  }

  claimTurn(): boolean {
    return false;
  }

  broken(error: unknown): void {
    this.process.crash(exitReasonOf(error));
  }

  async #run(): Promise<void> {
    try {
      await this.#code(this);
      this.process.end("normal");
    } catch (error) {
      this.process.crash(exitReasonOf(error));
    }
  }

  /** A property, so that code can take it apart from its context. */
  readonly receive = <T>(match?: (message: unknown) => boolean, options: Patience = {}): Promise<T> => {
    const timeoutMs = patienceMs(options, "infinity");
    const found = this.unread.take(match ?? anything);
    if (found !== undefined) return Promise.resolve(found.item as T);
    if (timeoutMs === 0) {
      // What has arrived may not have been handed over yet.
      const arrived = this.process.takeMessage(
        (message) => !isSystemMessage(this.process, message) && match?.(carried(message)) !== false,
      );
      return arrived === undefined ? Promise.reject(this.#late(0)) : Promise.resolve(carried(arrived.item) as T);
    }
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { match, resolve: resolve as (message: never) => void, timer: undefined };
      this.#waiting.push(waiting);
      if (timeoutMs === "infinity") return;
      waiting.timer = this.process.runtime.clock.setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        runAs(this.process, reject, this.#late(timeoutMs));
      }, timeoutMs);
    });
  };

  #late(timeoutMs: number): ProcessError {
    const what = `${this.process} received nothing that fits within ${timeoutMs} ms`;
    return new ProcessError("timeout", what, { reason: "timeout" });
  }

  handle(given: unknown): void {
    const message = carried(given);
    for (const [index, waiting] of this.#waiting.entries()) {
      if (waiting.match?.(message) === false) continue;
      this.#waiting.splice(index, 1);
      if (waiting.timer !== undefined) this.process.runtime.clock.clearTimeout(waiting.timer);
      waiting.resolve(message as never);
      return;
    }
    this.unread.push(message);
  }

  sentToActor(event: EventObject): void {
    mailEvent(this.process, event);
  }

  terminate(): void {
    // Plain code has its own finally blocks.
  }

  dispose(): void {
    for (const { timer } of this.#waiting.splice(0)) {
      if (timer !== undefined) this.process.runtime.clock.clearTimeout(timer);
    }
    stopActor(this.actor);
  }

  state(): unknown {
    return { unread: this.unread.length, ...this.#about?.() };
  }
}

/** The handle of an agent: what callers hold. It stays good across crashes, restarts and stops. */

import type { CrashRecord } from "../crash.ts";
import { invalidArgument, RunError, type SynapseError } from "../errors.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import { type AgentClient, ConnectionLostError } from "../rpc/agent-client.ts";
import type { AgentDescription } from "../rpc/run-types.ts";
import { type AgentHealth, agentHealth, type HealthSource } from "./agent-health.ts";
import type { RunProgress } from "./carriage.ts";
import type { Conversation, ConversationOptions } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { InstanceInfo } from "./instance-info.ts";
import type { AgentState } from "./machine.ts";
import { deferredResults as deferredResultsOf, type PausedRun, type PendingAnswers } from "./paused-run.ts";
import type { PendingRun, RunOwner } from "./pending-run.ts";
import { checkRestart, type RestartOptions } from "./restart-options.ts";
import { checkRunOptions, type PausableRunOptions, type Prompt, type RunOptions } from "./run-options.ts";
import type { RunOutcome, RunResult } from "./run-result.ts";
import { type RunStream, StreamRun } from "./run-stream.ts";
import { UnaryRun } from "./unary-run.ts";

/** How a wait may be ended early. */
export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds, 1 to 2,147,483,647; default: no limit. */
  timeoutMs?: number | undefined;
}

/** Where an agent's runs are handed in. */
export interface RunTaker extends RunOwner {
  /** Those that it knows of. */
  readonly conversations: Conversations;
  /** Runs that wait. */
  readonly queueLength: number;
  /** Runs that work in the worker. */
  readonly inFlight: number;
  /** How far those have come, oldest first. */
  readonly progress: readonly RunProgress[];
  /** The error for a call to an agent that has stopped; undefined while it accepts runs. */
  refusal(): SynapseError | undefined;
  /**
   * Takes a run: it is handed to the worker at once, or waits.
   * @throws CallerError "queue_full" or "stopped"; WorkerError when the agent has stopped because of a crash
   */
  accept(run: PendingRun): void;
  /**
   * Keeps a place in the order for a run that is not wanted yet, for this turn; it is taken with `enqueue`.
   * @throws as `accept` does
   */
  reserve(run: PendingRun): void;
}

/** The agent as its handle sees it. */
export interface HandleOwner extends HealthSource {
  readonly agentId: string;
  readonly state: AgentState;
  readonly incarnation: number;
  readonly pid: number | undefined;
  readonly lastCrash: CrashRecord | undefined;
  readonly runs: RunTaker;
  /** The connection to a worker that serves now, and its number. */
  readonly serving: { readonly client: AgentClient; readonly incarnation: number } | undefined;
  readonly instances: readonly InstanceInfo[];
  /** Somebody waits for a worker: an agent that has none, because no run wants one, gets one. */
  wake(): void;
  /** Settles when a worker serves; rejects when the agent stops first. */
  readonly ready: Promise<void>;
  /** Asks for a fresh worker; settles when it serves. */
  restart(options: RestartOptions): Promise<void>;
  /** Stops the agent, so that it is not restarted. Settles when it has ended, whoever asked first. */
  stop(): Promise<void>;
  /** Kills its worker; its process id, where there was one. */
  kill(): number | undefined;
}

/** An agent of a running system. `Output` is what its runs answer with, `Deps` what they take. */
export class Agent<Output = unknown, Deps = unknown> {
  readonly #owner: HandleOwner;

  constructor(owner: HandleOwner) {
    this.#owner = owner;
  }

  get id(): string {
    return this.#owner.agentId;
  }

  /** What docs/agents.md says of each; of an agent with instances that of the best of them. */
  get state(): AgentState {
    return this.#owner.state;
  }

  /** Number of the current or last worker: 1, 2, 3, …; with instances that of the one whose state is the agent's. */
  get incarnation(): number {
    return this.#owner.incarnation;
  }

  /** Process id of the worker; undefined when there is none now. With instances that of the one whose state is the agent's. */
  get pid(): number | undefined {
    return this.#owner.pid;
  }

  /** Its instances as they are now, by number; of an agent without instances itself. */
  get instances(): readonly InstanceInfo[] {
    return this.#owner.instances;
  }

  /** The last crash; undefined when there was none. */
  get lastCrash(): CrashRecord | undefined {
    return this.#owner.lastCrash;
  }

  /** Runs that wait, for a place or for a worker. */
  get queueLength(): number {
    return this.#owner.runs.queueLength;
  }

  /** Runs that work in the worker now, also those whose caller has been answered: at most `maxConcurrency`, and during a swap as many in each of its two workers. */
  get inFlight(): number {
    return this.#owner.runs.inFlight;
  }

  /** How the agent is now, its worker's event loop and its runs included. */
  get health(): AgentHealth {
    return agentHealth(this.#owner);
  }

  /**
   * Runs the agent once. While the agent starts or restarts, the run waits; a run that a worker held when it died rejects with its exit.
   * @returns the result; rejects with CallerError, RunError or WorkerError
   */
  run(prompt: Prompt, options: PausableRunOptions<Deps> & { readonly mayPause: boolean }): Promise<RunOutcome<Output>>;
  run(prompt: Prompt, options?: RunOptions<Deps>): Promise<RunResult<Output>>;
  async run(prompt: Prompt, options: PausableRunOptions<Deps> = {}): Promise<RunOutcome<Output>> {
    checkRunOptions(prompt, options, this.#owner.runs.maxMessageBytes);
    const run = new UnaryRun<Output>(this.#owner.runs, prompt, options);
    this.#owner.runs.accept(run);
    return run.result;
  }

  /**
   * Runs the agent and hands out its events as they happen. The run is queued when it is first read, or its result asked for; its time counts from
   * this call.
   * @throws CallerError "invalid_argument", "message_too_large", "queue_full" or "stopped"; later errors come as the terminal event
   */
  stream(
    prompt: Prompt,
    options: PausableRunOptions<Deps> & { readonly mayPause: boolean },
  ): RunStream<Output, RunOutcome<Output>>;
  stream(prompt: Prompt, options?: RunOptions<Deps>): RunStream<Output>;
  stream(prompt: Prompt, options: PausableRunOptions<Deps> = {}): RunStream<Output, RunOutcome<Output>> {
    checkRunOptions(prompt, options, this.#owner.runs.maxMessageBytes);
    const run = new StreamRun<Output>(this.#owner.runs, prompt, options);
    this.#owner.runs.reserve(run);
    return run.handle();
  }

  /**
   * Goes on with a paused run: what was approved is called, and the model is told the answers. A token, or a paused run of it, is spent by that; the run is a new one of
   * the same conversation, with the options of the one before under those given here, and may pause again.
   * @param paused the token of a run that this process has paused, or a paused run that was stored
   * @returns as `run`; rejects with CallerError "not_found" or "invalid_argument" where nothing was spent or begun
   */
  async resume(
    paused: string | PausedRun,
    answers: PendingAnswers,
    options: Omit<RunOptions<Deps>, "messageHistory" | "conversationId"> = {},
  ): Promise<RunOutcome<Output>> {
    const { runs } = this.#owner;
    const kept = runs.paused.take(paused, this.id);
    try {
      const { messages, requests, conversationId } = kept.paused;
      const given = { ...kept.options, ...options, messageHistory: messages, conversationId, mayPause: true };
      checkRunOptions("", given, runs.maxMessageBytes);
      const deferredResults = deferredResultsOf(requests, answers);
      const run = new UnaryRun<Output>(runs, "", { ...given, deferredResults });
      runs.accept(run);
      return run.result;
    } catch (error) {
      runs.paused.keep(kept.paused, kept.options);
      throw error;
    }
  }

  /**
   * A conversation of this agent: its messages are kept between its runs, one of which runs at a time.
   * @throws CallerError "invalid_argument"
   */
  conversation(id: string, options: ConversationOptions = {}): Conversation<Output, Deps> {
    const { runs } = this.#owner;
    return runs.conversations.open(this, id, options, runs);
  }

  /** What the loaded agent is: schemas, tools, versions. Waits for a worker. */
  async describe(options: WaitOptions = {}): Promise<AgentDescription> {
    const untilMs =
      options.timeoutMs === undefined ? undefined : this.#owner.runs.clock.monotonicMs() + options.timeoutMs;
    const left = (): WaitOptions => ({
      ...options,
      ...(untilMs === undefined
        ? {}
        : { timeoutMs: Math.max(1, Math.ceil(untilMs - this.#owner.runs.clock.monotonicMs())) }),
    });
    // A description may be asked for twice: when the connection is lost, the next worker answers.
    for (;;) {
      await this.whenReady(left());
      const { serving } = this.#owner;
      if (serving === undefined) continue;
      const { client, incarnation } = serving;
      try {
        return await client.describe(this.id, left());
      } catch (error) {
        if (!(error instanceof ConnectionLostError)) throw error;
        this.#owner.runs.connectionLost(incarnation);
      }
    }
  }

  /**
   * Settles when a worker serves: with instances the first of them. One that has none, because no run wants one (`min: 0`), starts one.
   * @returns rejects with WorkerError when the agent stops first, RunError "deadline_exceeded" or "run_cancelled" as the options say
   */
  async whenReady(options: WaitOptions = {}): Promise<void> {
    const { signal, timeoutMs } = options;
    if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestTimerMs)) {
      throw invalidArgument("options.timeoutMs", timeoutMs, "an integer from 1 to 2,147,483,647 milliseconds");
    }
    if (this.#owner.serving !== undefined) return;
    const refused = this.#owner.runs.refusal();
    if (refused !== undefined) throw refused;
    this.#owner.wake();
    if (signal === undefined && timeoutMs === undefined) return this.#owner.ready;
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () =>
      reject(new RunError("run_cancelled", `waiting for agent "${this.id}" was cancelled`, { cause: signal?.reason }));
    const { clock } = this.#owner.runs;
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.setTimeout(() => {
            const { startError: cause } = this.#owner.runs;
            const why = cause === undefined ? "" : `: ${cause.message}`;
            const message = `agent "${this.id}" is ${this.state}, not ready, after ${timeoutMs} ms${why}`;
            reject(
              new RunError("deadline_exceeded", message, {
                agentId: this.id,
                ...(cause === undefined ? {} : { cause }),
              }),
            );
          }, timeoutMs);
    if (signal?.aborted === true) abort();
    const forget = signal === undefined ? undefined : onAbort(signal, abort);
    try {
      await Promise.race([this.#owner.ready, promise]);
    } finally {
      if (timer !== undefined) clock.clearTimeout(timer);
      forget?.();
    }
  }

  /**
   * Replaces the worker: it finishes its runs or cancels them, within `shutdownMs`, then the next incarnation starts. Settles when that one serves. An agent
   * that has stopped is started again. Does not count as a restart of the supervisor's policy. With `graceful: true` the next one is ready before the
   * old one is let go; where no worker serves, that is a restart as any other.
   * @returns rejects with WorkerError when the agent stops first, or when the next worker of a graceful restart does not get ready
   */
  async restart(options: string | RestartOptions = {}): Promise<void> {
    await this.#owner.restart(checkRestart(options));
  }

  /**
   * Stops the agent: waiting runs are rejected; running ones may finish, then are cancelled and clean up, all within `shutdownMs`. It is not
   * restarted; `restart()` begins it anew. Idempotent.
   */
  async stop(): Promise<void> {
    await this.#owner.stop();
  }

  /**
   * Kills the worker at once. It is a crash as any other: the runs it holds fail or are tried again, and the supervisor decides what follows. Without a worker it
   * does nothing.
   * @returns the worker's process id; undefined without one
   */
  kill(): number | undefined {
    return this.#owner.kill();
  }
}

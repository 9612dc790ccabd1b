/** The handle of an agent: what callers hold. It stays good across crashes, restarts and stops. */

import type { CrashRecord } from "../crash.ts";
import { invalidArgument } from "../errors.ts";
import { handleRequest } from "../http/handle.ts";
import { ConnectionLostError } from "../rpc/agent-client.ts";
import type { AgentDescription } from "../rpc/run-types.ts";
import { type AgentHealth, agentHealth } from "./agent-health.ts";
import type { Conversation, ConversationOptions } from "./conversation.ts";
import { type FetchOptions, splitFetchOptions } from "./fetch-options.ts";
import { AgentFrontend } from "./frontend.ts";
import type { HandleOwner, WaitOptions } from "./handle-owner.ts";
import type { InstanceInfo } from "./instance-info.ts";
import type { AgentState } from "./machine.ts";
import type { OpenWait } from "./open-waits.ts";
import type { PausedRun, PendingAnswers } from "./paused-run.ts";
import { withClaim } from "./paused-runs.ts";
import { checkRestart, type RestartOptions } from "./restart-options.ts";
import { checkAsked, type ResumeOptions, type Resumption } from "./resumption.ts";
import type { Run } from "./run.ts";
import type { PausableRunOptions, Prompt, RunOptions } from "./run-options.ts";
import type { RunOutcome, RunResult } from "./run-result.ts";
import { type RunStream, StreamRun } from "./run-stream.ts";
import type { RunHandle } from "./runs.ts";
import { type OwnStartOptions, type StartOptions, startRun } from "./start-run.ts";
import { UnaryRun } from "./unary-run.ts";
import { checkWaitOptions, workerReady } from "./worker-ready.ts";

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

  /** What its runs wait for now, oldest first. */
  get waits(): readonly OpenWait[] {
    return this.#owner.runs.waits.all;
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
    return this.#run(prompt, options);
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
  stream(resumed: Resumption, options?: ResumeOptions<Deps>): RunStream<Output, RunOutcome<Output>>;
  stream(prompt: Prompt, options?: RunOptions<Deps>): RunStream<Output>;
  stream(asked: Prompt | Resumption, options: PausableRunOptions<Deps> = {}): RunStream<Output, RunOutcome<Output>> {
    return this.#make(asked, options, StreamRun<Output>, (run) => this.#owner.runs.reserve(run)).handle();
  }

  /**
   * Starts a run that belongs to the system: it goes on when its caller leaves, its events and its outcome are kept, and `system.runs` finds it by the id that
   * is known at once.
   * @throws as `stream` does; also CallerError "idempotency_conflict"
   */
  start(
    prompt: Prompt,
    options: StartOptions<Deps> & { readonly mayPause: boolean },
  ): RunHandle<Output, RunOutcome<Output>>;
  start(resumed: Resumption, options?: ResumeOptions<Deps> & OwnStartOptions): RunHandle<Output, RunOutcome<Output>>;
  start(prompt: Prompt, options?: Omit<StartOptions<Deps>, "mayPause">): RunHandle<Output>;
  start(asked: Prompt | Resumption, options: StartOptions<Deps> = {}): RunHandle<Output, RunOutcome<Output>> {
    return startRun<Output>(this.#owner.runs, asked, options).handle(0);
  }

  /**
   * Goes on with a paused run: what was approved is called, and the model is told the answers. The run is a new one of the same conversation, with the options of the one
   * before under those given here, and may pause again. A paused run goes on once: its token is spent, unless the run ends before a worker has begun with it. `stream`
   * and `start` go on, too, from `{ paused, answers }` in the place of a prompt.
   * @param paused the token of a run that this process has paused, or a paused run that was stored
   * @returns as `run`; rejects also with CallerError "already_resumed", "not_found" or "invalid_argument", where nothing was begun
   */
  async resume(
    paused: string | PausedRun,
    answers: PendingAnswers,
    options: ResumeOptions<Deps> = {},
  ): Promise<RunOutcome<Output>> {
    return this.#run({ paused, answers }, options);
  }

  /**
   * Answers what a run waits for, which goes on with it. A token is answered once.
   * @param value where the wait is about calls (`requests`), the answers by their ids, as `resume` takes them; else any JSON value
   * @returns when the answer is on its way; rejects with CallerError "not_found" when nothing waits with the token (any more), "invalid_argument" or
   * "message_too_large" for a value that does not fit, and the wait goes on
   */
  async answer(token: string, value: unknown): Promise<void> {
    const { runs } = this.#owner;
    runs.waits.answer(token, value, runs);
  }

  /**
   * Says that no answer will come: calls are denied, and other code is told by pydantic-ai's ExternalEventError, with the reason.
   * @returns rejects as `answer`
   */
  async decline(token: string, reason: string): Promise<void> {
    const { runs } = this.#owner;
    runs.waits.decline(token, reason, runs);
  }

  /**
   * A conversation of this agent: its messages are kept between its runs, one of which runs at a time.
   * @throws CallerError "invalid_argument"
   */
  conversation(id: string, options: ConversationOptions = {}): Conversation<Output, Deps> {
    const { runs } = this.#owner;
    return runs.conversations.open(this, id, options, runs);
  }

  /**
   * Answers the request of a front end by a run: in the UI message stream of the Vercel AI SDK, or in AG-UI, as the request is made. POST begins a run; `Last-Event-ID`, or GET
   * with `?run=` or for a chat, reads one that was begun; DELETE ends one. See docs/frontends.md.
   * @returns the answer, or a JSON error with its status; rejects with CallerError "invalid_argument" for wrong arguments
   */
  async fetch(request: Request, options: FetchOptions<Deps> = {}): Promise<Response> {
    if (typeof request?.method !== "string" || typeof request.headers?.get !== "function") {
      throw invalidArgument("request", request, "a Request");
    }
    if (request.bodyUsed || request.body?.locked === true) {
      throw invalidArgument("request", request, "one whose body nobody has read, or a copy of it (request.clone())");
    }
    const split = splitFetchOptions(options);
    return await handleRequest(request, new AgentFrontend(this.#owner.runs, split), split.answer);
  }

  /** What the loaded agent is: schemas, tools, versions. Waits for a worker. */
  async describe(options: WaitOptions = {}): Promise<AgentDescription> {
    checkWaitOptions(options);
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
    await workerReady(this.#owner, options);
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

  #run(asked: Prompt | Resumption, options: PausableRunOptions): Promise<RunOutcome<Output>> {
    return this.#make(asked, options, UnaryRun<Output>, (run) => this.#owner.runs.accept(run)).result;
  }

  /** A run of what was asked, which is handed in by `take`. */
  #make<Made extends Run<Output>>(
    asked: Prompt | Resumption,
    options: PausableRunOptions,
    Kind: new (...parts: ConstructorParameters<typeof Run<Output>>) => Made,
    take: (run: Made) => void,
  ): Made {
    const { runs } = this.#owner;
    const { prompt, options: given, claim } = checkAsked(runs, asked, options);
    return withClaim(claim, () => {
      const run = new Kind(runs, prompt, given);
      take(run);
      if (claim !== undefined) {
        // A stream that nobody reads has the token all the same: its signal and its time give that back.
        run.wait();
        claim.follow(run);
      }
      return run;
    });
  }
}

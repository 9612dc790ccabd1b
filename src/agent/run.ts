/** One run of an agent: it belongs to the agent, waits in its mailbox, and is carried by one worker at a time. */

import { randomUUID } from "node:crypto";
import type { CrashRecord } from "../crash.ts";
import { RunError, SynapseError } from "../errors.ts";
import { currentProcess, runAs, runOutside } from "../otp/process/current.ts";
import type { Process } from "../otp/process/process.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import { type AgentClient, ConnectionLostError } from "../rpc/agent-client.ts";
import type { EncodedRun } from "../rpc/encoded-run.ts";
import type { WireRunEvent } from "../rpc/run-event.ts";
import type { WireRunResult } from "../rpc/run-types.ts";
import type { AgentReportFacts } from "./agent-report.ts";
import { CallSite } from "./call-site.ts";
import { type CallEnd, Carriage, type RunProgress } from "./carriage.ts";
import { Lingering } from "./lingering.ts";
import type { PendingRun, RunOwner } from "./pending-run.ts";
import { Deaths, type RunFate } from "./retry.ts";
import { answerOf } from "./run-answer.ts";
import { cancelledRun, expiredRun } from "./run-error.ts";
import { encodeOptions, type InnerRunOptions, type Prompt, waits } from "./run-options.ts";
import { type Outcome, outcomeOf } from "./run-outcome.ts";
import { isPaused, type RunResult } from "./run-result.ts";
import type { RunSpan } from "./run-span.ts";
import { RunTools } from "./run-tools.ts";
import { ToolSet } from "./tool-set.ts";

/** What unary and streaming runs share: waiting, cancelling, the deadline, the answer to the caller, and the end in the worker. */
export abstract class Run<Output> implements PendingRun {
  readonly id: string = randomUUID();
  /** Of a run that may pause also a paused run, as the handle says to its caller. */
  readonly result: Promise<RunResult<Output>>;
  protected readonly owner: RunOwner;
  protected readonly request: EncodedRun;
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number | undefined;
  /** By the monotonic clock. */
  readonly #deadlineMs: number | undefined;
  /** The process that has asked: a rejection that it does not hear is its own. */
  readonly #asker: Process | undefined = currentProcess();
  readonly #site: CallSite;
  readonly #askedAtMs: number;
  readonly #options: InnerRunOptions;
  readonly #resolve: (result: RunResult<Output>) => void;
  readonly #reject: (error: Error) => void;
  readonly #deaths: Deaths;
  readonly #tools: RunTools;
  readonly #span: RunSpan | undefined;
  #timer: unknown;
  readonly #rest = new Lingering(this.id, (facts) => this.#report(facts));
  #forgetSignal: (() => void) | undefined;
  #answered = false;
  #carriage: Carriage | undefined;
  #incarnation = 0;

  /** @throws CallerError "invalid_argument" or "message_too_large" for options that cannot be sent */
  constructor(owner: RunOwner, prompt: Prompt, options: InnerRunOptions) {
    this.owner = owner;
    this.#site = new CallSite(new.target);
    const { signal, timeoutMs } = options;
    this.#askedAtMs = owner.clock.monotonicMs();
    if (timeoutMs !== undefined) this.#deadlineMs = this.#askedAtMs + timeoutMs;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    this.#deaths = new Deaths(options, owner.retry);
    const tools = ToolSet.of("options.tools", options.tools, owner.tools);
    this.#tools = new RunTools(owner, tools, this.#asker, waits(options, owner) ? this : undefined);
    this.request = encodeOptions(this.id, prompt, options, owner, tools);
    this.#options = options;
    const { agentId, tracer } = owner;
    this.#span = tracer?.begin({ agentId, runId: this.id, conversationId: options.conversationId });
    this.request.headers = this.#span?.headers ?? {};
    const result = Promise.withResolvers<RunResult<Output>>();
    ({ promise: this.result, resolve: this.#resolve, reject: this.#reject } = result);
  }

  get crashes(): readonly CrashRecord[] {
    return this.#deaths.crashes;
  }

  get suspect(): boolean {
    return this.#deaths.crashes.length > 0 && !this.#answered;
  }

  /** Whether the caller has been answered. */
  get answered(): boolean {
    return this.#answered;
  }

  get progress(): RunProgress | undefined {
    return this.#carriage && { runId: this.id, ...this.#carriage.times, awaited: !this.#answered };
  }

  get fingerprint(): string {
    return this.request.fingerprint;
  }

  get usage(): Carriage["usage"] {
    return this.#carriage?.usage;
  }

  protected get incarnation(): number {
    return this.#incarnation;
  }

  wait(): void {
    const signal = this.#signal;
    const leave = () => this.fail(cancelledRun(this.owner, this.id, signal?.reason));
    if (signal?.aborted) leave();
    if (this.#answered || this.#timer !== undefined || this.#forgetSignal !== undefined) return;
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, leave);
    const leftMs = this.#leftMs();
    if (leftMs === 0) this.#expire();
    else if (leftMs !== undefined) this.#timer = this.owner.clock.setTimeout(() => this.#expire(), leftMs);
  }

  begin(client: AgentClient, incarnation: number, model?: string): void {
    this.#incarnation = incarnation;
    const leftMs = this.#leftMs();
    this.request.address(incarnation, leftMs === undefined ? undefined : Math.max(1, leftMs), model);
    const { attempt } = this.request;
    const other = model === undefined ? {} : { model };
    this.#report({ type: "run.started", ...this.#ids(), attempt, waitedMs: this.#sinceAskedMs(), ...other });
    const ends = { carriageEnded: () => this.#gone(), connectionLost: () => this.owner.connectionLost(incarnation) };
    const carriage = new Carriage(client, { id: this.id, attempt }, ends, this.owner.clock);
    this.#carriage = carriage;
    this.call(client, carriage);
  }

  fail(error: Error): void {
    // Who hears of it may use its place, and ask for the next run.
    this.owner.turn(() => {
      if (!this.#answer(error)) return;
      const carriage = this.#carriage;
      if (carriage === undefined) this.owner.runEnded(this);
      else carriage.callOff();
      this.#watchRest();
    });
  }

  died(crash: CrashRecord): RunFate {
    const fate = this.#answered ? "lost" : this.#deaths.add(crash, this.told || this.#tools.begun);
    if (fate !== "again") return fate;
    this.#carriage?.lost();
    this.#waitAgain();
    this.request.countAttempt();
    this.takenBack();
    return fate;
  }

  lost(error: Error): void {
    this.#carriage?.lost();
    this.#answer(error);
    this.#gone();
  }

  /** The events of a run that needs a session; undefined: a plain call does. */
  protected openSession(client: AgentClient, carriage: Carriage): AsyncGenerator<WireRunEvent> | undefined {
    return this.#tools.open(client, this.request, carriage);
  }

  /** Makes the call; the signal of its carriage ends it. */
  protected abstract call(client: AgentClient, carriage: Carriage): void;

  /** Whether the caller has been told of what the run does. */
  protected abstract get told(): boolean;

  /** It is to be carried anew: what is left of the call before is nobody's. */
  protected abstract takenBack(): void;

  /** Called once when the caller was answered with an error. */
  protected abstract failed(error: Error): void;

  /** The deadline has passed, and the worker ends the call by itself: whatever still comes is nobody's. */
  protected abstract discardRest(): void;

  /** The worker answered. `answered` hears of the result before anybody else. */
  protected async succeed(
    wire: WireRunResult,
    carriage: Carriage,
    answered?: (result: RunResult<Output>) => void,
  ): Promise<void> {
    if (carriage !== this.#carriage) return;
    // The worker has done its part: the check of the output holds no place.
    this.callAnswered(wire);
    if (this.#answered) return;
    try {
      const run = { options: this.#options, attempts: this.request.attempt, incarnation: this.#incarnation };
      const checked = answerOf<Output>(wire, this.owner, run);
      const result = checked instanceof Promise ? await checked : checked;
      if (!this.#settle()) return;
      answered?.(result);
      this.#resolve(result);
      this.#reportSettled({ outcome: isPaused(result) ? "paused" : "completed", usage: result.usage });
      this.#watchRest();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** The call has ended. */
  protected callAnswered(end: CallEnd): void {
    this.#carriage?.answered(end);
  }

  /** The call rejected: the agent's answer ends the run; a lost connection leaves that to the worker's exit. `begun`: the run has acted. */
  protected callFailed(error: unknown, carriage: Carriage, begun = false): void {
    if (carriage !== this.#carriage) return;
    if (error instanceof ConnectionLostError) {
      const incarnation = this.#incarnation;
      if (error.neverBegan && !begun && !this.#answered) this.#refused();
      this.owner.connectionLost(incarnation);
    } else if (error instanceof RunError && error.kind === "draining" && !begun && !this.#answered) {
      this.#refused();
    } else {
      this.callAnswered(error instanceof RunError ? error : {});
      this.#tools.explain(error);
      this.fail(error as Error);
    }
  }

  /** The worker has not begun it: it waits for the next one. */
  #refused(): void {
    this.#waitAgain();
    this.owner.runRefused(this);
  }

  #waitAgain(): void {
    this.#carriage = undefined;
    this.#incarnation = 0;
  }

  #expire(): void {
    const error = expiredRun(this.owner, this.id, this.#timeoutMs, this.#incarnation === 0);
    if (this.#carriage?.over !== false) {
      this.fail(error);
      return;
    }
    // The worker keeps the same deadline. To cancel the call as well would cut short what the run's own code cleans up.
    if (!this.#answer(error)) return;
    this.discardRest();
    this.#watchRest();
  }

  #leftMs(): number | undefined {
    if (this.#deadlineMs === undefined) return undefined;
    return Math.max(0, Math.ceil(this.#deadlineMs - this.owner.clock.monotonicMs()));
  }

  /** Answers the caller with an error; false when it was answered before. */
  #answer(error: Error): boolean {
    if (!this.#settle()) return false;
    if (error instanceof SynapseError) this.#site.giveTo(error);
    if (this.#asker === undefined) runOutside(this.#reject, error);
    else runAs(this.#asker, this.#reject, error);
    this.failed(error);
    this.#reportSettled(outcomeOf(error));
    return true;
  }

  #reportSettled(outcome: Outcome): void {
    this.#span?.end(outcome, { attempts: this.request.attempt, incarnation: this.#incarnation });
    this.#report({ type: "run.settled", ...this.#ids(), durationMs: this.#sinceAskedMs(), ...outcome });
  }

  #report(facts: AgentReportFacts): void {
    this.owner.report(facts, this.#incarnation);
  }

  #sinceAskedMs(): number {
    return Math.round(this.owner.clock.monotonicMs() - this.#askedAtMs);
  }

  #settle(): boolean {
    if (this.#answered) return false;
    this.#answered = true;
    if (this.#timer !== undefined) this.owner.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#forgetSignal?.();
    return true;
  }

  /** The caller has its answer; what is left of the run in Python is told when it stays. */
  #watchRest(): void {
    if (this.#carriage === undefined || this.#carriage.over) return;
    this.owner.runLeft(this);
    this.#rest.begin(this.owner.clock);
  }

  /** Nothing of the run is left in its worker. */
  #gone(): void {
    this.#rest.end();
    this.owner.runEnded(this);
  }

  /** What reports name it by. */
  #ids(): { runId: string; traceId?: string } {
    return { runId: this.id, ...this.#span?.ids };
  }
}

/** A conversation with an agent: its messages are kept between the runs, which take turns. */

import { randomUUID } from "node:crypto";
import { CallerError, invalidArgument, RunError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { ConversationStore } from "./conversation-store.ts";
import type { PausedRun, PendingAnswers } from "./paused-run.ts";
import { checkRunOptions, type PausableRunOptions, type Prompt, type RunOptions } from "./run-options.ts";
import { isPaused, type RunOutcome, type RunResult } from "./run-result.ts";
import type { RunStream } from "./run-stream.ts";
import type { TakesTurns, WhenBusy } from "./turns.ts";

/** How a conversation is kept. */
export interface ConversationOptions {
  /** Default: the agent's own, in this process's memory. */
  readonly store?: ConversationStore | undefined;
  /**
   * What becomes of a run while another one of the conversation runs: "queue" (default): it waits for its turn; "reject": it rejects with "conversation_busy";
   * "interrupt": the other one is cancelled, and it is next. A run may say otherwise.
   */
  readonly whenBusy?: WhenBusy | undefined;
}

/** Options of a run of a conversation. */
export interface TurnOptions<Deps = unknown> extends Omit<RunOptions<Deps>, "messageHistory" | "conversationId"> {
  readonly whenBusy?: WhenBusy | undefined;
}

/** The same for a run that may end paused. */
export interface PausableTurnOptions<Deps = unknown> extends TurnOptions<Deps> {
  readonly mayPause: boolean;
}

/** What a run that may pause is asked with. */
type Asked<Deps> = PausableRunOptions<Deps> & { readonly mayPause: boolean };

/** The agent as its conversations see it. */
export interface ConversationAgent<Output, Deps> {
  readonly id: string;
  run(prompt: Prompt, options: Asked<Deps>): Promise<RunOutcome<Output>>;
  stream(prompt: Prompt, options: Asked<Deps>): RunStream<Output, RunOutcome<Output>>;
  resume(
    paused: string | PausedRun,
    answers: PendingAnswers,
    options: Omit<RunOptions<Deps>, "messageHistory" | "conversationId">,
  ): Promise<RunOutcome<Output>>;
}

/** What a conversation is made of. */
export interface ConversationParts<Output, Deps> {
  readonly agent: ConversationAgent<Output, Deps>;
  readonly id: string;
  readonly store: ConversationStore;
  readonly whenBusy: WhenBusy;
  readonly turns: TakesTurns;
  readonly clock: Clock;
  readonly maxMessageBytes: number;
  /** Another conversation of the same agent and store. */
  open(id: string): Conversation<Output, Deps>;
}

/** What a run that has the turn begins with. */
interface Begun<Deps> {
  readonly options: Asked<Deps> & { readonly messageHistory: readonly unknown[] };
  readonly revision: number;
  readonly end: () => void;
}

const ways: readonly unknown[] = ["queue", "reject", "interrupt"] satisfies WhenBusy[];

/** @throws CallerError "invalid_argument" */
export function checkWhenBusy(field: string, value: unknown): void {
  if (value !== undefined && !ways.includes(value)) {
    throw invalidArgument(field, value, '"queue", "reject" or "interrupt"');
  }
}

/** A conversation of an agent. A run that fails or is cancelled leaves it as it was. */
export class Conversation<Output = unknown, Deps = unknown> {
  readonly #parts: ConversationParts<Output, Deps>;

  constructor(parts: ConversationParts<Output, Deps>) {
    this.#parts = parts;
  }

  get id(): string {
    return this.#parts.id;
  }

  /** Its messages so far, as pydantic-ai messages (JSON values). */
  async messages(): Promise<readonly unknown[]> {
    return (await this.#parts.store.read(this.id))?.messages ?? [];
  }

  /**
   * Runs the agent with the conversation so far, and keeps what it adds. `timeoutMs` counts from this call.
   * @returns as `Agent.run`; rejects also with CallerError "conversation_busy", and "conversation_conflict" where somebody else has written to the store meanwhile
   */
  run(prompt: Prompt, options: PausableTurnOptions<Deps>): Promise<RunOutcome<Output>>;
  run(prompt: Prompt, options?: TurnOptions<Deps>): Promise<RunResult<Output>>;
  async run(prompt: Prompt, options: TurnOptions<Deps> | PausableTurnOptions<Deps> = {}): Promise<RunOutcome<Output>> {
    const begun = await this.#begin(prompt, options);
    return this.#finish(begun, () => this.#parts.agent.run(prompt, begun.options));
  }

  /**
   * As `run`; settles with the stream when it is the run's turn, which ends with the stream.
   * @throws as `Agent.stream`
   */
  stream(prompt: Prompt, options: PausableTurnOptions<Deps>): Promise<RunStream<Output, RunOutcome<Output>>>;
  stream(prompt: Prompt, options?: TurnOptions<Deps>): Promise<RunStream<Output>>;
  async stream(
    prompt: Prompt,
    options: TurnOptions<Deps> | PausableTurnOptions<Deps> = {},
  ): Promise<RunStream<Output, RunOutcome<Output>>> {
    const begun = await this.#begin(prompt, options);
    try {
      const stream = this.#parts.agent.stream(prompt, begun.options);
      // The caller hears of a failure by the stream, or by the next run, which finds the conversation as it was.
      this.#finish(begun, () => stream.result).catch(() => undefined);
      return stream;
    } catch (error) {
      begun.end();
      throw error;
    }
  }

  /** Goes on with a paused run of this conversation, as `Agent.resume`, in its turn. */
  async resume(
    paused: string | PausedRun,
    answers: PendingAnswers,
    options: TurnOptions<Deps> = {},
  ): Promise<RunOutcome<Output>> {
    const begun = await this.#begin("", options);
    const { messageHistory: _history, conversationId: _id, mayPause: _may, ...given } = begun.options;
    return this.#finish(begun, () => this.#parts.agent.resume(paused, answers, given));
  }

  /**
   * Another conversation that begins as this one, or as its first `messages`; default id: a random one.
   * @returns rejects with CallerError "conversation_conflict" where there is one of the id
   */
  async fork(
    id: string = randomUUID(),
    options: { readonly messages?: number | undefined } = {},
  ): Promise<Conversation<Output, Deps>> {
    const all = await this.messages();
    const { messages = all.length } = options;
    if (!Number.isInteger(messages) || messages < 0 || messages > all.length) {
      throw invalidArgument("options.messages", messages, `an integer from 0 to ${all.length}`);
    }
    const written = await this.#parts.store.write(id, { messages: all.slice(0, messages), revision: 1 });
    if (!written) throw this.#conflict(`conversation "${id}" exists`);
    return this.#parts.open(id);
  }

  /** Forgets it. */
  delete(): Promise<void> {
    return this.#parts.store.delete(this.id);
  }

  async #begin(prompt: Prompt, options: TurnOptions<Deps>): Promise<Begun<Deps>> {
    const { agent, id, turns, store, clock, maxMessageBytes } = this.#parts;
    const { whenBusy = this.#parts.whenBusy, signal, timeoutMs, ...rest } = options;
    checkWhenBusy("options.whenBusy", whenBusy);
    const times = { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
    checkRunOptions(prompt, { ...rest, ...times }, maxMessageBytes);
    if (whenBusy === "reject" && turns.busy) {
      throw new CallerError("conversation_busy", `conversation "${id}" of agent "${agent.id}" has a run already`);
    }
    const untilMs = timeoutMs === undefined ? undefined : clock.monotonicMs() + timeoutMs;
    const late = new AbortController();
    const timer = timeoutMs === undefined ? undefined : clock.setTimeout(() => late.abort(), timeoutMs);
    const waited = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
    const turn = await turns
      .take(whenBusy === "interrupt" ? "interrupt" : "queue", waited)
      .catch(() => {
        throw this.#gaveUp(late.signal.aborted, timeoutMs, signal?.reason);
      })
      .finally(() => timer !== undefined && clock.clearTimeout(timer));
    try {
      const { messages = [], revision = 0 } = (await store.read(id)) ?? {};
      const leftMs = untilMs === undefined ? undefined : Math.max(1, Math.ceil(untilMs - clock.monotonicMs()));
      const ended = AbortSignal.any([turn.interrupted, ...(signal === undefined ? [] : [signal])]);
      const mayPause = (rest as PausableRunOptions).mayPause === true;
      const run = { ...rest, mayPause, messageHistory: messages, conversationId: id, signal: ended };
      return { options: leftMs === undefined ? run : { ...run, timeoutMs: leftMs }, revision, end: turn.end };
    } catch (error) {
      turn.end();
      throw error;
    }
  }

  async #finish(begun: Begun<Deps>, run: () => Promise<RunOutcome<Output>>): Promise<RunOutcome<Output>> {
    const { store, id } = this.#parts;
    try {
      const outcome = await run();
      const messages = isPaused(outcome) ? outcome.messages : [...begun.options.messageHistory, ...outcome.newMessages];
      const written = await store.write(id, { messages, revision: begun.revision + 1 });
      if (!written) throw this.#conflict(`somebody else has gone on with conversation "${id}" while this run ran`);
      return outcome;
    } finally {
      begun.end();
    }
  }

  #conflict(what: string): CallerError {
    return new CallerError("conversation_conflict", `${what}; nothing was written`, { field: "id", value: this.id });
  }

  #gaveUp(late: boolean, timeoutMs: number | undefined, reason: unknown): RunError {
    const what = `run of agent "${this.#parts.agent.id}" in conversation "${this.id}"`;
    const facts = { agentId: this.#parts.agent.id };
    if (late) {
      const message = `${what} was still waiting for its turn after ${timeoutMs} ms`;
      return new RunError("deadline_exceeded", message, { ...facts, kind: "deadline" });
    }
    const message = `${what} was cancelled by its caller while it waited for its turn`;
    return new RunError("run_cancelled", message, { ...facts, kind: "cancelled", cause: reason });
  }
}

/** A conversation with an agent: its messages are kept between the runs, which take turns. */

import { randomUUID } from "node:crypto";
import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { checkObject } from "../otp/process/argument.ts";
import type { ConversationStore } from "./conversation-store.ts";
import {
  beginTurn,
  type ConversationTurn,
  checkWritten,
  conflict,
  finishTurn,
  historyInTurn,
  optionsInTurn,
  type TurnParts,
  type TurnWait,
} from "./conversation-turn.ts";
import type { PausedRun, PendingAnswers } from "./paused-run.ts";
import { isResumption, type ResumeOptions, type Resumption } from "./resumption.ts";
import type { PausableRunOptions, Prompt, RunOptions } from "./run-options.ts";
import type { RunOutcome, RunResult } from "./run-result.ts";
import type { RunStream } from "./run-stream.ts";
import type { RunHandle } from "./runs.ts";
import { checkOwnOptions, type OwnStartOptions, type RunStarter, startedBefore, startRun } from "./start-run.ts";
import { jsonCopy, takeRequest } from "./taken-request.ts";
import type { WhenBusy } from "./turns.ts";

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
export interface TurnOptions<Deps = unknown> extends ResumeOptions<Deps> {
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
  stream(resumed: Resumption, options: ResumeOptions<Deps>): RunStream<Output, RunOutcome<Output>>;
  resume(
    paused: string | PausedRun,
    answers: PendingAnswers,
    options: ResumeOptions<Deps>,
  ): Promise<RunOutcome<Output>>;
}

/** What a conversation is made of. */
export interface ConversationParts<Output, Deps> {
  readonly agent: ConversationAgent<Output, Deps>;
  readonly turn: TurnParts;
  readonly whenBusy: WhenBusy;
  /** Where its runs are handed in. */
  readonly runs: RunStarter;
  /** Another conversation of the same agent and store. */
  open(id: string): Conversation<Output, Deps>;
}

/** What a run is asked with, and how it waits for its turn. */
interface Taken<Deps> {
  readonly asked: Prompt | Resumption;
  readonly options: RunOptions<Deps>;
  readonly wait: TurnWait;
}

/** What a run that has the turn begins with. */
interface Begun<Deps> {
  readonly turn: ConversationTurn;
  readonly asked: Prompt | Resumption;
  readonly options: ResumeOptions<Deps>;
  /** What a prompt goes on with; a paused run has its own. */
  readonly history: Pick<Asked<Deps>, "mayPause" | "messageHistory" | "conversationId">;
}

const forkFields: ReadonlySet<string> = new Set(["messages"]);
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
    return this.#parts.turn.id;
  }

  /** Its messages so far, as pydantic-ai messages (JSON values). */
  async messages(): Promise<readonly unknown[]> {
    return (await this.#parts.turn.store.read(this.id))?.messages ?? [];
  }

  /**
   * Runs the agent with the conversation so far, and keeps what it adds. `timeoutMs` counts from this call.
   * @returns as `Agent.run`; rejects also with CallerError "conversation_busy", and "conversation_conflict" where somebody else has written to the store meanwhile
   */
  run(prompt: Prompt, options: PausableTurnOptions<Deps>): Promise<RunOutcome<Output>>;
  run(prompt: Prompt, options?: TurnOptions<Deps>): Promise<RunResult<Output>>;
  async run(prompt: Prompt, options: TurnOptions<Deps> | PausableTurnOptions<Deps> = {}): Promise<RunOutcome<Output>> {
    const begun = await this.#begin(this.#take(prompt, options));
    const { agent } = this.#parts;
    // What `take` answers for a prompt is a prompt.
    return this.#finish(begun, () => agent.run(begun.asked as Prompt, { ...begun.options, ...begun.history }));
  }

  /**
   * As `run`; settles with the stream when it is the run's turn, which ends with the stream.
   * @throws as `Agent.stream`
   */
  stream(prompt: Prompt, options: PausableTurnOptions<Deps>): Promise<RunStream<Output, RunOutcome<Output>>>;
  stream(resumed: Resumption, options?: TurnOptions<Deps>): Promise<RunStream<Output, RunOutcome<Output>>>;
  stream(prompt: Prompt, options?: TurnOptions<Deps>): Promise<RunStream<Output>>;
  async stream(
    asked: Prompt | Resumption,
    options: TurnOptions<Deps> | PausableTurnOptions<Deps> = {},
  ): Promise<RunStream<Output, RunOutcome<Output>>> {
    const begun = await this.#begin(this.#take(asked, options));
    const { agent } = this.#parts;
    try {
      const stream = isResumption(begun.asked)
        ? agent.stream(begun.asked, begun.options)
        : agent.stream(begun.asked, { ...begun.options, ...begun.history });
      // The caller hears of a failure by the stream, or by the next run, which finds the conversation as it was.
      this.#finish(begun, () => stream.result).catch(() => undefined);
      return stream;
    } catch (error) {
      begun.turn.end();
      throw error;
    }
  }

  /**
   * As `Agent.start`, in its turn, which ends with the run, whoever leaves it. Settles with the run when its turn has come; with an `idempotencyKey` that is known, at once: the
   * conversation so far is no part of the request.
   * @throws as `Agent.start`, and as `run` while it waits
   */
  start(
    prompt: Prompt,
    options: PausableTurnOptions<Deps> & OwnStartOptions,
  ): Promise<RunHandle<Output, RunOutcome<Output>>>;
  start(
    resumed: Resumption,
    options?: TurnOptions<Deps> & OwnStartOptions,
  ): Promise<RunHandle<Output, RunOutcome<Output>>>;
  start(prompt: Prompt, options?: TurnOptions<Deps> & OwnStartOptions): Promise<RunHandle<Output>>;
  async start(
    asked: Prompt | Resumption,
    options: (TurnOptions<Deps> | PausableTurnOptions<Deps>) & OwnStartOptions = {},
  ): Promise<RunHandle<Output, RunOutcome<Output>>> {
    checkObject("options", options, "an object");
    const { detached, idempotencyKey, ...given } = options;
    checkOwnOptions({ detached, idempotencyKey });
    const taken = this.#take(asked, given);
    const { runs } = this.#parts;
    const request = { ...taken.options, conversationId: this.id };
    const started = () => startedBefore<Output>(runs, taken.asked, request, idempotencyKey);
    const before = started();
    if (before !== undefined) return before.handle(0);
    const begun = await this.#begin(taken);
    try {
      // While it has waited another one of the key may have had its turn.
      const meanwhile = started();
      const own = isResumption(begun.asked) ? begun.options : { ...begun.options, ...begun.history };
      const run = meanwhile ?? startRun<Output>(runs, begun.asked, { ...own, detached, idempotencyKey }, request);
      if (meanwhile !== undefined) begun.turn.end();
      else this.#finish(begun, () => run.result).catch(() => undefined);
      return run.handle(0);
    } catch (error) {
      begun.turn.end();
      throw error;
    }
  }

  /**
   * Goes on with a paused run of this conversation, as `Agent.resume`, in its turn; as `stream` and `start` do with `{ paused, answers }` in the place of a prompt. A
   * conversation that has gone on in another way is past it.
   */
  async resume(
    paused: string | PausedRun,
    answers: PendingAnswers,
    options: TurnOptions<Deps> = {},
  ): Promise<RunOutcome<Output>> {
    const begun = await this.#begin(this.#take({ paused, answers }, options));
    const { agent } = this.#parts;
    const now = begun.asked as Resumption;
    return this.#finish(begun, () => agent.resume(now.paused, now.answers, begun.options));
  }

  /**
   * Another conversation that begins as this one, or as its first `messages`; default id: a random one.
   * @returns rejects with CallerError "conversation_conflict" where there is one of the id
   */
  async fork(
    id: string = randomUUID(),
    options: { readonly messages?: number | undefined } = {},
  ): Promise<Conversation<Output, Deps>> {
    checkObject("options", options, "an object");
    checkKnownFields("options", options, forkFields);
    const fork = this.#parts.open(id);
    const all = await this.messages();
    const { messages = all.length } = options;
    if (!Number.isInteger(messages) || messages < 0 || messages > all.length) {
      throw invalidArgument("options.messages", messages, `an integer from 0 to ${all.length}`);
    }
    const written = await this.#parts.turn.store.write(id, { messages: all.slice(0, messages), revision: 1 });
    checkWritten(written);
    if (!written) throw conflict(id, `conversation "${id}" exists`);
    return fork;
  }

  /** Forgets it. */
  delete(): Promise<void> {
    return this.#parts.turn.store.delete(this.id);
  }

  /** What a run is asked with, as it is now. */
  #take(asked: Prompt | Resumption, options: TurnOptions<Deps>): Taken<Deps> {
    checkObject("options", options, "an object");
    const { whenBusy = this.#parts.whenBusy, signal, timeoutMs, ...rest } = options;
    checkWhenBusy("options.whenBusy", whenBusy);
    for (const field of ["messageHistory", "conversationId"] as const) {
      const value = (rest as RunOptions)[field];
      if (value !== undefined) throw invalidArgument(`options.${field}`, value, "left to the conversation");
    }
    const times = { ...(signal !== undefined && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
    const resumed = isResumption(asked);
    const taken = takeRequest(resumed ? "" : asked, { ...rest, ...times }, this.#parts.runs);
    const { signal: _signal, timeoutMs: _time, ...own } = taken.options;
    return {
      asked: resumed ? { ...asked, answers: jsonCopy("answers", asked.answers) } : taken.prompt,
      options: own,
      wait: { whenBusy, signal, timeoutMs },
    };
  }

  async #begin({ asked, options, wait }: Taken<Deps>): Promise<Begun<Deps>> {
    const turn = await beginTurn(this.#parts.turn, wait);
    if (isResumption(asked) && isPast(turn.messages, asked.paused)) {
      turn.end();
      throw past(this.id, asked.paused);
    }
    const mayPause = (options as PausableRunOptions).mayPause === true;
    const history = { mayPause, ...historyInTurn(this.#parts.turn, turn) };
    const { signal } = wait;
    return { turn, asked, options: optionsInTurn(turn, { ...options, ...(signal && { signal }) }), history };
  }

  #finish({ turn, asked }: Begun<Deps>, run: () => Promise<RunOutcome<Output>>): Promise<RunOutcome<Output>> {
    return finishTurn(this.#parts.turn, turn, run, ({ newMessages, allMessages }) =>
      isResumption(asked) && turn.messages.length === 0 ? allMessages : [...turn.messages, ...newMessages],
    );
  }
}

/** Whether a conversation has gone on since a run of it has paused, as far as its messages say: another process may have done that. */
function isPast(messages: readonly unknown[], paused: string | PausedRun): paused is PausedRun {
  if (typeof paused !== "object" || !Array.isArray(paused?.messages)) return false;
  return messages.length > paused.messages.length;
}

function past(id: string, { token }: PausedRun): CallerError {
  const message = `the paused run of the token "${token}" goes on once: its conversation "${id}" is past it`;
  return new CallerError("already_resumed", message, { field: "paused", value: token });
}

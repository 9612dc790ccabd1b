/** One turn of a conversation: it is waited for, begins with the messages so far, and what came of it is written when it has ended. */

import { CallerError, invalidArgument, RunError } from "../errors.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { ConversationStore } from "./conversation-store.ts";
import type { PausedRuns } from "./paused-runs.ts";
import { isPaused, type RunOutcome } from "./run-result.ts";
import type { TakesTurns, WhenBusy } from "./turns.ts";

/** The conversation as its turns see it. */
export interface TurnParts {
  readonly agentId: string;
  readonly id: string;
  readonly store: ConversationStore;
  readonly turns: TakesTurns;
  readonly clock: Clock;
  /** The agent's, which are told what the conversation has come to. */
  readonly paused: PausedRuns;
}

/** How a turn is waited for. */
export interface TurnWait {
  readonly whenBusy: WhenBusy;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A turn that has begun. */
export interface ConversationTurn {
  readonly messages: readonly unknown[];
  readonly revision: number;
  /** What is left of the time that it was given, in milliseconds; undefined: no limit. */
  readonly leftMs: number | undefined;
  /** Aborted when another run interrupts it. */
  readonly interrupted: AbortSignal;
  readonly end: () => void;
}

/**
 * Waits for the turn.
 * @returns rejects with CallerError "conversation_busy", RunError "deadline_exceeded" or "run_cancelled", or as the store does
 */
export async function beginTurn(parts: TurnParts, wait: TurnWait): Promise<ConversationTurn> {
  const { agentId, id, turns, store, clock } = parts;
  const { whenBusy, signal, timeoutMs } = wait;
  if (whenBusy === "reject" && turns.busy) {
    throw new CallerError("conversation_busy", `conversation "${id}" of agent "${agentId}" has a run already`);
  }
  const untilMs = timeoutMs === undefined ? undefined : clock.monotonicMs() + timeoutMs;
  const late = new AbortController();
  const timer = timeoutMs === undefined ? undefined : clock.setTimeout(() => late.abort(), timeoutMs);
  const waited = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
  const giveUp = () => gaveUp(parts, late.signal.aborted, timeoutMs, signal?.reason);
  const turn = await turns.take(whenBusy === "interrupt" ? "interrupt" : "queue", waited).catch(() => {
    clock.clearTimeout(timer);
    throw giveUp();
  });
  try {
    const { messages = [], revision = 0 } = (await inTime(store.read(id), waited, giveUp)) ?? {};
    const leftMs = untilMs === undefined ? undefined : Math.max(1, Math.ceil(untilMs - clock.monotonicMs()));
    return { messages, revision, leftMs, interrupted: turn.interrupted, end: turn.end };
  } catch (error) {
    turn.end();
    throw error;
  } finally {
    clock.clearTimeout(timer);
  }
}

/** A store that does not answer keeps nobody waiting who waits no longer. */
async function inTime<Value>(answer: Promise<Value>, ended: AbortSignal, why: () => Error): Promise<Value> {
  const left = Promise.withResolvers<never>();
  const forget = onAbort(ended, () => left.reject(why()));
  try {
    if (ended.aborted) left.reject(why());
    return await Promise.race([answer, left.promise]);
  } finally {
    forget();
  }
}

/** The options of a run in its turn: it has what is left of its time, and ends when another run interrupts it. */
export function optionsInTurn<Options extends Omit<TurnWait, "whenBusy">>(
  { interrupted, leftMs: timeoutMs }: ConversationTurn,
  options: Options,
): Options {
  const signal = options.signal === undefined ? interrupted : AbortSignal.any([interrupted, options.signal]);
  return timeoutMs === undefined ? { ...options, signal } : { ...options, signal, timeoutMs };
}

/** What a prompt goes on with in its turn. */
export function historyInTurn({ id }: TurnParts, { messages }: ConversationTurn) {
  return { messageHistory: messages, conversationId: id } as const;
}

/**
 * Ends a turn with its run: writes what came of it.
 * @param messagesOf all messages of the conversation after a run that was not paused
 * @returns as `run`; rejects also with CallerError "conversation_conflict" where somebody else has written meanwhile
 */
export async function finishTurn<Output>(
  { id, store, paused }: TurnParts,
  turn: ConversationTurn,
  run: () => Promise<RunOutcome<Output>>,
  messagesOf: (outcome: Exclude<RunOutcome<Output>, { status: "paused" }>) => readonly unknown[],
): Promise<RunOutcome<Output>> {
  try {
    const outcome = await run();
    const messages = isPaused(outcome) ? outcome.messages : messagesOf(outcome);
    const written = await store.write(id, { messages, revision: turn.revision + 1 });
    checkWritten(written);
    if (!written) throw conflict(id, `somebody else has gone on with conversation "${id}" while this run ran`);
    paused.ends({ store, id }, isPaused(outcome) ? outcome.token : undefined);
    return outcome;
  } finally {
    turn.end();
  }
}

/**
 * What a store answers to a write: nothing at all, as of one that forgets to say, is no "somebody else has written".
 * @throws CallerError "invalid_argument"
 */
export function checkWritten(written: boolean): void {
  if (typeof written !== "boolean") throw invalidArgument("the answer of store.write", written, "true or false");
}

/** The error of a write that finds another revision. */
export function conflict(id: string, what: string): CallerError {
  return new CallerError("conversation_conflict", `${what}; nothing was written`, { field: "id", value: id });
}

function gaveUp({ agentId, id }: TurnParts, late: boolean, timeoutMs: number | undefined, reason: unknown): RunError {
  const what = `run of agent "${agentId}" in conversation "${id}"`;
  if (late) {
    const message = `${what} had not begun after ${timeoutMs} ms: it waited for its turn, or for the store`;
    return new RunError("deadline_exceeded", message, { agentId, kind: "deadline" });
  }
  const message = `${what} was cancelled by its caller before it had begun`;
  return new RunError("run_cancelled", message, { agentId, kind: "cancelled", cause: reason });
}

/** What a run is asked: a prompt, or a paused run and its answers in the place of one. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import { deferredResults, type PausedRun, type PendingAnswers } from "./paused-run.ts";
import { type Claim, withClaim } from "./paused-runs.ts";
import type { RunOwner } from "./pending-run.ts";
import {
  checkRunOptions,
  type InnerRunOptions,
  type PausableRunOptions,
  type Prompt,
  type RunOptions,
} from "./run-options.ts";

/** A paused run that goes on: it is given where a prompt is. */
export interface Resumption {
  /** The token of a run that this process has paused, or a paused run that was stored. */
  readonly paused: string | PausedRun;
  /** By the ids of the calls, one for each request. */
  readonly answers: PendingAnswers;
}

/** Options of a run that goes on: over those of the run before. The conversation is that run's. */
export type ResumeOptions<Deps = unknown> = Omit<RunOptions<Deps>, "messageHistory" | "conversationId">;

/** What a run is made of. */
export interface AskedRun {
  readonly prompt: Prompt;
  readonly options: InnerRunOptions;
  /** Of a run that goes on. */
  readonly claim: Claim | undefined;
}

const fields: ReadonlySet<string> = new Set(["paused", "answers"] satisfies (keyof Resumption)[]);

/** Whether a paused run goes on. */
export function isResumption(asked: Prompt | Resumption): asked is Resumption {
  return typeof asked === "object" && asked !== null && !Array.isArray(asked) && "paused" in asked;
}

/**
 * Checks what a run is asked; a paused one is taken.
 * @throws CallerError "invalid_argument", "message_too_large", "not_found" or "already_resumed"; nothing is taken then
 */
export function checkAsked(owner: RunOwner, asked: Prompt | Resumption, options: PausableRunOptions): AskedRun {
  const { maxMessageBytes, agentId } = owner;
  if (!isResumption(asked)) {
    checkRunOptions(asked, options, maxMessageBytes);
    return { prompt: asked, options, claim: undefined };
  }
  checkKnownFields("prompt", asked, fields);
  checkRunOptions("", options, maxMessageBytes);
  for (const field of ["messageHistory", "conversationId", "mayPause"] as const) {
    if (options[field] === undefined) continue;
    throw invalidArgument(`options.${field}`, options[field], "left out where a paused run goes on, which has its own");
  }
  const claim = owner.paused.take(asked.paused, agentId);
  return withClaim(claim, () => {
    const { paused, options: before } = claim.kept;
    const { messages, requests, conversationId } = paused;
    const given = { ...before, ...options, messageHistory: messages, conversationId, mayPause: true };
    checkRunOptions("", given, maxMessageBytes);
    return { prompt: "", options: { ...given, deferredResults: deferredResults(requests, asked.answers) }, claim };
  });
}

/** What a key names of a run that goes on: the paused one and the answers, not what that has come to. */
export function namedBy({ paused, answers }: Resumption, options: PausableRunOptions): InnerRunOptions {
  const token = typeof paused === "string" ? paused : paused?.token;
  return { ...options, deferredResults: { paused: token, answers } };
}

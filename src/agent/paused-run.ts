/** A run that waits for people: what it asks for, how it is answered, and what goes on from there. */

import { randomUUID } from "node:crypto";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import { type PendingCall, pendingCalls } from "../rpc/deferred-calls.ts";
import type { WireRunResult } from "../rpc/run-types.ts";
import type { Usage } from "../usage.ts";

/**
 * A run that has ended by asking for something. It is JSON, and holds no worker and no place: `agent.resume` goes on from it, today or after a restart of
 * this process. Whoever holds it decides what is approved, so it stays with the host: a client is given `token` and `requests`.
 */
export interface PausedRun {
  readonly status: "paused";
  /** Names it to `agent.resume` of this process, once. */
  readonly token: string;
  readonly agentId: string;
  readonly runId: string;
  readonly conversationId: string;
  readonly requests: readonly PendingCall[];
  /** The whole conversation up to here, as pydantic-ai messages (JSON values). */
  readonly messages: readonly unknown[];
  readonly usage: Usage;
  readonly attempts: number;
  readonly incarnation: number;
}

/** The answer to one request of a run. `true` and `false` approve and deny. */
export type PendingAnswer =
  | boolean
  /** The call is made; `args` in place of the model's. */
  | { readonly approve: true; readonly args?: Readonly<Record<string, unknown>> | undefined }
  /** It is not made, and the model is told. */
  | { readonly approve: false; readonly message?: string | undefined }
  /** What the call made elsewhere, or the question, came to: a JSON value. */
  | { readonly result: unknown }
  /** The model is told, and may call again. */
  | { readonly retry: string }
  /** The model is told that it has failed. */
  | { readonly failed: string };

/** Answers by the ids of their calls. */
export type PendingAnswers = Readonly<Record<string, PendingAnswer>>;

/**
 * The answers as pydantic-ai's DeferredToolResults.
 * @throws CallerError "invalid_argument" for a request without an answer, an answer without a request, or one that does not fit its request
 */
export function deferredResults(requests: readonly PendingCall[], answers: PendingAnswers): object {
  if (typeof answers !== "object" || answers === null) {
    throw invalidArgument("answers", answers, "an object of answers by the ids of their calls");
  }
  checkKnownFields("answers", answers, new Set(requests.map(({ toolCallId }) => toolCallId)));
  const approvals: Record<string, unknown> = {};
  const calls: Record<string, unknown> = {};
  for (const { toolCallId, kind, toolName } of requests) {
    const field = `answers.${toolCallId}`;
    const answer = answers[toolCallId];
    if (answer === undefined) throw invalidArgument(field, answer, `an answer to the call of "${toolName}"`);
    if (kind === "approval") approvals[toolCallId] = toApproval(field, answer);
    else calls[toolCallId] = toResult(field, answer, kind);
  }
  return { approvals, calls };
}

function toApproval(field: string, answer: PendingAnswer): unknown {
  if (typeof answer === "boolean") return answer;
  if (typeof answer === "object" && answer !== null && "approve" in answer) {
    if (answer.approve === true) {
      const { args } = answer;
      if (args === undefined) return true;
      if (typeof args !== "object" || args === null) throw invalidArgument(`${field}.args`, args, "an object");
      return { kind: "tool-approved", override_args: args };
    }
    if (answer.approve === false) {
      const { message } = answer;
      if (message === undefined) return false;
      if (typeof message !== "string") throw invalidArgument(`${field}.message`, message, "a string");
      return { kind: "tool-denied", message };
    }
  }
  throw invalidArgument(field, answer, "true, false, { approve: true, args } or { approve: false, message }");
}

function toResult(field: string, answer: PendingAnswer, kind: string): unknown {
  if (typeof answer === "object" && answer !== null) {
    if ("result" in answer) return { kind: "tool-return", return_value: answer.result ?? null };
    if ("retry" in answer && typeof answer.retry === "string") return { kind: "model-retry", message: answer.retry };
    if ("failed" in answer && typeof answer.failed === "string") return { kind: "tool-failed", message: answer.failed };
  }
  const what = kind === "question" ? "the answer to a question" : "the result of a call that is made elsewhere";
  throw invalidArgument(field, answer, `${what}: { result }, { retry: "…" } or { failed: "…" }`);
}

/** The paused run in a worker's answer. */
export function pausedOf(
  wire: WireRunResult,
  about: Pick<PausedRun, "agentId" | "attempts" | "incarnation">,
): PausedRun {
  return {
    ...about,
    status: "paused",
    token: randomUUID(),
    runId: wire.runId,
    conversationId: wire.conversationId,
    requests: wire.deferred === undefined ? [] : pendingCalls(wire.deferred),
    messages: wire.allMessages,
    usage: wire.usage,
  };
}

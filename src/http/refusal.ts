/** A request that is not answered by a run, and the response that says why. */

import { RunError, SynapseError, withoutCode } from "../errors.ts";
import { httpStatusOf } from "../http-status.ts";

/** Why a request is refused before an agent hears of it. */
export type RefusalCode =
  | "method_not_allowed"
  | "unsupported_media_type"
  | "not_acceptable"
  | "message_too_large"
  | "invalid_body"
  | "not_found";

const statuses: Readonly<Record<RefusalCode, number>> = {
  method_not_allowed: 405,
  unsupported_media_type: 415,
  not_acceptable: 406,
  message_too_large: 413,
  invalid_body: 422,
  not_found: 404,
};

/** How long a client is asked to wait that came when there was no place, in seconds. */
const retryAfterS = 1;

/** Thrown by what reads a request, and answered. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

/** What a client is told of an error: the mistakes that are its own in full, of all others no more than their kind. */
interface ToldError {
  readonly code: string;
  readonly kind?: string;
  readonly message: string;
  readonly issues?: readonly {
    readonly type: string;
    readonly path: readonly (string | number)[];
    readonly message: string;
  }[];
}

/**
 * The response to a request that could not be answered: a JSON document `{ error: { code, kind, message, issues } }`, with the status of the error.
 * @param onError told of an error of which the client is told a sentence
 * @throws whatever was given that is neither a refusal nor an error of Synapse
 */
export function errorResponse(error: unknown, onError: (error: SynapseError) => void = () => undefined): Response {
  if (error instanceof Refusal) {
    return respond(statuses[error.code], { code: error.code, message: error.message }, error.headers);
  }
  if (!(error instanceof SynapseError)) throw error;
  if (error instanceof RunError && error.kind === "frontend_request") {
    return respond(422, badBody(error));
  }
  onError(error);
  const status = httpStatusOf(error);
  const { code } = error;
  const kind = error instanceof RunError && code === "run_failed" ? { kind: error.kind } : {};
  const headers = status === 503 || status === 429 ? { "retry-after": `${secondsToWait(error)}` } : {};
  return respond(status, { code, ...kind, message: sentenceOf(error) }, headers);
}

/** What a client is told of a run that has failed in the host: no word of the error itself, which may tell of what nobody outside is to know. */
export function sentenceOf(error: SynapseError): string {
  switch (error.code) {
    case "queue_full":
      return "The agent is busy. Try again later.";
    case "budget_exceeded":
      return "The agent's budget is used up. Try again later.";
    case "conversation_busy":
      return "Another answer of this conversation is being written.";
    case "conversation_conflict":
      return "The conversation was changed meanwhile. Load it anew.";
    case "already_resumed":
      return "What was asked here is answered already. Load the conversation anew.";
    case "events_expired":
      return "What is missing of this answer is not kept any more.";
    case "message_too_large":
      return "The request is too large.";
    case "not_found":
      return "There is no such run.";
    case "invalid_argument":
      return "The request asks for something that there is not.";
    case "deadline_exceeded":
      return "The run took too long.";
    case "run_cancelled":
      return "The run was cancelled.";
    case "worker_exited":
    case "worker_connection_lost":
    case "agent_stopped":
      return "The run was interrupted. Try again.";
    case "run_failed":
    case "output_invalid":
      return "The run has failed.";
    default:
      return "The agent is not available.";
  }
}

function badBody(error: RunError): ToldError {
  // How the agent is called is nobody's outside.
  const message = withoutCode(error.message).replace(`agent "${error.agentId}": `, "");
  // What was sent is the client's own; it has it already.
  const issues = error.validationErrors?.map(({ type, loc, msg }) => ({ type, path: loc, message: msg }));
  return { code: "invalid_body", message, ...(issues === undefined ? {} : { issues }) };
}

function secondsToWait(error: SynapseError): number {
  const afterMs = error instanceof RunError ? error.retryAfterMs : undefined;
  return afterMs === undefined ? retryAfterS : Math.max(1, Math.ceil(afterMs / 1000));
}

function respond(status: number, error: ToldError, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify({ error }), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}

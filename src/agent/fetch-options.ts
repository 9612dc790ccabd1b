/** What a service may say of a request that `agent.fetch` answers. */

import { checkKnownFields, invalidArgument, type SynapseError } from "../errors.ts";
import type { FrontendProtocol } from "../rpc/run-types.ts";
import { checkWhenBusy } from "./conversation.ts";
import type { ConversationStore } from "./conversation-store.ts";
import { checkStore } from "./conversations.ts";
import type { RunOptions } from "./run-options.ts";
import type { WhenBusy } from "./turns.ts";

/** Options of `Agent.fetch`: how the request is answered, and what the run is given beside it. */
export interface FetchOptions<Deps = unknown>
  extends Omit<RunOptions<Deps>, "signal" | "messageHistory" | "conversationId" | "idempotent" | "retry"> {
  /** Default: told by the body. */
  readonly protocol?: FrontendProtocol | undefined;
  /**
   * Who holds the conversation. "client" (default): its messages are those of the body, and approvals are refused. "server": the agent keeps it under the id of the chat, the
   * body only adds its last turn, and approvals count for calls that wait for them.
   */
  readonly conversation?: "client" | "server" | undefined;
  /** Where it is kept; default: as of `Agent.conversation`. */
  readonly store?: ConversationStore | undefined;
  /** What becomes of a request while another run of the chat runs; default "queue". With "server" only. */
  readonly whenBusy?: WhenBusy | undefined;
  /**
   * Whose request it is: the id of the authenticated user, say. Ids of chats and runs are the client's word; what was begun or kept in one scope is not found in another. Default:
   * one scope for all.
   */
  readonly scope?: string | undefined;
  /** Whether the run goes on when its client leaves; default false: it is cancelled when nobody reads it any more. */
  readonly detached?: boolean | undefined;
  /** The major version of the client's Vercel AI SDK: 5, 6 or 7 (default). Version 5 knows no approvals. */
  readonly sdkVersion?: 5 | 6 | 7 | undefined;
  /** Told of every error of which the client is told a sentence only. A throw of it is the fetch's. */
  readonly onError?: ((error: SynapseError) => void) | undefined;
}

/** Those options that are not the run's. */
export interface AnswerOptions extends Pick<FetchOptions, "protocol" | "store" | "whenBusy" | "onError"> {
  readonly conversation: "client" | "server";
  readonly scope: string | undefined;
  readonly detached: boolean;
  readonly sdkVersion: number;
}

/** What the run is given beside the request. */
export type GivenOptions = Omit<FetchOptions, keyof AnswerOptions>;

const known: ReadonlySet<string> = new Set([
  "protocol",
  "conversation",
  "store",
  "whenBusy",
  "scope",
  "detached",
  "sdkVersion",
  "onError",
  "timeoutMs",
  "modelSettings",
  "usageLimits",
  "deps",
  "model",
  "instructions",
  "outputSchema",
  "mayWait",
  "tools",
  "metadata",
] satisfies (keyof FetchOptions)[]);

/**
 * The options apart, with their defaults.
 * @throws CallerError "invalid_argument"; those of the run are checked with the run
 */
export function splitFetchOptions(options: FetchOptions): { answer: AnswerOptions; given: GivenOptions } {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, known);
  const { protocol, conversation = "client", store, whenBusy, scope, detached = false, ...others } = options;
  const { sdkVersion = 7, onError, ...given } = others;
  oneOf("protocol", protocol, [undefined, "vercel-ai", "ag-ui"]);
  oneOf("conversation", conversation, ["client", "server"]);
  oneOf("sdkVersion", sdkVersion, [5, 6, 7]);
  oneOf("detached", detached, [true, false]);
  if (scope !== undefined && (typeof scope !== "string" || scope === "" || !scope.isWellFormed())) {
    throw invalidArgument("options.scope", scope, "a text that is not empty");
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw invalidArgument("options.onError", onError, "a function");
  }
  if (store !== undefined) checkStore("options.store", store);
  checkWhenBusy("options.whenBusy", whenBusy);
  for (const [field, value] of Object.entries({ store, whenBusy })) {
    if (value !== undefined && conversation !== "server") {
      throw invalidArgument(`options.${field}`, value, 'given with conversation: "server"');
    }
  }
  return { answer: { protocol, conversation, store, whenBusy, scope, detached, sdkVersion, onError }, given };
}

function oneOf(field: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const names = allowed.filter((one) => one !== undefined).map((one) => JSON.stringify(one));
  throw invalidArgument(`options.${field}`, value, names.join(" or "));
}

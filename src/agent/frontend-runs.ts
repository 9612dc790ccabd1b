/** Which runs of an agent answer front ends, and for whom: a client that comes back names a run, or the chat that it belongs to. */

import type { SynapseError } from "../errors.ts";
import type { FrontendProtocol } from "../rpc/run-types.ts";

/** How many are remembered; the oldest is forgotten. */
const mostKnown = 10_000;

/** What is known of one. */
export interface FrontendRunFacts {
  readonly runId: string;
  readonly protocol: FrontendProtocol;
  /** Whose it is; undefined: nobody's in particular. */
  readonly scope: string | undefined;
  readonly chatId: string;
  /** Of one that goes on with a conversation of the agent: settles when what came of it is written, with the error where it could not be. Never rejects. */
  readonly saved?: Promise<SynapseError | undefined>;
}

/** The runs of one agent that answer front ends. */
export class FrontendRuns {
  readonly #runs = new Map<string, FrontendRunFacts>();
  /** The latest of each chat. */
  readonly #chats = new Map<string, string>();

  add(run: FrontendRunFacts): void {
    this.#runs.set(run.runId, run);
    this.#chats.set(chatKey(run.scope, run.chatId), run.runId);
    if (this.#runs.size <= mostKnown) return;
    const [oldest] = this.#runs.values();
    if (oldest === undefined) return;
    this.#runs.delete(oldest.runId);
    const key = chatKey(oldest.scope, oldest.chatId);
    if (this.#chats.get(key) === oldest.runId) this.#chats.delete(key);
  }

  /** A run, for those of its scope. */
  run(runId: string, scope: string | undefined): FrontendRunFacts | undefined {
    const run = this.#runs.get(runId);
    return run !== undefined && run.scope === scope ? run : undefined;
  }

  /** The latest run of a chat. */
  latestOf(chatId: string, scope: string | undefined): FrontendRunFacts | undefined {
    const runId = this.#chats.get(chatKey(scope, chatId));
    return runId === undefined ? undefined : this.#runs.get(runId);
  }
}

/** How the conversation of a chat is called: as the chat, where its id is a plain one. The same for no two scopes. */
export function chatKey(scope: string | undefined, chatId: string): string {
  const chat = encodeURIComponent(chatId);
  return scope === undefined ? chat : `${encodeURIComponent(scope)}/${chat}`;
}

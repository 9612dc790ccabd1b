/** The conversations of one agent: where they are kept, and whose turn it is in each. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import { Conversation, type ConversationAgent, type ConversationOptions, checkWhenBusy } from "./conversation.ts";
import { type ConversationStore, createConversationStore } from "./conversation-store.ts";
import type { TurnParts } from "./conversation-turn.ts";
import { FrontendRuns } from "./frontend-runs.ts";
import type { RunStarter } from "./start-run.ts";
import { type TakesTurns, Turns } from "./turns.ts";

const known: ReadonlySet<string> = new Set(["store", "whenBusy"] satisfies (keyof ConversationOptions)[]);

/** Opens the conversations of one agent. Two handles of one id in one store take turns with each other. */
export class Conversations {
  /** Which runs answer front ends, in chats that may be conversations. */
  readonly frontends = new FrontendRuns();
  readonly #memory = createConversationStore();
  /** Of conversations that have a run. */
  readonly #turns = new WeakMap<ConversationStore, Map<string, Turns>>();

  /** @throws CallerError "invalid_argument" */
  open<Output, Deps>(
    agent: ConversationAgent<Output, Deps>,
    id: string,
    options: ConversationOptions,
    runs: RunStarter,
  ): Conversation<Output, Deps> {
    if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
    checkKnownFields("options", options, known);
    const turn = this.turnOf({ agentId: agent.id, id, clock: runs.clock, paused: runs.paused }, options);
    const { whenBusy = "queue" } = options;
    const { store } = turn;
    const open = (other: string) => this.open(agent, other, { ...options, store }, runs);
    return new Conversation({ agent, turn, whenBusy, runs, open });
  }

  /**
   * What the turns of a conversation are taken with.
   * @throws CallerError "invalid_argument"
   */
  turnOf(about: Pick<TurnParts, "agentId" | "id" | "clock" | "paused">, options: ConversationOptions): TurnParts {
    const { id } = about;
    if (typeof id !== "string" || id === "") throw invalidArgument("id", id, "a non-empty string");
    const { store = this.#memory, whenBusy } = options;
    checkWhenBusy("options.whenBusy", whenBusy);
    checkStore("options.store", store);
    return { ...about, store, turns: this.#turnsOf(store, id) };
  }

  #turnsOf(store: ConversationStore, id: string): TakesTurns {
    let all = this.#turns.get(store);
    if (all === undefined) {
      all = new Map();
      this.#turns.set(store, all);
    }
    const taken = all;
    return {
      get busy() {
        return taken.has(id);
      },
      take(how, ended) {
        if (ended.aborted) return Promise.reject(ended.reason as Error);
        const turns = taken.get(id) ?? new Turns(() => taken.delete(id));
        taken.set(id, turns);
        return turns.take(how, ended);
      },
    };
  }
}

/** @throws CallerError "invalid_argument" */
export function checkStore(field: string, store: unknown): void {
  const { read, write, delete: remove } = (store ?? {}) as Partial<ConversationStore>;
  if (typeof read === "function" && typeof write === "function" && typeof remove === "function") return;
  throw invalidArgument(field, store, "a store with read, write and delete");
}

/** The conversations of one agent: where they are kept, and whose turn it is in each. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { Conversation, type ConversationAgent, type ConversationOptions, checkWhenBusy } from "./conversation.ts";
import { type ConversationStore, createConversationStore } from "./conversation-store.ts";
import { type TakesTurns, Turns } from "./turns.ts";

const known: ReadonlySet<string> = new Set(["store", "whenBusy"] satisfies (keyof ConversationOptions)[]);

/** Opens the conversations of one agent. Two handles of one id in one store take turns with each other. */
export class Conversations {
  readonly #memory = createConversationStore();
  /** Of conversations that have a run. */
  readonly #turns = new WeakMap<ConversationStore, Map<string, Turns>>();

  /** @throws CallerError "invalid_argument" */
  open<Output, Deps>(
    agent: ConversationAgent<Output, Deps>,
    id: string,
    options: ConversationOptions,
    about: { readonly clock: Clock; readonly maxMessageBytes: number },
  ): Conversation<Output, Deps> {
    if (typeof id !== "string" || id === "") throw invalidArgument("id", id, "a non-empty string");
    if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
    checkKnownFields("options", options, known);
    const { store = this.#memory, whenBusy = "queue" } = options;
    checkWhenBusy("options.whenBusy", whenBusy);
    if (typeof store?.read !== "function" || typeof store.write !== "function" || typeof store.delete !== "function") {
      throw invalidArgument("options.store", store, "a store with read, write and delete");
    }
    const turns = this.#turnsOf(store, id);
    const { clock, maxMessageBytes } = about;
    const open = (other: string) => this.open(agent, other, { ...options, store }, about);
    return new Conversation({ agent, id, store, whenBusy, turns, clock, maxMessageBytes, open });
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

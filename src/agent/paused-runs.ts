/** The paused runs of one agent that its process knows by their tokens, each of which goes on once: memory, no process. */

import { CallerError, invalidArgument, RunError } from "../errors.ts";
import type { ConversationStore } from "./conversation-store.ts";
import type { PausedRun } from "./paused-run.ts";
import type { InnerRunOptions, RunOptions } from "./run-options.ts";

/** How many are kept; the oldest gives way. */
const mostKept = 1_000;
/** How many spent tokens are remembered. */
const mostSpent = 10_000;

/** What a paused run goes on with. */
export interface KeptRun {
  readonly paused: PausedRun;
  /** As the run before had them, but for what was of that run alone. */
  readonly options: RunOptions;
}

/** A run that goes on with a paused one. */
export interface ResumedRun {
  readonly id: string;
  readonly result: Promise<unknown>;
  /** Undefined while it is in no worker. */
  readonly progress: object | undefined;
  /** The ends of the workers that have died with it. */
  readonly crashes: readonly unknown[];
}

/** A conversation that ends with what a paused run has come to. */
export interface PausedConversation {
  readonly id: string;
  readonly store: ConversationStore;
}

/** The right to go on with a paused run, which nobody else has meanwhile. It is given back, or a run follows. */
export class Claim {
  readonly kept: KeptRun;
  /** The token is good again: nothing was begun. */
  readonly giveBack: () => void;
  readonly #spentBy: (runId: string) => void;

  constructor(kept: KeptRun, parts: { giveBack: () => void; spentBy: (runId: string) => void }) {
    this.kept = kept;
    this.giveBack = parts.giveBack;
    this.#spentBy = parts.spentBy;
  }

  /** A run goes on. The claim is given back where that ends before a worker has begun with it. */
  follow(run: ResumedRun): void {
    this.#spentBy(run.id);
    run.result.catch((error: unknown) => {
      if (neverBegan(run, error)) this.giveBack();
    });
  }
}

/** Does what follows from a claim; where it throws, nothing was begun, and the claim is given back. Without a claim it is done as it is. */
export function withClaim<T>(claim: Claim | undefined, follow: () => T): T {
  try {
    return follow();
  } catch (error) {
    claim?.giveBack();
    throw error;
  }
}

/** Whether no worker has done anything of a run that has failed. */
function neverBegan({ progress, crashes }: ResumedRun, error: unknown): boolean {
  if (error instanceof RunError) {
    const { kind, usage } = error;
    // Its worker has refused the request: a run that has begun has used something, if nothing but zeros.
    if (kind === "frontend_request" || (kind === "validation" && usage === undefined)) return true;
  }
  return progress === undefined && crashes.length === 0;
}

/** Why a token is spent. */
interface Spent {
  /** The run that goes on; undefined: none. */
  runId?: string;
  /** Whether its conversation has gone on: it is not good again. */
  past: boolean;
}

/** Paused runs by their tokens. Each goes on once. */
export class PausedRuns {
  readonly #kept = new Map<string, KeptRun>();
  readonly #spent = new Map<string, Spent>();
  readonly #conversations = new WeakMap<ConversationStore, Map<string, string>>();
  /** The conversation of a token that is known. */
  readonly #homes = new Map<string, PausedConversation>();

  keep(paused: PausedRun, options: InnerRunOptions): void {
    const { signal: _signal, timeoutMs: _time, partialOutput: _partial, deferredResults: _answers, ...most } = options;
    const { frontend: _frontend, ...rest } = most;
    this.#keep({ paused, options: rest });
  }

  /**
   * The run of a token, or the one that was stored elsewhere; from now on the token is spent.
   * @throws CallerError "already_resumed" for a token that is spent, "not_found" for one that is unknown, "invalid_argument" for what is neither a token nor a paused
   * run of the agent
   */
  take(given: string | PausedRun, agentId: string): Claim {
    const token = typeof given === "string" ? given : given?.token;
    if (typeof token !== "string") throw invalidArgument("paused", given, "a token, or a paused run");
    if (this.#spent.has(token)) throw this.#goneOn(token, agentId);
    const kept = this.#kept.get(token) ?? stored(given, agentId);
    if (kept === undefined) {
      const message = `agent "${agentId}" keeps no paused run of the token "${token}"; one that another process has paused, or that is too old, goes on from the paused run itself`;
      throw new CallerError("not_found", message, { field: "paused", value: token });
    }
    const spent = this.#spend(token);
    return new Claim(kept, {
      giveBack: () => !spent.past && this.#keep(kept),
      spentBy: (runId) => {
        spent.runId = runId;
      },
    });
  }

  /** A conversation has come to what a paused run asks for; undefined: it is past that, and whatever it asked for before goes on no more. */
  ends(conversation: PausedConversation, token: string | undefined): void {
    const { store, id } = conversation;
    const tokens = this.#conversations.get(store) ?? new Map<string, string>();
    const before = tokens.get(id);
    if (before !== undefined && before !== token) (this.#spent.get(before) ?? this.#spend(before)).past = true;
    tokens.delete(id);
    if (token === undefined || !(this.#kept.has(token) || this.#spent.has(token))) return;
    this.#conversations.set(store, tokens.set(id, token));
    this.#homes.set(token, { store, id });
  }

  /** Whether a conversation ends with a paused run that can go on. */
  isOpen({ store, id }: PausedConversation): boolean {
    return this.#kept.has(this.#conversations.get(store)?.get(id) ?? "");
  }

  /**
   * The paused run that a conversation ends with, as `take`.
   * @returns undefined where this process does not know of one
   * @throws CallerError "already_resumed"
   */
  takeOf({ store, id }: PausedConversation, agentId: string): Claim | undefined {
    const token = this.#conversations.get(store)?.get(id);
    return token === undefined ? undefined : this.take(token, agentId);
  }

  #goneOn(token: string, agentId: string): CallerError {
    const runId = this.#spent.get(token)?.runId;
    const how = runId === undefined ? "its conversation is past it" : `run "${runId}" goes on with it`;
    const message = `the paused run of the token "${token}" of agent "${agentId}" goes on once: ${how}`;
    return new CallerError("already_resumed", message, {
      field: "paused",
      value: token,
      ...(runId === undefined ? {} : { runId }),
    });
  }

  #keep(kept: KeptRun): void {
    const { token } = kept.paused;
    this.#kept.set(token, kept);
    this.#spent.delete(token);
    if (this.#kept.size > mostKept) this.#forget(this.#kept);
  }

  #spend(token: string): Spent {
    const spent: Spent = { past: false };
    this.#kept.delete(token);
    this.#spent.set(token, spent);
    if (this.#spent.size > mostSpent) this.#forget(this.#spent);
    return spent;
  }

  /** Forgets the oldest. */
  #forget(tokens: Map<string, unknown>): void {
    const [token] = tokens.keys();
    if (token === undefined) return;
    tokens.delete(token);
    const home = this.#homes.get(token);
    this.#homes.delete(token);
    if (home === undefined) return;
    const known = this.#conversations.get(home.store);
    if (known?.get(home.id) === token) known.delete(home.id);
  }
}

/** A paused run that its caller has kept; undefined: there is a token alone. */
function stored(given: string | PausedRun, agentId: string): KeptRun | undefined {
  if (typeof given === "string") return undefined;
  if (given.agentId !== agentId) throw invalidArgument("paused.agentId", given.agentId, `"${agentId}"`);
  if (!Array.isArray(given.messages) || !Array.isArray(given.requests)) {
    throw invalidArgument("paused", given, "a paused run, with its messages and requests");
  }
  return { paused: given, options: {} };
}

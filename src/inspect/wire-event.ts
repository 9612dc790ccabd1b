/**
 * What is told of actors, as values: the events that Stately's inspector is made for. Source: the protocol of `@statelyai/inspect` 0.7, pinned by
 * test/inspect/stately-inspector.test.ts against that package's own receiver.
 */

import type { AnyActorRef } from "xstate";
import { logicOf, parentOf } from "../otp/scheduler/xstate-adapter.ts";
import { definitionText } from "./definition-text.ts";
import { type Sanitise, sanitised } from "./sanitise.ts";
import { summarise } from "./summarise.ts";

/** The version of the protocol that is spoken. */
export const wireVersion = "0.7.2";

interface WireBase {
  readonly sessionId: string;
  readonly rootId: string;
  /** Milliseconds since the Unix epoch, as text. */
  readonly createdAt: string;
  readonly id: null;
  readonly _version: string;
}

/** How an actor is, in short. */
export interface WireSnapshot {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** An actor is there. */
export interface WireActor extends WireBase {
  readonly type: "@xstate.actor";
  readonly name: string;
  readonly parentId: string | undefined;
  /** JSON of its chart. */
  readonly definition: string;
  readonly snapshot: WireSnapshot;
}

/** An event was sent to an actor. */
export interface WireMessage extends WireBase {
  readonly type: "@xstate.event";
  readonly sourceId: string | undefined;
  readonly event: { readonly type: string };
}

/** An actor has handled an event. */
export interface WireState extends WireBase {
  readonly type: "@xstate.snapshot";
  readonly event: { readonly type: string };
  readonly snapshot: WireSnapshot;
}

/** What is told of actors. */
export type WireEvent = WireActor | WireMessage | WireState;

/** Makes wire events. Definitions are made once for each logic. */
export class WireWriter {
  readonly #definitions = new WeakMap<object, string>();
  readonly #sanitise: Sanitise | undefined;

  /** @param sanitise may throw: what it threw at is not told */
  constructor(sanitise?: Sanitise) {
    this.#sanitise = sanitise;
  }

  actor(ref: AnyActorRef, atMs: number): WireActor {
    const config = (logicOf(ref) as { config?: unknown } | undefined)?.config;
    const { id, sessionId } = ref;
    const named = typeof config === "object" && config !== null && "id" in config ? config.id : undefined;
    return {
      type: "@xstate.actor",
      name: id === sessionId && typeof named === "string" ? named : id,
      parentId: parentOf(ref)?.sessionId,
      definition: this.#definition(config, id),
      snapshot: this.#snapshot(ref.getSnapshot()),
      ...base(ref, atMs),
    };
  }

  message(ref: AnyActorRef, source: AnyActorRef | undefined, event: unknown, atMs: number): WireMessage {
    return {
      type: "@xstate.event",
      sourceId: source?.sessionId,
      event: this.#event(event),
      ...base(ref, atMs),
    };
  }

  state(ref: AnyActorRef, snapshot: unknown, event: unknown, atMs: number): WireState {
    return {
      type: "@xstate.snapshot",
      event: this.#event(event),
      snapshot: this.#snapshot(snapshot),
      ...base(ref, atMs),
    };
  }

  #definition(config: unknown, id: string): string {
    if (typeof config !== "object" || config === null) return definitionText(undefined, id);
    let text = this.#definitions.get(config);
    if (text === undefined) {
      text = definitionText(this.#clean(config, "definition"), id);
      this.#definitions.set(config, text);
    }
    return text;
  }

  #snapshot(snapshot: unknown): WireSnapshot {
    const { status, value, context, output, error } = (snapshot ?? {}) as Partial<Record<keyof WireSnapshot, unknown>>;
    return {
      status: typeof status === "string" ? status : "active",
      ...(value === undefined ? {} : { value: summarise(value, { maxDepth: 20, maxValues: 500 }) }),
      ...(context === undefined ? {} : { context: summarise(this.#clean(context, "context")) }),
      ...(output === undefined ? {} : { output: summarise(this.#clean(output, "context")) }),
      ...(error === undefined ? {} : { error: summarise(this.#clean(error, "context")) }),
    };
  }

  #event(event: unknown): { type: string } {
    const told = summarise(this.#clean(event, "event"));
    const shown = typeof told === "object" && told !== null ? told : { value: told };
    return "type" in shown && typeof shown.type === "string"
      ? { ...shown, type: shown.type }
      : { ...shown, type: "message" };
  }

  #clean(value: unknown, what: Parameters<Sanitise>[1]): unknown {
    return sanitised(this.#sanitise, value, what);
  }
}

function base(ref: AnyActorRef, atMs: number) {
  let root = ref;
  for (let parent = parentOf(root); parent !== undefined; parent = parentOf(root)) root = parent;
  return {
    sessionId: ref.sessionId,
    rootId: root.sessionId,
    createdAt: String(atMs),
    id: null,
    _version: wireVersion,
  } as const;
}

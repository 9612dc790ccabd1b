/**
 * Follows the actors of a system for somebody who looks at it. In an actor's turn it only notes; what it has noted is told in batches. Under load it
 * samples: when a batch is full it looks away until the next one, so that actors pay nothing for it meanwhile, and then tells how they are by then.
 */

import type { AnyActorRef, InspectionEvent } from "xstate";
import type { Sanitise } from "./sanitise.ts";
import { type WireEvent, WireWriter } from "./wire-event.ts";

/** Where actors are found. */
export interface ActorSource {
  /** Those that live now, each after its parent. */
  actors(): Iterable<AnyActorRef>;
  /** Lets `observer` see every actor from now on. Answers the function that ends it. */
  observe(observer: (event: InspectionEvent) => void): () => void;
  /** Told what has gone wrong while actors were looked at: it harms nobody else. */
  trouble(error: unknown): void;
}

/** What has happened since the batch before. */
export interface FeedBatch {
  readonly events: readonly WireEvent[];
  /** How many events were not noted, for there were too many. */
  readonly skipped: number;
}

/** Options of a feed. */
export interface FeedOptions {
  /** Time between two batches in milliseconds; default 100. */
  readonly periodMs?: number;
  /** Most events of a batch; default 500. */
  readonly maxEvents?: number;
  readonly sanitise?: Sanitise | undefined;
  /** Whether it waits for `resume` before it looks at anything; default false. */
  readonly paused?: boolean;
}

/** Most actors that are followed; those that come after are not. */
const maxActors = 50_000;
/** Actors that have ended and are still told to those who come late. */
const maxEnded = 500;
/** How long one turn of the event loop may be spent on a batch, in milliseconds. */
const turnMs = 8;

interface Followed {
  readonly ref: AnyActorRef;
  /** The last snapshot that was told. */
  told: unknown;
  /** Events of this batch. */
  events: number;
}

interface Noted {
  readonly of: Followed;
  readonly event: unknown;
  readonly atMs: number;
  readonly kind: "event" | "snapshot";
  readonly source?: AnyActorRef | undefined;
  readonly snapshot?: unknown;
}

/** Follows actors until it is ended. */
export class InspectionFeed {
  readonly #source: ActorSource;
  readonly #tell: (batch: FeedBatch) => void;
  readonly #writer: WireWriter;
  readonly #periodMs: number;
  readonly #maxEvents: number;
  readonly #followed = new Map<string, Followed>();
  readonly #ended = new Map<string, Followed>();
  #fresh: Followed[] = [];
  #noted: Noted[] = [];
  /** Those of whom events came in this batch. */
  #touched: Followed[] = [];
  #skipped = 0;
  #unobserve: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #paused = true;
  #closed = false;

  /** @param tell must not throw */
  constructor(source: ActorSource, tell: (batch: FeedBatch) => void, options: FeedOptions = {}) {
    const { periodMs = 100, maxEvents = 500, sanitise, paused = false } = options;
    this.#source = source;
    this.#tell = tell;
    this.#writer = new WireWriter(sanitise);
    this.#periodMs = periodMs;
    this.#maxEvents = maxEvents;
    if (!paused) this.resume();
  }

  /** Looks from now on. */
  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#look();
  }

  /** Looks no more until `resume`: nobody wants to know, and it costs nothing. */
  pause(): void {
    this.#paused = true;
    this.#lookAway();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const forgotten of [this.#followed, this.#ended]) forgotten.clear();
    for (const forgotten of [this.#noted, this.#fresh, this.#touched]) forgotten.length = 0;
  }

  /** Every actor that is known, with its chart and its last state, each after its parent: what somebody who comes late has to be told. */
  replay(): WireEvent[] {
    this.#findActors();
    // What is noted is older: it is told first, to those who look already.
    this.#catchUp(this.#followed.values());
    this.#flush(Number.POSITIVE_INFINITY);
    const atMs = Date.now();
    return [...this.#ended.values(), ...this.#followed.values()].map(({ ref }) => this.#writer.actor(ref, atMs));
  }

  /** Tells what is noted and looks at nothing any more. */
  close(): void {
    if (this.#closed) return;
    if (!this.#paused) {
      this.#findActors();
      this.#catchUp(this.#followed.values());
      this.#flush(Number.POSITIVE_INFINITY);
    }
    this.#closed = true;
    this.pause();
  }

  #look(): void {
    this.#unobserve = this.#source.observe((event) => this.#note(event));
    this.#findActors();
  }

  #lookAway(): void {
    this.#unobserve?.();
    this.#unobserve = undefined;
  }

  /** Called in the turn of an actor. */
  #note(event: InspectionEvent): void {
    if (event.type !== "@xstate.event" && event.type !== "@xstate.snapshot" && event.type !== "@xstate.actor") return;
    const of = this.#follow(event.actorRef as AnyActorRef);
    if (of === undefined || event.type === "@xstate.actor") return;
    this.#schedule();
    of.events += 1;
    if (of.events === 1) this.#touched.push(of);
    // One that is busy does not keep the others from being told of: it has a fifth of the batch.
    if (of.events > this.#maxEvents / 5) {
      this.#skipped += 1;
      if (of.events > this.#maxEvents * 4) this.#lookAway();
      return;
    }
    if (this.#noted.length >= this.#maxEvents) {
      this.#skipped += 1;
      this.#lookAway();
      return;
    }
    if (event.type === "@xstate.event") {
      this.#noted.push({
        kind: "event",
        of,
        event: event.event,
        source: event.sourceRef as AnyActorRef | undefined,
        atMs: Date.now(),
      });
      return;
    }
    of.told = event.snapshot;
    this.#noted.push({ kind: "snapshot", of, event: event.event, snapshot: event.snapshot, atMs: Date.now() });
  }

  #follow(ref: AnyActorRef): Followed | undefined {
    const known = this.#followed.get(ref.sessionId) ?? this.#ended.get(ref.sessionId);
    if (known !== undefined) return known;
    if (this.#followed.size >= maxActors) return undefined;
    const fresh: Followed = { ref, told: undefined, events: 0 };
    this.#followed.set(ref.sessionId, fresh);
    this.#fresh.push(fresh);
    this.#schedule();
    return fresh;
  }

  #findActors(): void {
    for (const ref of this.#source.actors()) this.#follow(ref);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#paused) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#turn();
      } catch (error) {
        this.pause();
        this.#source.trouble(error);
      }
    }, this.#periodMs);
    this.#timer.unref();
  }

  #turn(): void {
    const away = this.#unobserve === undefined;
    if (away) this.#findActors();
    const touched = this.#catchUp(away ? this.#followed.values() : this.#touched);
    this.#flush(performance.now() + turnMs);
    this.#forgetEnded(touched);
    if (away && !this.#paused) this.#look();
  }

  /** Notes the states that came about without being seen. */
  #catchUp(those: Iterable<Followed>): Followed[] {
    const atMs = Date.now();
    this.#touched = [];
    const all = [...those];
    for (const of of all) {
      of.events = 0;
      const snapshot: unknown = of.ref.getSnapshot();
      if (of.told === undefined || of.told === snapshot) continue;
      of.told = snapshot;
      this.#noted.push({ kind: "snapshot", of, event: { type: "" }, snapshot, atMs });
    }
    return all;
  }

  #flush(untilMs: number): void {
    const events: WireEvent[] = [];
    let next = 0;
    for (; next < this.#fresh.length && performance.now() < untilMs; next += 1) {
      const fresh = this.#fresh[next] as Followed;
      fresh.told ??= fresh.ref.getSnapshot();
      events.push(this.#writer.actor(fresh.ref, Date.now()));
    }
    this.#fresh = this.#fresh.slice(next);
    if (this.#fresh.length === 0) next = this.#tellNoted(events, untilMs);
    else next = 0;
    this.#noted = this.#noted.slice(next);
    const skipped = this.#skipped;
    this.#skipped = 0;
    if (events.length > 0 || skipped > 0) this.#tell({ events, skipped });
    if (this.#fresh.length > 0 || this.#noted.length > 0) this.#schedule();
  }

  #tellNoted(events: WireEvent[], untilMs: number): number {
    let next = 0;
    for (; next < this.#noted.length && performance.now() < untilMs; next += 1) {
      const { of, kind, event, source, snapshot, atMs } = this.#noted[next] as Noted;
      events.push(
        kind === "event"
          ? this.#writer.message(of.ref, source, event, atMs)
          : this.#writer.state(of.ref, snapshot, event, atMs),
      );
    }
    return next;
  }

  /** Whoever has ended makes room. */
  #forgetEnded(those: readonly Followed[]): void {
    for (const of of those) {
      if ((of.ref.getSnapshot() as { status?: string } | undefined)?.status === "active") continue;
      this.#followed.delete(of.ref.sessionId);
      this.#ended.set(of.ref.sessionId, of);
    }
    for (const sessionId of this.#ended.keys()) {
      if (this.#ended.size <= maxEnded) break;
      this.#ended.delete(sessionId);
    }
  }
}

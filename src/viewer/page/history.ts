/** The messages so far, so that the page can go back to any moment of them. */

import type { WatchMessage } from "../../inspect/watch.ts";
import { timeOf, World } from "./world.ts";

/** Buckets of the time line. */
export const buckets = 120;

/** What is kept of the messages; when there is more, a third of it leaves, and of that stays only what the rest begins with. */
export interface HistoryLimits {
  readonly messages: number;
  /** Of their JSON: about what they take in memory. */
  readonly characters: number;
}

const defaultLimits: HistoryLimits = { messages: 150_000, characters: 48 * 1024 * 1024 };

/** How far a crash's report and its snapshot may be apart, in milliseconds. */
const nearMs = 50;

/** A mark on the time line. */
export interface Mark {
  readonly atMs: number;
  readonly agentId: string;
  readonly text: string;
}

/** Messages that came together. */
interface Batch {
  readonly messages: readonly WatchMessage[];
  readonly characters: number;
}

/** The messages, and the worlds that come of them. */
export class History {
  /** The world as it is now. */
  live = new World();
  /** The earliest moment to which it goes back. */
  firstMs = 0;
  readonly marks: Mark[] = [];
  readonly #limits: HistoryLimits;
  /** How all was before the first batch. */
  #start: readonly WatchMessage[] = [];
  #batches: Batch[] = [];
  #size = { messages: 0, characters: 0 };
  /** Events of the last seconds, by second. */
  readonly #rates = new Map<number, number>();

  constructor(limits: Partial<HistoryLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  get lastMs(): number {
    return this.live.atMs;
  }

  /** All that is kept. */
  get messages(): readonly WatchMessage[] {
    return [...this.#all()];
  }

  /** Forgets everything. */
  clear(): void {
    this.live = new World();
    this.#start = [];
    this.#batches = [];
    this.#size = { messages: 0, characters: 0 };
    this.marks.length = 0;
    this.firstMs = 0;
    this.#rates.clear();
  }

  /**
   * Takes messages.
   * @param characters of their JSON
   */
  add(messages: readonly WatchMessage[], characters = 0): void {
    for (const message of messages) {
      this.live.apply(message);
      const atMs = timeOf(message);
      if (this.firstMs === 0 || (atMs < this.firstMs && this.#start.length === 0)) this.firstMs = atMs;
      if (message.type === "@xstate.event") this.#count(atMs);
      else if (message.type === "report") this.#mark(message);
    }
    this.#batches.push({ messages, characters });
    this.#grow(messages.length, characters);
    if (this.#isOver(1)) this.#forget();
  }

  /** The world as it was; at the moment of a mark, with the agent in the state to which it crashed, which it leaves within the same millisecond. */
  at(atMs: number): World {
    const mark = this.marks.find((one) => one.atMs === atMs);
    const crash = mark === undefined ? undefined : this.#crashOf(mark);
    const untilMs = crash === undefined ? atMs : Math.max(atMs, timeOf(crash));
    const world = worldOf(this.#start);
    let isOver = false;
    for (const { messages } of this.#batches) {
      for (const message of messages) {
        if (timeOf(message) > untilMs || (isOver && message.type.startsWith("@xstate."))) continue;
        world.apply(message);
        isOver ||= message === crash;
      }
    }
    return world;
  }

  /** Events a second, at a moment: the mean of the last three whole seconds. */
  rateAt(atMs: number): number {
    const second = Math.floor(atMs / 1_000);
    return [1, 2, 3].reduce((sum, ago) => sum + (this.#rates.get(second - ago) ?? 0), 0) / 3;
  }

  /** How many events there were, by bucket of the time line. */
  density(): number[] {
    const counts = new Array<number>(buckets).fill(0);
    const span = Math.max(1, this.lastMs - this.firstMs);
    for (const [second, events] of this.#rates) {
      const index = Math.floor(((second * 1_000 + 500 - this.firstMs) / span) * buckets);
      const bucket = Math.min(buckets - 1, Math.max(0, index));
      counts[bucket] = (counts[bucket] ?? 0) + events;
    }
    return counts;
  }

  *#all(): Generator<WatchMessage> {
    yield* this.#start;
    for (const { messages } of this.#batches) yield* messages;
  }

  /** The snapshot that a crash is seen by. Its report is told a moment before or after. */
  #crashOf({ atMs, agentId }: Mark): WatchMessage | undefined {
    const sessions = new Set(
      [...this.live.actors.values()].flatMap(({ name, sessionId }) => (name === agentId ? [sessionId] : [])),
    );
    for (const message of this.#all()) {
      if (message.type !== "@xstate.snapshot" || message.snapshot.value !== "crashed") continue;
      if (sessions.has(message.sessionId) && Math.abs(timeOf(message) - atMs) <= nearMs) return message;
    }
    return undefined;
  }

  #count(atMs: number): void {
    const second = Math.floor(atMs / 1_000);
    this.#rates.set(second, (this.#rates.get(second) ?? 0) + 1);
    const [oldest] = this.#rates.keys();
    if (this.#rates.size > 7_200 && oldest !== undefined) this.#rates.delete(oldest);
  }

  #mark(message: Extract<WatchMessage, { type: "report" }>): void {
    const { type, agentId = "" } = message.report as { type: string; agentId?: string };
    if (type !== "agent.crashed") return;
    this.marks.push({ atMs: message.atMs, agentId, text: message.text });
    if (this.marks.length > 1_000) this.marks.splice(0, 500);
  }

  #grow(messages: number, characters: number): void {
    this.#size.messages += messages;
    this.#size.characters += characters;
  }

  #isOver(share: number): boolean {
    const { messages, characters } = this.#size;
    return messages > this.#limits.messages * share || characters > this.#limits.characters * share;
  }

  /** The oldest leave, and the time line begins later. */
  #forget(): void {
    const world = worldOf(this.#start);
    const actors = this.#start.filter(({ type }) => type === "@xstate.actor");
    let gone = 0;
    // The newest batch stays, however large it is.
    for (; gone < this.#batches.length - 1 && this.#isOver(2 / 3); gone += 1) {
      const { messages, characters } = this.#batches[gone] as Batch;
      for (const message of messages) {
        world.apply(message);
        if (message.type === "@xstate.actor") actors.push(message);
      }
      this.#grow(-messages.length, -characters);
    }
    if (gone === 0) return;
    this.#batches = this.#batches.slice(gone);
    const start = world.opening(actors);
    this.#grow(start.length - this.#start.length, 0);
    this.#start = start;
    this.firstMs = world.atMs;
    const firstSecond = Math.floor(this.firstMs / 1_000);
    for (const second of this.#rates.keys()) if (second < firstSecond) this.#rates.delete(second);
    this.marks.splice(0, this.marks.filter(({ atMs }) => atMs < this.firstMs).length);
  }
}

function worldOf(messages: readonly WatchMessage[]): World {
  const world = new World();
  for (const message of messages) world.apply(message);
  return world;
}

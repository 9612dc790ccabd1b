/** The messages so far, so that the page can go back to any moment of them. */

import type { WatchMessage } from "../../inspect/watch.ts";
import { timeOf, World } from "./world.ts";

/** Buckets of the time line. */
export const buckets = 120;
/** More than that is not kept: of what is older only what the rest needs. */
const defaultMost = 150_000;

/** How far a crash's report and its snapshot may be apart, in milliseconds. */
const nearMs = 50;

/** A mark on the time line. */
export interface Mark {
  readonly atMs: number;
  readonly agentId: string;
  readonly text: string;
}

/** The messages, and the worlds that come of them. */
export class History {
  /** The world as it is now. */
  live = new World();
  firstMs = 0;
  readonly marks: Mark[] = [];
  readonly #most: number;
  #messages: WatchMessage[] = [];
  /** Events of the last seconds, by second. */
  readonly #rates = new Map<number, number>();

  constructor(most = defaultMost) {
    this.#most = most;
  }

  get lastMs(): number {
    return this.live.atMs;
  }

  /** All that is kept. */
  get messages(): readonly WatchMessage[] {
    return this.#messages;
  }

  /** Forgets everything. */
  clear(): void {
    this.live = new World();
    this.#messages = [];
    this.marks.length = 0;
    this.firstMs = 0;
    this.#rates.clear();
  }

  /** Takes messages. */
  add(messages: readonly WatchMessage[]): void {
    for (const message of messages) {
      this.live.apply(message);
      this.#messages.push(message);
      const atMs = timeOf(message);
      if (this.firstMs === 0 || atMs < this.firstMs) this.firstMs = atMs;
      if (message.type === "@xstate.event") this.#count(atMs);
      else if (message.type === "report") this.#mark(message);
    }
    if (this.#messages.length > this.#most) this.#compact();
  }

  /** The world as it was; at the moment of a mark, with the agent in the state to which it crashed, which it leaves within the same millisecond. */
  at(atMs: number): World {
    const mark = this.marks.find((one) => one.atMs === atMs);
    const crash = mark === undefined ? undefined : this.#crashOf(mark);
    const untilMs = crash === undefined ? atMs : Math.max(atMs, timeOf(crash));
    const world = new World();
    let isOver = false;
    for (const message of this.#messages) {
      if (timeOf(message) > untilMs || (isOver && message.type.startsWith("@xstate."))) continue;
      world.apply(message);
      isOver ||= message === crash;
    }
    return world;
  }

  /** The snapshot that a crash is seen by. Its report is told a moment before or after. */
  #crashOf({ atMs, agentId }: Mark): WatchMessage | undefined {
    const sessions = new Set(
      [...this.live.actors.values()].flatMap(({ name, sessionId }) => (name === agentId ? [sessionId] : [])),
    );
    return this.#messages.find(
      (message) =>
        message.type === "@xstate.snapshot" &&
        sessions.has(message.sessionId) &&
        message.snapshot.value === "crashed" &&
        Math.abs(timeOf(message) - atMs) <= nearMs,
    );
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

  #compact(): void {
    const older = this.#messages.slice(0, Math.floor(this.#most / 3));
    const needed = older.filter(({ type }) => type === "header" || type === "nodes" || type === "@xstate.actor");
    const newest = new Map<string, WatchMessage>();
    for (const message of older) if (message.type === "@xstate.snapshot") newest.set(message.sessionId, message);
    this.#messages = [...needed, ...newest.values(), ...this.#messages.slice(older.length)];
  }
}

/**
 * A system as one stream of plain messages: its actors, its tree with numbers, its reports, its workers' lines. A recording is this stream in a file, and the
 * local viewer is shown it live.
 */

import type { Sanitise } from "./definition-text.ts";
import { InspectionFeed } from "./feed.ts";
import type { InspectedSystem, NodeStatus, ToldLine, ToldReport } from "./inspected-system.ts";
import { summarise, summariseText } from "./summarise.ts";
import type { WireEvent } from "./wire-event.ts";

/** The version of these messages. */
export const watchVersion = 1;

/** One message of the stream. */
export type WatchMessage =
  | WireEvent
  /** The first message. */
  | { readonly type: "header"; readonly version: number; readonly system: string; readonly atMs: number }
  /** Places of the tree that are new or have changed, and those that are gone. */
  | {
      readonly type: "nodes";
      readonly atMs: number;
      readonly nodes: readonly NodeStatus[];
      readonly removed: readonly string[];
    }
  | ({ readonly type: "report" } & Omit<ToldReport, "report"> & { readonly report: unknown })
  | ({ readonly type: "line" } & ToldLine)
  | { readonly type: "health"; readonly atMs: number; readonly ok: boolean; readonly text: string }
  /** There was more than is told. */
  | { readonly type: "skipped"; readonly atMs: number; readonly messages: number }
  /** The last message, unless the host was killed. */
  | { readonly type: "end"; readonly atMs: number };

/** Options of a watch. */
export interface WatchOptions {
  readonly sanitise?: Sanitise | undefined;
  /** Whether actors and tree wait for `resume`; reports and lines are kept meanwhile. Default false. */
  readonly paused?: boolean;
}

/** Time between two batches, and the least time between two looks at the tree, in milliseconds. */
const batchMs = 100;
const lookMs = 250;
/** A look at a large tree takes time: at most this share of it is spent on looking. */
const lookShare = 0.05;
/** Reports and lines of one batch; and those that are kept for who comes late: reports in all, lines of each agent. */
const maxBatch = 400;
const keptReports = 400;
const keptLines = 100;
const keptAgents = 200;
const reportLimits = { maxDepth: 8, maxValues: 1_500, maxFields: 120, maxChars: 2_000 };

/** Watches a system until it is closed. */
export class SystemWatch {
  readonly #system: InspectedSystem;
  readonly #tell: (messages: readonly WatchMessage[]) => void;
  readonly #feed: InspectionFeed;
  readonly #release: (() => void)[];
  readonly #nodes = new Map<string, string>();
  readonly #reports: WatchMessage[] = [];
  readonly #lines = new Map<string, WatchMessage[]>();
  #waiting: WatchMessage[] = [];
  #skipped = 0;
  #health = "";
  #batchTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #paused = true;

  /** @param tell must not throw */
  constructor(system: InspectedSystem, tell: (messages: readonly WatchMessage[]) => void, options: WatchOptions = {}) {
    this.#system = system;
    this.#tell = tell;
    this.#feed = new InspectionFeed(system, ({ events, skipped }) => this.#hand([...events], skipped), {
      sanitise: options.sanitise,
      paused: true,
    });
    this.#release = [system.onReport((told) => this.#report(told)), system.onLine((line) => this.#line(line))];
    if (options.paused !== true) this.resume();
  }

  /** Looks at actors and tree from now on. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#feed.resume();
    this.#look();
  }

  /** Looks at neither until `resume`. */
  pause(): void {
    this.#paused = true;
    this.#feed.pause();
    clearTimeout(this.#lookTimer);
    this.#nodes.clear();
  }

  /** How all are now: what somebody who comes now has to be told first. `past`: with the last reports and lines. */
  opening({ past = true }: { past?: boolean } = {}): WatchMessage[] {
    this.#flush();
    const atMs = Date.now();
    const { name } = this.#system;
    const nodes = this.#system.nodes();
    const { ok, text } = this.#system.health();
    return [
      { type: "header", version: watchVersion, system: name, atMs },
      { type: "nodes", atMs, nodes, removed: [] },
      { type: "health", atMs, ok, text },
      ...this.#feed.replay(),
      ...(past ? [...this.#reports, ...[...this.#lines.values()].flat()] : []),
    ];
  }

  /** Tells what is left, how all are at last, and that this is the end. */
  close(): void {
    for (const release of this.#release.splice(0)) release();
    if (!this.#paused) this.#lookOnce();
    this.#feed.close();
    this.#flush();
    this.pause();
    this.#tell([{ type: "end", atMs: Date.now() }]);
  }

  #report({ atMs, level, text, report }: ToldReport): void {
    const message: WatchMessage = {
      type: "report",
      atMs,
      level,
      text: summariseText(text, 1_000),
      report: summarise(report, reportLimits),
    };
    keep(this.#reports, message, keptReports);
    this.#wait(message, level === "error" || level === "warn");
  }

  #line(line: ToldLine): void {
    const message: WatchMessage = { type: "line", ...line, text: summariseText(line.text, 1_000) };
    let lines = this.#lines.get(line.agentId);
    if (lines === undefined) {
      lines = [];
      this.#lines.set(line.agentId, lines);
      const [oldest] = this.#lines.keys();
      if (this.#lines.size > keptAgents && oldest !== undefined) this.#lines.delete(oldest);
    }
    keep(lines, message, keptLines);
    this.#wait(message, false);
  }

  #wait(message: WatchMessage, isTroubling: boolean): void {
    // Trouble has twice the room: it is told also while much else is.
    if (this.#waiting.length >= (isTroubling ? maxBatch * 2 : maxBatch)) {
      this.#skipped += 1;
      return;
    }
    this.#waiting.push(message);
    this.#batchTimer ??= setTimeout(() => this.#flush(), batchMs).unref();
  }

  #flush(): void {
    clearTimeout(this.#batchTimer);
    this.#batchTimer = undefined;
    const [waiting, skipped] = [this.#waiting, this.#skipped];
    this.#waiting = [];
    this.#skipped = 0;
    this.#hand(waiting, skipped);
  }

  #hand(messages: WatchMessage[], skipped: number): void {
    if (skipped > 0) messages.push({ type: "skipped", atMs: Date.now(), messages: skipped });
    if (messages.length > 0) this.#tell(messages);
  }

  #look(): void {
    const startedMs = performance.now();
    this.#lookOnce();
    const tookMs = performance.now() - startedMs;
    this.#lookTimer = setTimeout(() => this.#look(), Math.max(lookMs, tookMs / lookShare)).unref();
  }

  #lookOnce(): void {
    const atMs = Date.now();
    const nodes: NodeStatus[] = [];
    const gone = new Set(this.#nodes.keys());
    for (const node of this.#system.nodes()) {
      gone.delete(node.path);
      const text = JSON.stringify(node);
      if (this.#nodes.get(node.path) === text) continue;
      this.#nodes.set(node.path, text);
      nodes.push(node);
    }
    for (const path of gone) this.#nodes.delete(path);
    const messages: WatchMessage[] = [];
    if (nodes.length > 0 || gone.size > 0) messages.push({ type: "nodes", atMs, nodes, removed: [...gone] });
    const { ok, text } = this.#system.health();
    if (text !== this.#health) messages.push({ type: "health", atMs, ok, text });
    this.#health = text;
    this.#hand(messages, 0);
  }
}

/** Keeps the last ones; cut in halves, so that each costs little. */
function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most * 2) list.splice(0, list.length - most);
}

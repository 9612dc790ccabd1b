/**
 * A system as one stream of plain messages: its actors, its tree with numbers, its reports, its workers' lines. A recording is this stream in a file, and the
 * local viewer is shown it live.
 */

import { Changes } from "./changes.ts";
import type { Sanitise } from "./definition-text.ts";
import { InspectionFeed } from "./feed.ts";
import type { InspectedSystem, NodeStatus, ToldLine, ToldReport, ToldRun } from "./inspected-system.ts";
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
  /** Runs that belong to the system, or wait for an answer from outside: those that are new or have changed, and the ids of those that are so no more. */
  | {
      readonly type: "runs";
      readonly atMs: number;
      readonly runs: readonly ToldRun[];
      readonly removed: readonly string[];
    }
  /** The files that recorders of the system write. */
  | { readonly type: "recordings"; readonly atMs: number; readonly files: readonly string[] }
  /** There was more than is told. */
  | { readonly type: "skipped"; readonly atMs: number; readonly messages: number }
  /** The last message, unless the host was killed. */
  | { readonly type: "end"; readonly atMs: number };

/** What somebody who asks again and again is answered. */
export interface Look {
  /** All is told anew: what was told before counts no more. */
  readonly opening: boolean;
  readonly messages: readonly WatchMessage[];
}

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
  readonly #nodes = new Changes<NodeStatus>(({ path }) => path);
  readonly #runs = new Changes<ToldRun>(({ runId }) => runId);
  readonly #reports: ToldReport[] = [];
  readonly #lines = new Map<string, WatchMessage[]>();
  #waiting: (WatchMessage | { readonly told: ToldReport })[] = [];
  #skipped = 0;
  #health = "";
  #recordings = "[]";
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
    this.#lookTimer = setTimeout(() => this.#look(), lookMs).unref();
  }

  /** Looks at neither until `resume`. */
  pause(): void {
    this.#paused = true;
    this.#feed.pause();
    clearTimeout(this.#lookTimer);
    this.#nodes.clear();
    this.#runs.clear();
  }

  /**
   * How all are now: what somebody who comes now has to be told first. In two parts, of which the first is small and holds the tree.
   * @param past with the last reports and lines
   */
  *opening({ past = true }: { past?: boolean } = {}): Generator<WatchMessage[]> {
    this.#flush();
    const atMs = Date.now();
    const { ok, text } = this.#system.health();
    // Those who look already are told first what has changed: afterwards it is no news any more.
    this.#lookOnce();
    yield [
      { type: "header", version: watchVersion, system: this.#system.name, atMs },
      { type: "nodes", atMs, nodes: this.#nodes.all, removed: [] },
      { type: "health", atMs, ok, text },
      { type: "runs", atMs, runs: this.#runs.all, removed: [] },
      { type: "recordings", atMs, files: this.#system.recordings() },
    ];
    const kept = past ? [...this.#reports.map(reportMessage), ...[...this.#lines.values()].flat()] : [];
    yield [...this.#feed.replay(), ...kept];
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

  #report(told: ToldReport): void {
    keep(this.#reports, told, keptReports);
    this.#wait({ told }, told.level === "error" || told.level === "warn");
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

  #wait(message: WatchMessage | { readonly told: ToldReport }, isTroubling: boolean): void {
    if (this.#paused) return; // Nobody looks: who comes is told from what is kept.
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
    // Now only: a crash record has its decision a moment after it is reported.
    const messages = waiting.map((one) => ("told" in one ? reportMessage(one.told) : one));
    this.#hand(messages, skipped);
  }

  #hand(messages: WatchMessage[], skipped: number): void {
    if (skipped > 0) messages.push({ type: "skipped", atMs: Date.now(), messages: skipped });
    if (messages.length > 0) this.#tell(messages);
  }

  #look(): void {
    const startedMs = performance.now();
    try {
      this.#lookOnce();
    } catch (error) {
      this.#system.trouble(error);
    }
    const tookMs = performance.now() - startedMs;
    this.#lookTimer = setTimeout(() => this.#look(), Math.max(lookMs, tookMs / lookShare)).unref();
  }

  #lookOnce(): void {
    const atMs = Date.now();
    const messages: WatchMessage[] = [];
    const nodes = this.#nodes.since(this.#system.nodes());
    if (nodes.changed.length + nodes.removed.length > 0) {
      messages.push({ type: "nodes", atMs, nodes: nodes.changed, removed: nodes.removed });
    }
    const runs = this.#runs.since(this.#system.runs());
    if (runs.changed.length + runs.removed.length > 0) {
      messages.push({ type: "runs", atMs, runs: runs.changed, removed: runs.removed });
    }
    const { ok, text } = this.#system.health();
    if (text !== this.#health) messages.push({ type: "health", atMs, ok, text });
    this.#health = text;
    const files = this.#system.recordings();
    if (JSON.stringify(files) !== this.#recordings) messages.push({ type: "recordings", atMs, files });
    this.#recordings = JSON.stringify(files);
    this.#hand(messages, 0);
  }
}

function reportMessage({ atMs, level, text, report }: ToldReport): WatchMessage {
  return { type: "report", atMs, level, text: summariseText(text, 1_000), report: summarise(report, reportLimits) };
}

/** Keeps the last ones; cut in halves, so that each costs little. */
function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most * 2) list.splice(0, list.length - most);
}

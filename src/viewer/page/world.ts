/** What is known of a system at one moment: messages go in, in their order, and the page shows what has come of them. */

import type { NodeStatus } from "../../inspect/inspected-system.ts";
import type { WatchMessage } from "../../inspect/watch.ts";
import type { WireEvent, WireSnapshot } from "../../inspect/wire-event.ts";
import { stateName } from "./format.ts";
import type { ReportView } from "./report-view.ts";
import { RunViews } from "./runs.ts";

/** An actor. */
export interface ActorView {
  readonly sessionId: string;
  readonly name: string;
  readonly path: string;
  readonly definition: string;
  snapshot: WireSnapshot;
  /** The last change of its state. */
  moved: { readonly event: string; readonly from: string; readonly to: string; readonly atMs: number } | undefined;
}

/** An event between actors. */
export interface EventRow {
  readonly number: number;
  readonly atMs: number;
  /** Undefined: from outside of all actors. */
  readonly source: string | undefined;
  readonly target: string;
  readonly targetPath: string;
  readonly sourcePath: string | undefined;
  readonly event: { readonly type: string };
  /** The state that the target changed to by it. */
  state: string | undefined;
}

/** A line of a worker. */
export type LineView = Extract<WatchMessage, { type: "line" }>;

/** What is kept, at least; actors that have ended and lines of all agents are counted together. */
const kept = { rows: 1_500, reports: 1_500, lines: 500, allLines: 20_000, ended: 500 };
/** Reports with which a history begins that has forgotten what was before. */
const openingReports = 400;

/** Everything that is known. */
export class World {
  system = "";
  health = { ok: true, text: "" };
  /** The files that recorders of the system write. */
  recordings: readonly string[] = [];
  /** When the last message was told. */
  atMs = 0;
  ended = false;
  skipped = 0;
  /** Counted up when the tree has changed. */
  treeVersion = 0;
  readonly nodes = new Map<string, NodeStatus>();
  readonly actors = new Map<string, ActorView>();
  /** The newest actor of each path. */
  readonly byPath = new Map<string, ActorView>();
  readonly rows: EventRow[] = [];
  readonly reports: ReportView[] = [];
  readonly runs = new RunViews();
  readonly lines = new Map<string, LineView[]>();
  #header: WatchMessage | undefined;
  #rowNumber = 0;
  #lineCount = 0;
  /** The actors that have ended, oldest first. */
  readonly #ended = new Set<ActorView>();
  /** Events of each actor whose effect has not been told. */
  readonly #waiting = new Map<string, EventRow[]>();

  /** Takes one message. */
  apply(message: WatchMessage): void {
    this.atMs = Math.max(this.atMs, timeOf(message));
    switch (message.type) {
      case "header":
        // A recording that goes on: all is told anew, of the same system or of the next one.
        if (this.#header !== undefined) this.#begin();
        this.system = message.system;
        this.#header = message;
        return;
      case "nodes":
        this.treeVersion += 1;
        for (const node of message.nodes) this.nodes.set(node.path, node);
        for (const path of message.removed) this.nodes.delete(path);
        return;
      case "health":
        this.health = { ok: message.ok, text: message.text };
        return;
      case "recordings":
        this.recordings = message.files;
        return;
      case "runs":
        this.runs.look(message);
        return;
      case "report":
        this.#report(message as ReportView);
        return;
      case "line":
        this.#line(message);
        return;
      case "skipped":
        this.skipped += message.messages;
        return;
      case "end":
        this.ended = true;
        return;
      default:
        this.#wire(message);
    }
  }

  /**
   * How all is, as messages from which a world like this one comes.
   * @param actors the messages that have told of actors so far
   */
  opening(actors: readonly WatchMessage[]): WatchMessage[] {
    const { atMs, health, recordings } = this;
    const told = new Map<string, WatchMessage>();
    for (const message of actors) {
      if (message.type !== "@xstate.actor") continue;
      const view = this.actors.get(message.sessionId);
      if (view !== undefined) told.set(message.sessionId, { ...message, snapshot: view.snapshot });
    }
    return [
      ...(this.#header === undefined ? [] : [this.#header]),
      ...(this.nodes.size === 0
        ? []
        : [{ type: "nodes", atMs, nodes: [...this.nodes.values()], removed: [] } as const]),
      ...(health.text === "" ? [] : [{ type: "health", atMs, ...health } as const]),
      ...(recordings.length === 0 ? [] : [{ type: "recordings", atMs, files: recordings } as const]),
      ...this.runs.opening(atMs),
      ...told.values(),
      ...this.reports.slice(-openingReports),
    ];
  }

  /** The crashes that are known, oldest first. */
  crashes(agentId?: string): ReportView[] {
    return this.reports.filter(
      ({ report }) => report.type === "agent.crashed" && (agentId === undefined || report.agentId === agentId),
    );
  }

  /** What policies have decided about this place and those below it, oldest first. */
  decisions(path: string): ReportView[] {
    return this.reports.filter(({ report }) => {
      if (!decisionTypes.has(report.type)) return false;
      return isAtOrBelow(report.offender?.path ?? report.path, path) || report.supervisor === path;
    });
  }

  /** Of what was before stay reports, lines and events. */
  #begin(): void {
    this.ended = false;
    this.treeVersion += 1;
    this.recordings = [];
    this.runs.begin();
    for (const map of [this.nodes, this.actors, this.byPath, this.#waiting]) map.clear();
    this.#ended.clear();
  }

  #wire(message: WireEvent): void {
    const atMs = Number(message.createdAt);
    if (message.type === "@xstate.actor") {
      const parent = message.parentId === undefined ? undefined : this.actors.get(message.parentId);
      const { sessionId, name, definition, snapshot } = message;
      // The actor that has no parent is the runtime: paths begin below it.
      const path =
        parent === undefined || parent.path === "" ? (parent === undefined ? "" : name) : `${parent.path}/${name}`;
      const known = this.actors.get(sessionId);
      const view: ActorView = { sessionId, name, path, definition, snapshot, moved: known?.moved };
      this.actors.set(sessionId, view);
      this.byPath.set(path, view);
      if (snapshot.status !== "active") this.#end(view);
      return;
    }
    const target = this.actors.get(message.sessionId);
    if (target === undefined) return;
    if (message.type === "@xstate.event") {
      const source = message.sourceId === undefined ? undefined : this.actors.get(message.sourceId);
      const row: EventRow = {
        number: this.#rowNumber,
        atMs,
        source: source?.name,
        sourcePath: source?.path,
        target: target.name,
        targetPath: target.path,
        event: message.event,
        state: undefined,
      };
      this.#rowNumber += 1;
      this.rows.push(row);
      if (this.rows.length > kept.rows * 2) this.rows.splice(0, kept.rows);
      const waiting = this.#waiting.get(message.sessionId) ?? [];
      waiting.push(row);
      if (waiting.length > 50) waiting.shift();
      this.#waiting.set(message.sessionId, waiting);
      return;
    }
    const from = stateName(target.snapshot.value, target.snapshot.status);
    const to = stateName(message.snapshot.value, message.snapshot.status);
    target.snapshot = message.snapshot;
    if (message.snapshot.status !== "active") this.#end(target);
    // An event that is sent while another is handled is told before what that one has changed.
    const waiting = this.#waiting.get(message.sessionId) ?? [];
    const index = waiting.findIndex(({ event }) => event.type === message.event.type);
    const row = index === -1 ? undefined : waiting.splice(0, index + 1).at(-1);
    if (from === to) return;
    target.moved = { event: message.event.type, from, to, atMs };
    if (row !== undefined) row.state = to;
    // The tree is looked at less often than its actors tell of themselves.
    const node = this.nodes.get(target.path);
    if (node === undefined || node.state === to) return;
    this.nodes.set(target.path, { ...node, state: to });
    this.treeVersion += 1;
  }

  /** One that has ended is shown for a while: as long as its place is in the tree, or until many others have ended. */
  #end(view: ActorView): void {
    this.#ended.add(view);
    if (this.#ended.size < kept.ended * 2) return;
    for (const old of [...this.#ended].slice(0, kept.ended)) {
      this.#ended.delete(old);
      const isNewest = this.byPath.get(old.path) === old;
      if (isNewest && this.nodes.has(old.path)) {
        this.#ended.add(old);
        continue;
      }
      this.actors.delete(old.sessionId);
      this.#waiting.delete(old.sessionId);
      if (isNewest) this.byPath.delete(old.path);
    }
  }

  #report(message: ReportView): void {
    const { report } = message;
    this.runs.tell(message);
    if (report.type !== "agent.crashed" && !decisionTypes.has(report.type)) return;
    this.reports.push(message);
    if (this.reports.length > kept.reports * 2) this.reports.splice(0, kept.reports);
  }

  #line(message: LineView): void {
    let lines = this.lines.get(message.agentId);
    if (lines === undefined) {
      lines = [];
      this.lines.set(message.agentId, lines);
    }
    lines.push(message);
    this.#lineCount += 1;
    if (lines.length > kept.lines * 2) this.#lineCount -= lines.splice(0, kept.lines).length;
    if (this.#lineCount <= kept.allLines * 2) return;
    for (const [agentId, some] of this.lines) {
      this.#lineCount -= some.splice(0, Math.ceil(some.length / 2)).length;
      if (some.length === 0) this.lines.delete(agentId);
    }
  }
}

const decisionTypes: ReadonlySet<string> = new Set([
  "child.exited",
  "supervisor.gave_up",
  "policy.failed",
  "child.start_failed",
  "agent.limited",
  "agent.unlimited",
]);

/** Whether a path of the tree is this one, or one below it. */
export function isAtOrBelow(path: string | undefined, above: string): boolean {
  return path !== undefined && (path === above || path.startsWith(`${above}/`));
}

/** When a message was told, in milliseconds since the Unix epoch. */
export function timeOf(message: WatchMessage): number {
  return "createdAt" in message ? Number(message.createdAt) : message.atMs;
}

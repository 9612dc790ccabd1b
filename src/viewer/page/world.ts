/** What is known of a system at one moment: messages go in, in their order, and the page shows what has come of them. */

import type { NodeStatus } from "../../inspect/inspected-system.ts";
import type { WatchMessage } from "../../inspect/watch.ts";
import type { WireEvent, WireSnapshot } from "../../inspect/wire-event.ts";
import { stateName } from "./format.ts";

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

/** A report. */
export type ReportView = Extract<WatchMessage, { type: "report" }> & { readonly report: ReportFacts };

/** What reports may have in them, of what the page shows. */
export interface ReportFacts {
  readonly type: string;
  readonly agentId?: string;
  readonly path?: string;
  readonly supervisor?: string;
  readonly incarnation?: number;
  readonly runId?: string;
  readonly attempt?: number;
  readonly waitedMs?: number;
  readonly durationMs?: number;
  readonly outcome?: string;
  readonly code?: string;
  readonly usage?: { readonly inputTokens?: number; readonly outputTokens?: number };
  readonly crash?: CrashFacts;
  readonly decision?: { readonly type: string; readonly because: string; readonly delayMs?: number };
  readonly offender?: { readonly path?: string; readonly childId?: string };
  readonly because?: string;
  /** How a budget holds an agent's runs back. */
  readonly by?: string;
}

/** A crash record, as it is told. */
export type CrashFacts = Readonly<Record<string, unknown>> & { readonly describe?: string; readonly atMs?: number };

/** A run, as its reports tell it. */
export interface RunView {
  readonly runId: string;
  readonly agentId: string;
  attempt: number;
  startedAtMs: number;
  waitedMs: number;
  outcome: string;
  durationMs: number | undefined;
  tokens: number | undefined;
}

/** A line of a worker. */
export type LineView = Extract<WatchMessage, { type: "line" }>;

const kept = { rows: 1_500, reports: 3_000, lines: 500, runs: 2_000 };

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
  readonly runs = new Map<string, RunView>();
  readonly lines = new Map<string, LineView[]>();
  #rowNumber = 0;
  /** Events of each actor whose effect has not been told. */
  readonly #waiting = new Map<string, EventRow[]>();

  /** Takes one message. */
  apply(message: WatchMessage): void {
    this.atMs = Math.max(this.atMs, timeOf(message));
    switch (message.type) {
      case "header":
        this.system = message.system;
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

  #report(message: ReportView): void {
    this.reports.push(message);
    if (this.reports.length > kept.reports * 2) this.reports.splice(0, kept.reports);
    const { type, runId, agentId } = message.report;
    if (runId === undefined || agentId === undefined) return;
    if (type === "run.started") {
      const { attempt = 1, waitedMs = 0 } = message.report;
      this.runs.set(runId, {
        runId,
        agentId,
        attempt,
        waitedMs,
        startedAtMs: message.atMs,
        outcome: "runs",
        durationMs: undefined,
        tokens: undefined,
      });
      const [oldest] = this.runs.keys();
      if (this.runs.size > kept.runs && oldest !== undefined) this.runs.delete(oldest);
      return;
    }
    const run = this.runs.get(runId);
    if (run === undefined || type !== "run.settled") return;
    const { outcome = "", code, durationMs, usage } = message.report;
    run.outcome = code === undefined ? outcome : `${outcome}: ${code}`;
    run.durationMs = durationMs;
    run.tokens = usage === undefined ? undefined : (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  }

  #line(message: LineView): void {
    let lines = this.lines.get(message.agentId);
    if (lines === undefined) {
      lines = [];
      this.lines.set(message.agentId, lines);
    }
    lines.push(message);
    if (lines.length > kept.lines * 2) lines.splice(0, kept.lines);
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

/** What is asked of a running system over its control socket, and what it answers: one JSON object a line, one answer to each request. */

import type { CrashRecord } from "../crash.ts";
import { type ErrorCode, invalidArgument } from "../errors.ts";
import type { ToldRun } from "../inspect/inspected-system.ts";
import type { Look } from "../inspect/watch.ts";

/** Counts changes of these words that an older side does not understand. */
export const controlVersion = 1;

/** Name of the socket in its directory: as long as that of a worker's, whose path the directory was made for. */
export const controlSocketName = "c";

/** Longest request, in bytes. */
export const maxRequestBytes = 16 * 1024;

/** Longest answer, in characters; one that would be longer is an error. */
export const maxAnswerLength = 32 * 1024 * 1024;

/** Rows of a status at most: a terminal shows fewer. */
export const maxRows = 20_000;

/** A request. */
export type ControlRequest =
  | { readonly type: "hello" }
  | { readonly type: "status" }
  /** What has happened since this viewer, which has chosen its own name, has asked before; at first: how all is. */
  | { readonly type: "look"; readonly viewer: string }
  | { readonly type: "crashes"; readonly agentId?: string }
  | { readonly type: "crash"; readonly agentId: string; readonly incarnation: number }
  | { readonly type: "restart"; readonly agentId: string; readonly graceful: boolean }
  | { readonly type: "stop"; readonly agentId: string }
  | { readonly type: "kill"; readonly agentId: string };

/** Who answers. */
export interface ControlHello {
  readonly control: number;
  /** The system's name. */
  readonly system: string;
  readonly pid: number;
  /** Of this package. */
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
}

/** One node of the tree, with what is known of it beside its place; see `TreeNode` and `AgentHealth`. */
export interface StatusRow {
  readonly id: string;
  readonly path: string;
  /** How far it is below the root. */
  readonly depth: number;
  readonly type: "supervisor" | "worker";
  readonly state: string;
  readonly restarts: number;
  readonly pid?: number;
  readonly incarnation?: number;
  /** Of an agent: runs that wait. */
  readonly queueLength?: number;
  /** Of an agent: runs that work in the worker. */
  readonly inFlight?: number;
  /** Of an agent whose worker serves. */
  readonly loop?: "responsive" | "unresponsive";
  /** Of an agent: its last crash, in one sentence. */
  readonly lastCrash?: string;
}

/** A system at the moment of asking. */
export interface ControlStatus {
  readonly status: "serving" | "degraded" | "stopped";
  /** The tree, parents before their children, in start order. */
  readonly rows: readonly StatusRow[];
  /** Nodes beyond those. */
  readonly leftOut: number;
  /** Runs that wait for an answer from outside, then those that belong to the system, the newest first. */
  readonly runs: readonly ToldRun[];
  /** Runs beyond those. */
  readonly runsLeftOut: number;
}

/** A crash in a list. */
export type CrashSummary = Pick<CrashRecord, "agentId" | "incarnation" | "atMs" | "describe" | "cause" | "decision">;

/** What each request is answered with. */
export interface ControlAnswers {
  readonly hello: ControlHello;
  readonly status: ControlStatus;
  readonly look: Look;
  readonly crashes: readonly CrashSummary[];
  readonly crash: CrashRecord;
  /** When the next worker serves. */
  readonly restart: { readonly incarnation: number };
  /** When it has stopped. */
  readonly stop: { readonly state: string };
  /** The process that was killed. */
  readonly kill: { readonly pid: number };
}

/** An answer as it travels. */
export type ControlAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };

/**
 * Reads a request; fields that are not known are left alone.
 * @throws CallerError "invalid_argument"
 */
export function parseRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw invalidArgument("request", line.slice(0, 80), "one JSON object", cause);
  }
  if (typeof value !== "object" || value === null) throw invalidArgument("request", value, "one JSON object");
  const { type, agentId, incarnation, graceful, viewer } = value as Readonly<Record<string, unknown>>;
  switch (type) {
    case "hello":
    case "status":
      return { type };
    case "look":
      return { type, viewer: text("viewer", viewer) };
    case "crashes":
      return agentId === undefined ? { type } : { type, agentId: text("agentId", agentId) };
    case "crash":
      if (!Number.isSafeInteger(incarnation)) throw invalidArgument("incarnation", incarnation, "an integer");
      return { type, agentId: text("agentId", agentId), incarnation: incarnation as number };
    case "restart":
      return { type, agentId: text("agentId", agentId), graceful: graceful === true };
    case "stop":
    case "kill":
      return { type, agentId: text("agentId", agentId) };
    default:
      throw invalidArgument("type", type, "hello, status, look, crashes, crash, restart, stop or kill");
  }
}

function text(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw invalidArgument(field, value, "a string");
}

/** What a system lends to its agents: the services they share. */

import type { AnyActorRef } from "xstate";
import { CallerError } from "../errors.ts";
import type { SystemLogger } from "../logger.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import type { Launcher } from "../worker/launcher.ts";
import { residentBytes } from "../worker/memory.ts";
import type { HealthSource } from "./agent-health.ts";
import type { AgentReport } from "./agent-report.ts";
import { connectWorker } from "./connect-worker.ts";
import { boundFields } from "./guarded-logger.ts";
import type { Agent } from "./handle.ts";
import type { RunTaker } from "./handle-owner.ts";
import { LoopMonitor, type LoopWatch } from "./loop-monitor.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { RunTracer } from "./run-span.ts";
import type { NormalAgentSpec } from "./spec.ts";

/** A line that a worker has written. */
export interface WorkerLine {
  readonly agentId: string;
  readonly incarnation: number;
  readonly level: string;
  readonly text: string;
}

/** The slot of one agent as its system sees it. */
export interface AgentSlot extends Pick<HealthSource, "agentId" | "state" | "loop" | "instances" | "spare"> {
  readonly spec: NormalAgentSpec;
  readonly handle: Agent<unknown>;
  readonly runs: RunTaker;
  /** Where it stands in the tree, or stood last; undefined before its first start. */
  readonly path: string | undefined;
  readonly stopped: boolean;
  /** The actors of its machines, one for each instance; none before the first start. */
  readonly actors: readonly AnyActorRef[];
  /** Whether it has stopped and no crash has left it down. */
  readonly stoppedByRequest: boolean;
  /** Whether it has no worker because no run wants one: a run starts one. */
  readonly dormant: boolean;
  /** Begins under a supervisor: the first time, or again after it has stopped. */
  start(scope: ChildScope): RunningChild | Promise<RunningChild>;
}

/** Nobody can start a temporary agent again: its handle tells why it ended, the system forgets it. */
export function forgetTemporary(slot: AgentSlot, { agents }: AgentEnvironment): void {
  const { id, restart } = slot.spec;
  if (restart === "temporary" && agents.get(id) === slot) agents.delete(id);
}

/** Where an environment says in which form it lends its services; another copy of this package may ask. */
const form = Symbol.for("synapse-otp.agent-environment");
/** Counted up when what an environment lends changes. */
const currentForm = 3;

/** The services of one system, handed to its agents through their supervisors. */
export class AgentEnvironment {
  readonly [form] = currentForm;
  readonly launcher: Launcher;
  /** Absolute path of the Python interpreter; undefined until the system has its first agent. */
  interpreter: string | undefined;
  /** Working directory of the workers; relative entries start here. */
  readonly cwd: string;
  /** The environment of every worker, before an agent adds its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Does not throw. */
  readonly logger: SystemLogger;
  /** Names of the fields that the logger adds to every line. */
  readonly logFields: ReadonlySet<string>;
  /** Largest request and answer, in bytes. */
  readonly maxMessageBytes: number;
  /** Whether tracebacks, and what exceptions of user code say, may leave the workers. */
  readonly tracebacks: boolean;
  readonly report: (report: AgentReport) => void;
  /** Keeps the runs that belong to the system. */
  readonly ledger: RunLedger;
  /** Set when the system is being stopped: its workers end by `untilMs`, by the monotonic clock; infinite without a limit. */
  stopping: { readonly untilMs: number } | undefined;
  /** Memory of a process in bytes, where that is known. */
  memoryOf: (pid: number) => number | undefined = residentBytes;
  /** How a worker that was launched is reached. */
  connect = connectWorker;
  /** How the event loop of a worker that serves is watched. */
  watchLoop: (...about: ConstructorParameters<typeof LoopMonitor>) => LoopWatch = (...about) =>
    new LoopMonitor(...about);
  /** Makes a span of each run, where there is one. */
  tracer: RunTracer | undefined;
  /** Told of each line that a worker writes, while somebody wants to know; must not throw. */
  onLine: ((line: WorkerLine) => void) | undefined;
  /** The agents of the system by id; one that has stopped stays, so that its handle keeps telling why. */
  readonly agents = new Map<string, AgentSlot>();

  constructor(services: {
    launcher: Launcher;
    cwd: string;
    env: Readonly<Record<string, string>>;
    logger: SystemLogger;
    maxMessageBytes: number;
    tracebacks?: boolean;
    report: (report: AgentReport) => void;
    ledger: RunLedger;
  }) {
    this.launcher = services.launcher;
    this.cwd = services.cwd;
    this.env = services.env;
    this.logger = services.logger;
    this.logFields = boundFields(services.logger);
    this.maxMessageBytes = services.maxMessageBytes;
    this.tracebacks = services.tracebacks ?? true;
    this.report = services.report;
    this.ledger = services.ledger;
  }
}

/** An environment that knows its interpreter: what an agent starts with. */
export type EquippedEnvironment = AgentEnvironment & { interpreter: string };

/**
 * The environment of a supervisor's scope.
 * @throws CallerError "invalid_argument" when the tree was not started by `startSystem`
 */
export function agentEnvironment(environment: unknown, agentId: string): EquippedEnvironment {
  const lent = formOf(environment);
  const equipped = environment as AgentEnvironment;
  if (lent === currentForm && equipped.interpreter !== undefined) return equipped as EquippedEnvironment;
  const facts = { field: "children", value: agentId, rule: "agents are started by startSystem" };
  const why =
    lent === undefined || lent === currentForm
      ? "needs a system: start it with startSystem, not with startSupervisor"
      : "is of another version of this package than its system: two copies of synapse-otp are loaded; `npm ls synapse-otp` shows them";
  throw new CallerError("invalid_argument", `agent "${agentId}" ${why}`, facts);
}

/** The form of an environment, of whatever copy of this package; undefined for what is none. */
function formOf(environment: unknown): number | undefined {
  if (typeof environment !== "object" || environment === null) return undefined;
  return (environment as { [form]?: number })[form];
}

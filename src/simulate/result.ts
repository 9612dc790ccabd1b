/** What a simulation has come to, as a value that JSON carries. */

/** How a child was for a while: "up" it serves, "starting" it will, "down" it waits for its restart, "stopped" it stays down. */
export interface SimulatedSpan {
  readonly state: "up" | "starting" | "down" | "stopped";
  readonly fromMs: number;
  toMs: number;
}

/** What became of one child. Times are milliseconds of the simulation. */
export interface SimulatedChildResult {
  readonly id: string;
  /** Ids from the root, joined by "/". */
  readonly path: string;
  /** "other": a child that is no agent, of which only starts and ends are simulated. */
  readonly type: "agent" | "other";
  /** At the end. */
  readonly state: SimulatedSpan["state"];
  /** Workers that were started, those of instances, swaps and spares among them. */
  readonly starts: number;
  /** Ends that nobody had asked for, failed starts among them. */
  readonly crashes: number;
  /** Restarts by its supervisor, also those that a sibling's strategy caused; with instances all of theirs. */
  readonly restarts: number;
  /** How long it did not serve, its first start included; with instances: none of them did. */
  readonly downMs: number;
  /** Runs that were answered. */
  readonly served: number;
  /** Runs that were refused, or failed while they waited. */
  readonly rejected: number;
  /** Runs that a worker held when it ended, and that were not tried again. */
  readonly lost: number;
  /** Runs whose callers left without an answer. */
  readonly cancelled: number;
  /** Runs whose time was up before they were answered. */
  readonly timedOut: number;
  /** How often a run whose worker had died was tried again. */
  readonly retried: number;
  /** How often a run was handed over with another model, because of a budget. */
  readonly degraded: number;
  /** Runs that wait at the end. */
  readonly waiting: number;
  /** How long the runs that began had waited. */
  readonly waitMs: { readonly mean: number; readonly p95: number; readonly max: number };
  /** How it was, one after the other. */
  readonly spans: readonly SimulatedSpan[];
}

/** What a policy decided. */
export interface SimulatedDecision {
  readonly atMs: number;
  /** The child that had ended. */
  readonly path: string;
  /** How, in one sentence. */
  readonly reason: string;
  /** "none": the policy failed, and another decision follows. */
  readonly decision: "restart" | "leave" | "give_up" | "none";
  /** Of a restart. */
  readonly delayMs?: number;
  readonly because: string;
}

/** A supervisor that ended because a policy said so. */
export interface SimulatedGivingUp {
  readonly atMs: number;
  /** The supervisor. */
  readonly path: string;
  /** The child whose end it was. */
  readonly child: string;
  readonly because: string;
}

/** An agent's runs begin to be held back by a budget. */
export interface SimulatedLimit {
  readonly atMs: number;
  /** The agent. */
  readonly path: string;
  /** They wait, go on with another model, or are rejected. */
  readonly by: "wait" | "degrade" | "refuse";
  readonly because: string;
}

/** What a simulation has come to. */
export interface SimulationResult {
  readonly system: string;
  readonly seed: number;
  /** How long it was to go on. */
  readonly forMs: number;
  /** When it ended: earlier when the root gave up. */
  readonly endedAtMs: number;
  readonly children: readonly SimulatedChildResult[];
  readonly decisions: readonly SimulatedDecision[];
  readonly gaveUp: readonly SimulatedGivingUp[];
  readonly limits: readonly SimulatedLimit[];
}

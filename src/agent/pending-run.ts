/** The border between an agent and its runs: what each is to the other. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CrashRecord } from "../crash.ts";
import type { SynapseError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { Usage } from "../usage.ts";
import type { AgentReportFacts } from "./agent-report.ts";
import type { RunProgress } from "./carriage.ts";
import type { OpenWaits } from "./open-waits.ts";
import type { PausedRuns } from "./paused-runs.ts";
import type { RetryOptions, RunFate } from "./retry.ts";
import type { RunTracer } from "./run-span.ts";
import type { ToolSet } from "./tool-set.ts";

/** A run as the agent sees it, whatever it answers with. */
export interface PendingRun {
  readonly id: string;
  /** Whether its caller has been answered. */
  readonly answered: boolean;
  /** It is in the queue: the caller's signal and the deadline are heeded from here on, until the caller is answered. */
  wait(): void;
  /** A worker takes the run, with another model than its own where one is named. */
  begin(client: AgentClient, incarnation: number, model?: string): void;
  /** What it has used, as far as a worker has said it; undefined: that is not known. */
  readonly usage: Usage | undefined;
  /** Answers the caller with an error; one who was answered before hears nothing. A worker that carries the run is told to end it. */
  fail(error: Error): void;
  /** How far it has come; undefined while it is in no worker. */
  readonly progress: RunProgress | undefined;
  /** Of what was asked: see EncodedRun. */
  readonly fingerprint: string;
  /** The ends of the workers that have died with it, oldest first. */
  readonly crashes: readonly CrashRecord[];
  /** Whether a worker has died with it, and its caller still waits: the next one may too. */
  readonly suspect: boolean;
  /** The worker that carried it has died. Where it is tried again it has been taken back, and waits; everything else follows with `lost`. */
  died(crash: CrashRecord): RunFate;
  /** The worker that carried the run is gone: nothing of the run is left. */
  lost(error: Error): void;
}

/** The agent as its runs see it. */
export interface RunOwner {
  readonly agentId: string;
  readonly clock: Clock;
  readonly schema: StandardSchemaV1 | undefined;
  /** Its runs that have paused for people. */
  readonly paused: PausedRuns;
  /** What its runs wait for while they live. */
  readonly waits: OpenWaits;
  /** Whether its workers may fetch the URLs of content. */
  readonly fetchUrls: boolean;
  /** Whether its runs may wait for answers from outside, where the run itself does not say. */
  readonly mayWait: boolean;
  /** The tools that every run of it has. */
  readonly tools: ToolSet | undefined;
  /** What becomes of its runs when their worker dies, where the run itself does not say. */
  readonly retry: RetryOptions | undefined;
  readonly tracer: RunTracer | undefined;
  /** Largest request, in bytes. */
  readonly maxMessageBytes: number;
  /** Why no worker serves, when a start has failed and is tried again. */
  readonly startError: SynapseError | undefined;
  /** Why what waits is held back by a policy, and not for want of a worker; undefined: it is not. */
  readonly held: string | undefined;
  /** Several changes as one: others are told of them when all are made. */
  turn(work: () => void): void;
  /** A run that was not queued yet is queued; it fails when there is no room for it. */
  enqueue(run: PendingRun): void;
  /** The caller of the run was answered, but the worker holds it still. */
  runLeft(run: PendingRun): void;
  /** Nothing of the run is left, wherever it was. Called once. */
  runEnded(run: PendingRun): void;
  /** The worker finishes its runs and refused this one unbegun: it waits again, at the front. */
  runRefused(run: PendingRun): void;
  /** The worker's connection is gone; the agent ends the runs of that worker as soon as it knows why. */
  connectionLost(incarnation: number): void;
  /** Tells the system of something about a run; `incarnation` is that of the worker that has or had it, 0 before any had. */
  report(facts: AgentReportFacts, incarnation: number): void;
}

/** Hands the runs of one agent to the workers of its instances, as many at a time as each takes, and takes back those that they refuse. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { SynapseError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { RunSeat } from "../otp/supervisor/run-seat.ts";
import type { AgentReportFacts } from "./agent-report.ts";
import type { RunProgress } from "./carriage.ts";
import { Conversations } from "./conversations.ts";
import type { CrashHistory } from "./crash-history.ts";
import type { AgentEnvironment } from "./environment.ts";
import type { RunTaker } from "./handle-owner.ts";
import type { AgentLife, SharedLife } from "./life.ts";
import type { Mailbox } from "./mailbox.ts";
import { OpenWaits } from "./open-waits.ts";
import { PausedRuns } from "./paused-runs.ts";
import type { PendingRun } from "./pending-run.ts";
import type { Renewal } from "./renewal.ts";
import type { RetryOptions } from "./retry.ts";
import { RunGate } from "./run-gate.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { RunQueue } from "./run-queue.ts";
import type { RunTracer } from "./run-span.ts";
import type { NormalAgentSpec } from "./spec.ts";
import type { ToolSet } from "./tool-set.ts";
import type { Workers } from "./workers.ts";

/** An instance of the agent, as far as it serves runs. */
export interface RunServer {
  readonly life: AgentLife;
  readonly mailbox: Mailbox<PendingRun>;
  readonly workers: Workers;
  readonly crashes: CrashHistory;
  readonly renewal: Renewal;
}

/** What a dispatcher knows of its agent. */
export interface RunDispatcherParts {
  readonly spec: NormalAgentSpec;
  readonly environment: Pick<AgentEnvironment, "maxMessageBytes" | "tracer" | "ledger">;
  readonly clock: () => Clock;
  readonly queue: RunQueue<PendingRun>;
  readonly shared: SharedLife;
  readonly servers: () => readonly RunServer[];
  /** The error for a call to an agent that has stopped; undefined while it accepts runs. */
  readonly refusal: () => SynapseError | undefined;
  /** Tells the system of something about a run. */
  readonly report: (facts: AgentReportFacts, incarnation?: number) => void;
  /** Who is asked before a run is handed to a worker. */
  readonly seats: () => readonly RunSeat[];
  /** What can be handed to a worker now has been; what waits still waits for a place. */
  readonly dispatched?: () => void;
}

/** The way of an agent's runs: from the caller to the queue, from there to a worker that serves. */
export class RunDispatcher implements RunTaker {
  readonly #parts: RunDispatcherParts;
  readonly #queue: RunQueue<PendingRun>;
  readonly paused = new PausedRuns();
  readonly waits = new OpenWaits();
  readonly conversations = new Conversations();
  /** Runs whose caller was answered while the worker still held them. */
  readonly #left = new Set<PendingRun>();
  readonly #gate: RunGate;
  readonly fetchUrls: boolean;
  readonly mayWait: boolean;

  constructor(parts: RunDispatcherParts) {
    this.#parts = parts;
    this.#queue = parts.queue;
    const { clock, seats, report, spec } = parts;
    ({ fetchUrls: this.fetchUrls, mayWait: this.mayWait } = spec);
    this.#gate = new RunGate({ agentId: spec.id, clock, seats, report, serve: () => this.serve() });
  }

  get held(): string | undefined {
    return this.#gate.held;
  }

  get agentId(): string {
    return this.#parts.spec.id;
  }

  get clock(): Clock {
    return this.#parts.clock();
  }

  get queueLength(): number {
    return this.#queue.waitingCount;
  }

  get inFlight(): number {
    return this.#servers.reduce((sum, { mailbox }) => sum + mailbox.heldCount, 0);
  }

  get progress(): readonly RunProgress[] {
    const runs = this.#servers.flatMap(({ mailbox }) => [...mailbox.retired, ...mailbox.inFlight]);
    const progress = runs.flatMap((run) => run.progress ?? []);
    return this.#servers.length > 1 ? progress.sort((one, other) => other.forMs - one.forMs) : progress;
  }

  get schema(): StandardSchemaV1 | undefined {
    return this.#parts.spec.output;
  }

  get tools(): ToolSet | undefined {
    return this.#parts.spec.tools;
  }

  get retry(): RetryOptions | undefined {
    return this.#parts.spec.retry;
  }

  get tracer(): RunTracer | undefined {
    return this.#parts.environment.tracer;
  }

  get ledger(): RunLedger {
    return this.#parts.environment.ledger;
  }

  get maxMessageBytes(): number {
    return this.#parts.environment.maxMessageBytes;
  }

  get startError(): SynapseError | undefined {
    if (this.#servers.some(({ workers }) => workers.serving)) return undefined;
    return this.#servers.find(({ crashes }) => crashes.startError !== undefined)?.crashes.startError;
  }

  turn(work: () => void): void {
    this.#parts.shared.outbox.turn(work);
  }

  accept(run: PendingRun): void {
    const refused = this.refusal();
    if (refused !== undefined) throw refused;
    this.#queue.push(run, this.#freePlaces);
    this.turn(() => {
      run.wait();
      this.serve();
    });
  }

  reserve(run: PendingRun): void {
    const refused = this.refusal();
    if (refused !== undefined) throw refused;
    this.#queue.check(this.#freePlaces);
    this.#queue.reserve(run);
    // Who reads it does so in this turn, mostly. Nobody waits longer for one who does not.
    this.turn(() =>
      setImmediate(() => {
        this.#queue.giveUp(run);
        this.serve();
      }),
    );
  }

  enqueue(run: PendingRun): void {
    try {
      this.accept(run);
    } catch (error) {
      run.fail(error as SynapseError);
    }
  }

  refusal(): SynapseError | undefined {
    return this.#parts.refusal();
  }

  get #servers(): readonly RunServer[] {
    return this.#parts.servers();
  }

  /** Of workers that take runs now, or as soon as their event loops have answered, which is about to be known. */
  readonly #freePlaces = (): number => {
    let count = 0;
    for (const { workers, mailbox } of this.#servers) {
      if (workers.loop?.unresponsive === false) count += Math.max(0, mailbox.freePlaces);
    }
    return count > 0 && this.#gate.open ? count : 0;
  };

  /** Hands waiting runs to the workers while they take some. */
  serve(): void {
    this.turn(() => {
      if (!this.#handOver()) this.#gate.withdraw();
      this.#parts.dispatched?.();
    });
  }

  /** Hands over what it can; whether what is left waits for a policy. */
  #handOver(): boolean {
    for (let run = this.#queue.first; run !== undefined; run = this.#queue.first) {
      const server = this.#leastLoaded(run);
      const client = server?.workers.client;
      if (server === undefined || client === undefined) return false;
      const passage = this.#gate.ask(run.id);
      if (passage.type === "wait") return true;
      if (passage.type === "refuse") {
        this.#queue.remove(run);
        run.fail(passage.error);
        continue;
      }
      server.mailbox.take();
      server.life.send({ type: "run.started", runId: run.id });
      run.begin(client, server.life.incarnation, passage.model);
    }
    return false;
  }

  /** The one that holds the fewest runs among those that would take this one; of equals the first. */
  #leastLoaded(run: PendingRun): RunServer | undefined {
    let best: RunServer | undefined;
    for (const server of this.#servers) {
      const { mailbox, workers } = server;
      if (workers.client === undefined || mailbox.freePlaces <= 0) continue;
      if (run.suspect && holdsSuspect(mailbox)) continue;
      if (best === undefined || mailbox.inFlight.size < best.mailbox.inFlight.size) best = server;
    }
    return best;
  }

  /** Rejects the runs that wait, and answers how many there were. */
  refuseWaiting(error: (runId: string) => SynapseError): number {
    const waiting = this.#queue.drain();
    this.#gate.withdraw();
    for (const run of waiting) run.fail(error(run.id));
    return waiting.length;
  }

  runLeft(run: PendingRun): void {
    this.#left.add(run);
    this.turn(() => {
      const server = this.#servers.find(({ mailbox }) => mailbox.inFlight.has(run));
      if (server !== undefined) {
        server.workers.loop?.doubt(); // What comes next is not handed to a loop that is blocked.
        server.life.send({ type: "run.settled", runId: run.id });
      }
      this.serve();
    });
  }

  runEnded(run: PendingRun): void {
    const left = this.#left.delete(run);
    const server = this.#holderOf(run);
    if (server === undefined) {
      this.#queue.remove(run);
      this.turn(() => {
        this.#gate.settled(run.id, run.usage);
        if (this.held !== undefined) this.serve();
      });
      return;
    }
    const { mailbox, life, workers, renewal } = server;
    const current = mailbox.inFlight.has(run);
    mailbox.remove(run);
    this.turn(() => {
      this.#gate.settled(run.id, run.usage);
      if (current && !left) life.send({ type: "run.settled", runId: run.id });
      this.serve();
      workers.runSettled();
      if (current) renewal.runEnded();
    });
  }

  runRefused(run: PendingRun): void {
    this.turn(() => {
      const server = this.#holderOf(run);
      const current = server?.mailbox.inFlight.has(run) === true;
      server?.mailbox.putBack(run);
      this.#gate.returned(run.id);
      if (current) {
        server.life.send({ type: "run.settled", runId: run.id });
        server.workers.stopServing();
      }
      this.serve();
      server?.workers.runSettled();
    });
  }

  connectionLost(incarnation: number): void {
    for (const { workers } of this.#servers) workers.connectionLost(incarnation);
  }

  report(facts: AgentReportFacts, incarnation: number): void {
    this.#parts.report(facts, incarnation);
  }

  #holderOf(run: PendingRun): RunServer | undefined {
    return this.#servers.find(({ mailbox }) => mailbox.holds(run));
  }
}

/** Whether a worker holds a run that one has died with: two of them would be blamed for each other. */
function holdsSuspect(mailbox: Mailbox<PendingRun>): boolean {
  return [...mailbox.inFlight].some((run) => run.suspect);
}

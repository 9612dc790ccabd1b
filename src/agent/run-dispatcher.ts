/** Hands the runs of one agent to its worker, as many at a time as it takes, and takes back those that it refuses. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { CallerError, type SynapseError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentReportFacts } from "./agent-report.ts";
import type { RunProgress } from "./carriage.ts";
import { Conversations } from "./conversations.ts";
import type { CrashHistory } from "./crash-history.ts";
import type { RunTaker } from "./handle.ts";
import type { AgentLife } from "./life.ts";
import type { Mailbox } from "./mailbox.ts";
import { PausedRuns } from "./paused-runs.ts";
import type { PendingRun } from "./pending-run.ts";
import type { Renewal } from "./renewal.ts";
import type { RetryOptions } from "./retry.ts";
import type { ToolSet } from "./tool-set.ts";
import type { Workers } from "./workers.ts";

/** The way of an agent's runs: from the caller to the mailbox, from there to the worker that serves. */
export class RunDispatcher implements RunTaker {
  readonly #life: AgentLife;
  readonly #mailbox: Mailbox<PendingRun>;
  readonly #workers: Workers;
  readonly #crashes: CrashHistory;
  readonly #renewal: Renewal;
  readonly paused = new PausedRuns();
  readonly conversations = new Conversations();
  /** Runs whose caller was answered while the worker still held them. */
  readonly #left = new Set<PendingRun>();

  constructor(parts: {
    life: AgentLife;
    mailbox: Mailbox<PendingRun>;
    workers: Workers;
    crashes: CrashHistory;
    renewal: Renewal;
  }) {
    this.#life = parts.life;
    this.#mailbox = parts.mailbox;
    this.#workers = parts.workers;
    this.#crashes = parts.crashes;
    this.#renewal = parts.renewal;
  }

  get agentId(): string {
    return this.#life.agentId;
  }

  get clock(): Clock {
    return this.#life.clock;
  }

  get queueLength(): number {
    return this.#mailbox.waitingCount;
  }

  get inFlight(): number {
    return this.#mailbox.inFlight.size + this.#mailbox.retired.size;
  }

  get progress(): readonly RunProgress[] {
    return [...this.#mailbox.retired, ...this.#mailbox.inFlight].flatMap((run) => run.progress ?? []);
  }

  get schema(): StandardSchemaV1 | undefined {
    return this.#life.spec.output;
  }

  get fetchUrls(): boolean {
    return this.#life.spec.fetchUrls;
  }

  get tools(): ToolSet | undefined {
    return this.#life.spec.tools;
  }

  get retry(): RetryOptions | undefined {
    return this.#life.spec.retry;
  }

  get maxMessageBytes(): number {
    return this.#life.environment.maxMessageBytes;
  }

  get startError(): SynapseError | undefined {
    return this.#crashes.startError;
  }

  turn(work: () => void): void {
    this.#life.turn(work);
  }

  accept(run: PendingRun): void {
    const refused = this.refusal();
    if (refused !== undefined) throw refused;
    this.#mailbox.push(run, this.#takesRuns);
    this.#life.turn(() => {
      run.wait();
      this.serve();
    });
  }

  reserve(run: PendingRun): void {
    const refused = this.refusal();
    if (refused !== undefined) throw refused;
    this.#mailbox.check(this.#takesRuns);
    this.#mailbox.reserve(run);
    // Who reads it does so in this turn, mostly. Nobody waits longer for one who does not.
    this.#life.turn(() =>
      setImmediate(() => {
        this.#mailbox.giveUp(run);
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
    const { leftDownBy } = this.#crashes;
    if (leftDownBy !== undefined) return leftDownBy;
    const { state } = this.#life;
    if (state !== "stopping" && state !== "stopped") return undefined;
    return new CallerError("stopped", `agent "${this.agentId}" has been stopped; restart() begins it anew`);
  }

  /** Whether a worker takes runs now, or as soon as its event loop has answered, which is about to be known. */
  get #takesRuns(): boolean {
    return this.#workers.loop?.unresponsive === false;
  }

  /** Hands waiting runs to the worker while it takes some. */
  serve(): void {
    this.#life.turn(() => this.#serve());
  }

  #serve(): void {
    for (let { client } = this.#workers; client !== undefined; client = this.#workers.client) {
      if (this.#mailbox.first?.suspect === true && this.#holdsSuspect) return;
      const run = this.#mailbox.take();
      if (run === undefined) return;
      this.#life.send({ type: "run.started", runId: run.id });
      run.begin(client, this.#life.incarnation);
    }
  }

  /** Whether the worker holds a run that one has died with: two of them would be blamed for each other. */
  get #holdsSuspect(): boolean {
    for (const run of this.#mailbox.inFlight) if (run.suspect) return true;
    return false;
  }

  /** Rejects the runs that wait, and answers how many there were. */
  refuseWaiting(): number {
    const waiting = this.#mailbox.drain("waiting");
    for (const run of waiting) run.fail(this.#crashes.endError("stopped while the run waited", run.id));
    return waiting.length;
  }

  /** Ends the runs that wait with this error. */
  failWaiting(error: SynapseError): void {
    for (const run of this.#mailbox.drain("waiting")) run.fail(error);
  }

  runLeft(run: PendingRun): void {
    this.#left.add(run);
    this.#life.turn(() => {
      if (this.#mailbox.inFlight.has(run)) {
        this.#workers.loop?.doubt(); // What comes next is not handed to a loop that is blocked.
        this.#life.send({ type: "run.settled", runId: run.id });
      }
      this.serve();
    });
  }

  runEnded(run: PendingRun): void {
    const left = this.#left.delete(run);
    const current = this.#mailbox.inFlight.has(run);
    if (!this.#mailbox.remove(run)) return;
    this.#life.turn(() => {
      if (current && !left) this.#life.send({ type: "run.settled", runId: run.id });
      this.serve();
      this.#workers.runSettled();
      if (current) this.#renewal.runEnded();
    });
  }

  runRefused(run: PendingRun): void {
    this.#life.turn(() => {
      const current = this.#mailbox.inFlight.has(run);
      this.#mailbox.putBack(run);
      if (current) {
        this.#life.send({ type: "run.settled", runId: run.id });
        this.#workers.stopServing();
      } else this.serve();
      this.#workers.runSettled();
    });
  }

  connectionLost(incarnation: number): void {
    this.#workers.connectionLost(incarnation);
  }

  report(facts: AgentReportFacts): void {
    this.#life.report(facts);
  }
}

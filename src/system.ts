/** A system: one root supervisor with the services its agents share. */

import { type AgentDefinition, containsAgent } from "./agent/define.ts";
import type { AgentEnvironment } from "./agent/environment.ts";
import type { Agent } from "./agent/handle.ts";
import type { WaitOptions } from "./agent/handle-owner.ts";
import type { Runs } from "./agent/runs.ts";
import type { CrashRecord } from "./crash.ts";
import type { CrashLog } from "./crash-log.ts";
import { CallerError, invalidArgument } from "./errors.ts";
import type { SystemInspector } from "./inspect/inspected-system.ts";
import type { Inspector } from "./inspect/observer.ts";
import { agentIdOf, knownAgent } from "./known-agent.ts";
import type { MetricsCollector, SystemMetrics } from "./metrics.ts";
import type { AnyRestartPolicy } from "./otp/policy/restart-policy.ts";
import type { ExitReason } from "./otp/report/exit-reason.ts";
import type { TreeNode } from "./otp/report/tree.ts";
import type { Clock } from "./otp/scheduler/clock.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import type { PolicyState } from "./otp/supervisor/policy-chain.ts";
import type { SupervisorDefinition } from "./otp/supervisor/start.ts";
import { Supervisor } from "./otp/supervisor/supervisor.ts";
import type { Report } from "./report.ts";
import type { Reporter } from "./reporter.ts";
import { echoGuard } from "./signals.ts";
import { healthOf, type SystemHealth } from "./system-health.ts";
import type { SystemInspection } from "./system-inspection.ts";
import { checkInspector, checkStopOptions, type StopOptions } from "./system-options.ts";

/** A running system. Make one with `startSystem`; stop it with `stop()` or `await using`. */
export class System implements AsyncDisposable {
  readonly name: string;
  /** Settles with the reason when everything has ended, also when the root gave up. Never rejects. */
  readonly ended: Promise<ExitReason>;
  readonly #root: Supervisor;
  readonly #environment: AgentEnvironment;
  readonly #reporter: Reporter;
  readonly #findPython: (specs: readonly ChildSpec[]) => Promise<string>;
  readonly #clock: Clock;
  readonly #metrics: MetricsCollector;
  readonly #inspection: SystemInspection;
  readonly #crashes: CrashLog;
  #running = true;

  constructor(parts: {
    root: Supervisor;
    environment: AgentEnvironment;
    clock: Clock;
    reporter: Reporter;
    ended: Promise<ExitReason>;
    findPython: (specs: readonly ChildSpec[]) => Promise<string>;
    crashes: CrashLog;
    metrics: MetricsCollector;
    inspection: SystemInspection;
  }) {
    this.name = parts.root.path;
    this.#root = parts.root;
    this.#environment = parts.environment;
    this.#reporter = parts.reporter;
    this.#metrics = parts.metrics;
    this.#reporter.listen((report) => this.#metrics.count(report));
    this.ended = parts.ended;
    this.#findPython = parts.findPython;
    this.#clock = parts.clock;
    this.#crashes = parts.crashes;
    this.#inspection = parts.inspection;
    echoGuard.acquire();
    void parts.ended.then(() => {
      this.#running = false;
      echoGuard.release();
    });
  }

  /**
   * The handle of an agent, whatever its state.
   * @throws CallerError "not_found" with the ids that are known
   */
  agent<Output = unknown, Deps = unknown>(idOrDefinition: string | AgentDefinition<Output, Deps>): Agent<Output, Deps> {
    return knownAgent(this.#environment, this.name, idOrDefinition).handle as Agent<Output, Deps>;
  }

  /** The runs that `agent.start` began: to be found, read again and cancelled. What is kept outlives the system, as `options.runs` says. */
  get runs(): Runs {
    return this.#environment.ledger;
  }

  /** What runs under an id or a path ("system/sub/child"): an agent's handle, a supervisor, an actor; undefined when nothing does. */
  whereis(name: string): unknown {
    const agent = this.#environment.agents.get(name);
    if (agent !== undefined && !agent.stopped) return agent.handle;
    return this.#root.whereis(name);
  }

  /** Gives a supervisor another policy, or one of its children, by id or path ("system/sub/child"). See `Supervisor.setPolicy`, also for what it throws. */
  setPolicy(where: string, policy: AnyRestartPolicy, options: { readonly state?: PolicyState } = {}): void {
    this.#root.setPolicy(where, policy, options);
  }

  /** The tree as data, as it is now. */
  tree(): TreeNode {
    return this.#root.tree();
  }

  /** How the system and its agents are now: for the health check of a service. */
  health(): SystemHealth {
    return healthOf(this.#environment.agents.values(), this.#running);
  }

  /** What the agents have done since the system began, in numbers; `prometheusText` makes the text for a Prometheus endpoint of it. */
  metrics(): SystemMetrics {
    const { agents, ledger } = this.#environment;
    return this.#metrics.value(this.name, agents.values(), ledger.kept);
  }

  /**
   * The last crashes, newest last: at most `maxCrashes` of all agents together, or those among them of one agent. They outlive the agent and the system; the records are
   * those that reports and errors have.
   */
  crashes(idOrDefinition?: string | AgentDefinition<unknown>): CrashRecord[] {
    return this.#crashes.list(idOrDefinition === undefined ? undefined : agentIdOf(idOrDefinition));
  }

  /**
   * Settles when every agent serves; those that were stopped by request are not waited for.
   * @returns rejects with the error of an agent that stops first, RunError "deadline_exceeded" or "run_cancelled" as the options say, CallerError "stopped"
   * when the system has ended
   */
  async whenReady(options: WaitOptions = {}): Promise<void> {
    if (!this.#running) throw new CallerError("stopped", `system "${this.name}" has been stopped`);
    const agents = [...this.#environment.agents.values()];
    await Promise.all(
      agents.map((slot) => (slot.stoppedByRequest || slot.dormant ? undefined : slot.handle.whenReady(options))),
    );
  }

  /** Calls `listener` for every report from now on. Returns the function that ends it. A throw of the listener is logged. */
  onReport(listener: (report: Report) => void): () => void {
    if (typeof listener !== "function") throw invalidArgument("listener", listener, "a function");
    return this.#reporter.listen(listener);
  }

  /**
   * Lets an inspector follow the system from now on: one of "synapse-otp/inspect", or an observer of XState's, which is told first which actors there are.
   * @returns the function that ends it; rejects with CallerError "invalid_argument" or "stopped", or as the inspector's `attach` does
   */
  async inspect(inspector: Inspector | SystemInspector): Promise<() => Promise<void>> {
    checkInspector("inspector", inspector);
    if (!this.#running) throw new CallerError("stopped", `system "${this.name}" has been stopped`);
    return await this.#inspection.attach(inspector);
  }

  /**
   * Adds a child to a running supervisor and starts it. `parent` is a supervisor's id, path or definition; the system's name is the root.
   * @returns the agent's handle, the supervisor or the actor; rejects with CallerError or ProcessError
   */
  async startChild<Output, Deps>(
    parent: string | SupervisorDefinition,
    child: AgentDefinition<Output, Deps>,
  ): Promise<Agent<Output, Deps>>;
  async startChild(parent: string | SupervisorDefinition, child: ChildSpec): Promise<unknown>;
  async startChild(parent: string | SupervisorDefinition, child: ChildSpec): Promise<unknown> {
    const name = typeof parent === "string" ? parent : parent?.id;
    if (typeof name !== "string") throw invalidArgument("parent", parent, "a supervisor's id, path or definition");
    const supervisor = name === this.name ? this.#root : this.#root.whereis(name);
    if (!(supervisor instanceof Supervisor)) {
      throw new CallerError("not_found", `system "${this.name}" has no supervisor "${name}"`, {
        field: "parent",
        value: name,
      });
    }
    if (typeof child === "object" && child !== null && containsAgent(child)) {
      this.#environment.interpreter ??= await this.#findPython([child]);
    }
    return supervisor.startChild(child);
  }

  /** Stops everything in reverse start order and settles when all of it is gone. Idempotent; never rejects for a system that has ended. */
  async stop(options: StopOptions = {}): Promise<void> {
    const { timeoutMs } = checkStopOptions(options);
    echoGuard.noteStop();
    const limitMs = timeoutMs ?? Number.POSITIVE_INFINITY;
    const untilMs = Math.min(
      this.#clock.monotonicMs() + limitMs,
      this.#environment.stopping?.untilMs ?? Number.POSITIVE_INFINITY,
    );
    this.#environment.stopping = { untilMs };
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#root.kill(), timeoutMs);
    this.#running = false;
    void this.#root.stop("shutdown");
    await this.ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A system: one root supervisor with the services its agents share. */

import { type AgentDefinition, containsAgent, insistsOnSpawn, longestStartMs } from "./agent/define.ts";
import { AgentEnvironment } from "./agent/environment.ts";
import { guardLogger } from "./agent/guarded-logger.ts";
import type { Agent, WaitOptions } from "./agent/handle.ts";
import type { CrashRecord } from "./crash.ts";
import { CrashLog } from "./crash-log.ts";
import { createDefaultLogger } from "./default-logger.ts";
import { CallerError, invalidArgument } from "./errors.ts";
import { guardInspector } from "./inspect/observer.ts";
import { MetricsCollector, type SystemMetrics } from "./metrics.ts";
import type { AnyRestartPolicy } from "./otp/policy/restart-policy.ts";
import { LocalRuntime } from "./otp/process/runtime.ts";
import type { ExitReason } from "./otp/report/exit-reason.ts";
import type { TreeNode } from "./otp/report/tree.ts";
import { type Clock, longestTimerMs, realClock } from "./otp/scheduler/clock.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import type { PolicyState } from "./otp/supervisor/policy-chain.ts";
import { normalizeSupervisorSpec, type SupervisorSpec } from "./otp/supervisor/spec.ts";
import type { SupervisorDefinition } from "./otp/supervisor/start.ts";
import { Supervisor } from "./otp/supervisor/supervisor.ts";
import { lookAtProcessOne, warnOfOrphans } from "./process-one.ts";
import { workerEnvironment } from "./python/environment.ts";
import { findInterpreter } from "./python/interpreter.ts";
import { answerTimeoutMs } from "./python/probe.ts";
import type { Report } from "./report.ts";
import { Reporter } from "./reporter.ts";
import { echoGuard, stopOnSignals } from "./signals.ts";
import { StderrLines } from "./stderr-lines.ts";
import { healthOf, type SystemHealth } from "./system-health.ts";
import { createSystemLauncher } from "./system-launcher.ts";
import { checkSystemOptions, type StopOptions, type SystemOptions, workingDirectory } from "./system-options.ts";
import type { Launcher } from "./worker/launcher.ts";
import { sweepSocketDirectories } from "./worker/socket-directory.ts";

/** Replacements for the parts of a system that touch the world; for tests and benchmarks. */
export interface SystemParts {
  readonly launcher?: Launcher;
  /** Given to the launcher as it is: with a launcher that needs no Python, none is looked for. */
  readonly interpreter?: string;
  readonly clock?: Clock;
}

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
  readonly #metrics = new MetricsCollector();
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
  }) {
    this.name = parts.root.path;
    this.#root = parts.root;
    this.#environment = parts.environment;
    this.#reporter = parts.reporter;
    this.#reporter.listen((report) => this.#metrics.count(report));
    this.ended = parts.ended;
    void parts.ended.then(() => {
      this.#running = false;
    });
    this.#findPython = parts.findPython;
    this.#clock = parts.clock;
    this.#crashes = parts.crashes;
    echoGuard.acquire();
    void parts.ended.then(() => echoGuard.release());
  }

  /**
   * The handle of an agent, whatever its state.
   * @throws CallerError "not_found" with the ids that are known
   */
  agent<Output = unknown>(idOrDefinition: string | AgentDefinition<Output>): Agent<Output> {
    const id = idOf(idOrDefinition);
    const agent = this.#environment.agents.get(id);
    if (agent !== undefined) return agent.handle as Agent<Output>;
    const ids = [...this.#environment.agents.keys()].map((known) => `"${known}"`).join(", ");
    throw new CallerError("not_found", `system "${this.name}" has no agent "${id}"; it has ${ids || "none"}`, {
      field: "id",
      value: id,
    });
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
    return this.#metrics.value(this.name, this.#environment.agents.values());
  }

  /**
   * The last crashes, newest last: at most `maxCrashes` of all agents together, or those among them of one agent. They outlive the agent and the system; the records are
   * those that reports and errors have.
   */
  crashes(idOrDefinition?: string | AgentDefinition<unknown>): CrashRecord[] {
    if (idOrDefinition === undefined) return this.#crashes.list();
    const id = idOf(idOrDefinition);
    return this.#crashes.list(id);
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
   * Adds a child to a running supervisor and starts it. `parent` is a supervisor's id, path or definition; the system's name is the root.
   * @returns the agent's handle, the supervisor or the actor; rejects with CallerError or ProcessError
   */
  async startChild<Output>(
    parent: string | SupervisorDefinition,
    child: AgentDefinition<Output>,
  ): Promise<Agent<Output>>;
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
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 0 && timeoutMs <= longestTimerMs)) {
      throw invalidArgument("options.timeoutMs", timeoutMs, "an integer from 0 to 2,147,483,647 milliseconds");
    }
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

const defaultMaxMessageBytes = 64 * 1024 * 1024;
const defaultMaxCrashes = 100;

/**
 * Starts a system: checks everything, finds Python, then starts the children in order. Agents accept runs at once and answer when their
 * workers are ready (`Agent.whenReady`).
 * @returns rejects with CallerError "invalid_argument", WorkerError "python_missing", "python_too_old", "python_package_missing" or
 * "python_package_mismatch" before anything starts; ProcessError "start_failed" when a child's start function fails (those before it are stopped)
 */
export async function startSystem(options: SystemOptions = {}, parts: SystemParts = {}): Promise<System> {
  checkSystemOptions(options);
  const { name = "system", strategy, maxRestarts, periodMs, children = [], policy, python = {} } = options;
  const spec: SupervisorSpec = {
    id: name,
    children,
    ...(strategy === undefined ? {} : { strategy }),
    ...(maxRestarts === undefined ? {} : { maxRestarts }),
    ...(periodMs === undefined ? {} : { periodMs }),
    ...(policy === undefined ? {} : { policy }),
  };
  const normal = normalizeSupervisorSpec(spec, "options");
  const lines = new StderrLines();
  const logger = guardLogger(options.logger ?? createDefaultLogger(name, (line) => lines.write(line)));
  const cwd = workingDirectory(python.cwd);
  const workerEnv = workerEnvironment(python.env ?? {});
  const one = lookAtProcessOne();
  const findPython = async (specs: readonly ChildSpec[]) => {
    // What a fork leaves behind its guardian reaps.
    if (insistsOnSpawn(specs)) warnOfOrphans(logger, one);
    if (parts.interpreter !== undefined) return parts.interpreter;
    const { path } = await findInterpreter({
      cwd,
      env: workerEnv,
      timeoutMs: Math.max(longestStartMs(specs), answerTimeoutMs),
      ...(python.interpreter === undefined ? {} : { interpreter: python.interpreter }),
    });
    return path;
  };
  sweepSocketDirectories();
  const interpreter = children.some(containsAgent) ? await findPython(children) : undefined;
  const unwatchExit = lines.watchExit();
  const reporter = new Reporter(logger);
  const crashes = new CrashLog(options.maxCrashes ?? defaultMaxCrashes);
  // Noted first: who is told of a crash finds it there.
  const report = (value: Report) => {
    if (value.type === "agent.crashed") crashes.note(value.crash);
    reporter.report(value);
  };
  const launcher = parts.launcher ?? createSystemLauncher({ preload: python.preload ?? [], logger, one, report });
  const environment = new AgentEnvironment({
    launcher,
    cwd,
    env: workerEnv,
    logger,
    maxMessageBytes: python.maxMessageBytes ?? defaultMaxMessageBytes,
    report,
  });
  environment.interpreter = interpreter;
  const guarded = options.inspect === undefined ? undefined : guardInspector(options.inspect, report);
  const clock = parts.clock ?? realClock;
  const runtime = new LocalRuntime({
    clock,
    onReport: report,
    ...(guarded === undefined ? {} : { inspect: guarded.next }),
  });
  const root = new Supervisor(normal, { runtime, environment, onReport: (value) => report(value as Report) });
  const ended = root.ended.then(async (reason) => {
    await launcher.close();
    guarded?.flush();
    unwatchExit();
    return reason;
  });
  const system = new System({ root, environment, clock, reporter, ended, findPython, crashes });
  if (options.handleSignals === true) {
    const release = stopOnSignals({ stop: () => system.stop(), kill: () => root.kill() });
    void ended.then(release);
  }
  try {
    await root.start();
  } catch (error) {
    await ended;
    throw error;
  }
  return system;
}

function idOf(idOrDefinition: string | { readonly id: string } | undefined): string {
  const id = typeof idOrDefinition === "string" ? idOrDefinition : idOrDefinition?.id;
  if (typeof id !== "string") throw invalidArgument("idOrDefinition", idOrDefinition, "an agent's id or definition");
  return id;
}

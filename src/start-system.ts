/** Starts a system: what its agents share is made here, once, and put together. */

import { containsAgent, insistsOnSpawn, longestStartMs } from "./agent/define.ts";
import { AgentEnvironment } from "./agent/environment.ts";
import { guardLogger } from "./agent/guarded-logger.ts";
import { RunLedger } from "./agent/run-ledger.ts";
import { normalizeRunLimits } from "./agent/run-limits.ts";
import type { ControlServer } from "./control/server.ts";
import { CrashLog } from "./crash-log.ts";
import { createDefaultLogger } from "./default-logger.ts";
import { rootSpec } from "./define-system.ts";
import { MetricsCollector } from "./metrics.ts";
import { findOpenTelemetry } from "./otel.ts";
import { measureSystem } from "./otel-metrics.ts";
import { createRunTracer } from "./otel-traces.ts";
import { LocalRuntime } from "./otp/process/runtime.ts";
import { realClock } from "./otp/scheduler/clock.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import { normalizeSupervisorSpec } from "./otp/supervisor/spec.ts";
import { Supervisor } from "./otp/supervisor/supervisor.ts";
import { lookAtProcessOne, warnOfOrphans } from "./process-one.ts";
import { tellsTracebacks, workerEnvironment } from "./python/environment.ts";
import { findInterpreter } from "./python/interpreter.ts";
import { answerTimeoutMs } from "./python/probe.ts";
import type { Report } from "./report.ts";
import { Reporter } from "./reporter.ts";
import { stopOnSignals } from "./signals.ts";
import { StderrLines } from "./stderr-lines.ts";
import { System } from "./system.ts";
import { openSystemControl } from "./system-control.ts";
import { SystemInspection } from "./system-inspection.ts";
import { createSystemLauncher } from "./system-launcher.ts";
import { checkSystemOptions, type SystemOptions, workingDirectory } from "./system-options.ts";
import { checkSystemParts, type SystemParts } from "./system-parts.ts";
import { sweepSocketDirectories } from "./worker/socket-directory.ts";

const defaultMaxMessageBytes = 64 * 1024 * 1024;
const defaultMaxCrashes = 100;

/**
 * Starts a system, of options or of what `defineSystem` made of them: checks everything, finds Python, then starts the children in order. Agents accept runs at once and answer when their
 * workers are ready (`Agent.whenReady`).
 * @returns rejects with CallerError "invalid_argument", WorkerError "python_missing", "python_too_old", "python_package_missing" or
 * "python_package_mismatch" before anything starts; ProcessError "start_failed" when a child's start function fails (those before it are stopped)
 */
export async function startSystem(options: SystemOptions = {}, parts: SystemParts = {}): Promise<System> {
  checkSystemOptions(options);
  checkSystemParts(parts);
  const { name = "system", children = [], python = {} } = options;
  const normal = normalizeSupervisorSpec(rootSpec(options), "options");
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
  const telemetry = await findOpenTelemetry();
  const unwatchExit = lines.watchExit();
  const reporter = new Reporter(logger);
  if (parts.onReport !== undefined) reporter.listen(parts.onReport);
  const crashes = new CrashLog(options.maxCrashes ?? defaultMaxCrashes);
  // Noted first: who is told of a crash finds it there.
  const report = (value: Report) => {
    if (value.type === "agent.crashed") crashes.note(value.crash);
    reporter.report(value);
  };
  const clock = parts.clock ?? realClock;
  const ledger = new RunLedger(clock, normalizeRunLimits("options.runs", options.runs));
  const launcher = parts.launcher ?? createSystemLauncher({ preload: python.preload ?? [], logger, one, report });
  const environment = new AgentEnvironment({
    launcher,
    cwd,
    env: workerEnv,
    logger,
    maxMessageBytes: python.maxMessageBytes ?? defaultMaxMessageBytes,
    tracebacks: python.tracebacks ?? tellsTracebacks(),
    report,
    ledger,
  });
  environment.interpreter = interpreter;
  if (telemetry !== undefined) environment.tracer = createRunTracer(telemetry);
  const runtime = new LocalRuntime({ clock, onReport: report });
  const root = new Supervisor(normal, { runtime, environment, onReport: (value) => report(value as Report) });
  const metrics = new MetricsCollector();
  const inspection = new SystemInspection({
    name,
    runtime,
    environment,
    reporter,
    metrics,
    tree: () => root.tree(),
  });
  let control: ControlServer | undefined;
  const ended = root.ended.then(async (reason) => {
    ledger.close();
    await control?.close();
    await launcher.close();
    await inspection.close();
    unwatchExit();
    return reason;
  });
  const system = new System({ root, environment, clock, reporter, ended, findPython, crashes, metrics, inspection });
  if (telemetry !== undefined) void ended.then(measureSystem(system, telemetry.meter));
  if (options.control === true) control = await openSystemControl(system, environment, inspection, logger);
  if (options.handleSignals === true) {
    const release = stopOnSignals({ stop: () => system.stop(), kill: () => root.kill() });
    void ended.then(release);
  }
  try {
    await inspection.attachAll(options.inspect);
  } catch (error) {
    void root.stop("shutdown");
    await ended;
    throw error;
  }
  try {
    await root.start();
  } catch (error) {
    await ended;
    throw error;
  }
  return system;
}

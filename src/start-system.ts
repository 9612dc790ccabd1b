/** Starts a system: what its agents share is made here, once, and put together. */

import { containsAgent, insistsOnSpawn, longestStartMs } from "./agent/define.ts";
import { AgentEnvironment } from "./agent/environment.ts";
import { guardLogger } from "./agent/guarded-logger.ts";
import { CrashLog } from "./crash-log.ts";
import { createDefaultLogger } from "./default-logger.ts";
import { guardInspector } from "./inspect/observer.ts";
import { LocalRuntime } from "./otp/process/runtime.ts";
import { type Clock, realClock } from "./otp/scheduler/clock.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import { normalizeSupervisorSpec, type SupervisorSpec } from "./otp/supervisor/spec.ts";
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
import { checkSystemOptions, type SystemOptions, workingDirectory } from "./system-options.ts";
import type { Launcher } from "./worker/launcher.ts";
import { chooseLauncher } from "./worker/launcher-choice.ts";
import { sweepSocketDirectories } from "./worker/socket-directory.ts";
import { createSpawnLauncher } from "./worker/spawn-launcher.ts";
import { createZygoteLauncher } from "./worker/zygote-launcher.ts";

/** Replacements for the parts of a system that touch the world; for tests and benchmarks. */
export interface SystemParts {
  readonly launcher?: Launcher;
  /** Given to the launcher as it is: with a launcher that needs no Python, none is looked for. */
  readonly interpreter?: string;
  readonly clock?: Clock;
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
  const createLauncher = () => {
    const spawn = createSpawnLauncher();
    const zygote = createZygoteLauncher({
      preload: python.preload ?? [],
      fallback: spawn,
      onUnfit(because) {
        report({ type: "zygote.unfit", because });
        warnOfOrphans(logger, one);
      },
      onLost: (lost) => report({ type: "zygote.lost", ...lost }),
    });
    // Where Node is process 1 nobody reaps orphans but a guardian.
    const guarded = process.platform === "linux" && one !== "something else";
    return chooseLauncher({ spawn, zygote, auto: guarded ? "zygote" : "spawn" });
  };
  const launcher = parts.launcher ?? createLauncher();
  const environment = new AgentEnvironment({
    launcher,
    cwd,
    env: workerEnv,
    logger,
    maxMessageBytes: python.maxMessageBytes ?? defaultMaxMessageBytes,
    tracebacks: python.tracebacks ?? tellsTracebacks(),
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

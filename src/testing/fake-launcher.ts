/** A launcher of fake workers: the host's own client talks to them over a real Unix socket, and no Python is needed. */

import { isRecord } from "../describe-value.ts";
import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { type Clock, realClock } from "../worker/clock.ts";
import type { Launcher, WorkerSpec } from "../worker/launcher.ts";
import { checkClock, checkFunctions } from "./checks.ts";
import { type FakeWorker, type FakeWorkerScript, startFakeWorker } from "./fake-worker.ts";

/** Options of {@link createFakeLauncher}. */
export interface FakeLauncherOptions {
  /** What its workers do: one script for all, or a function that is asked at every launch. Default: they echo the prompt. */
  readonly script?: FakeWorkerScript | ((spec: WorkerSpec) => FakeWorkerScript);
  /** For start timeouts, graces and uptimes. Default: the machine's monotonic clock. */
  readonly clock?: Clock;
}

/** A launcher of fake workers, as a test holds it. */
export interface FakeLauncher extends Launcher {
  /** Every worker that it has launched, in order. */
  readonly workers: readonly FakeWorker[];
  /**
   * The last worker of an agent.
   * @throws CallerError "not_found" when the agent has had none
   */
  worker(agentId: string): FakeWorker;
  /** The first worker of this agent and incarnation, past or future. */
  launched(agentId: string, incarnation: number): Promise<FakeWorker>;
  /** Kills what still runs and settles when it is gone. */
  close(): Promise<void>;
}

const known: ReadonlySet<string> = new Set(["script", "clock"] satisfies (keyof FakeLauncherOptions)[]);
const scriptFields: ReadonlySet<string> = new Set([
  "start",
  "answer",
  "description",
  "imports",
  "onStop",
] satisfies (keyof FakeWorkerScript)[]);

const ends: readonly string[] = ["exitCode", "signal", "loadFailure", "spawnFailed"];

/**
 * Creates a launcher of fake workers.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function createFakeLauncher(options: FakeLauncherOptions = {}): FakeLauncher {
  checkKnownFields("options", options, known);
  const { script = {}, clock = realClock } = options;
  if (typeof script !== "function") checkScript("options.script", script);
  checkClock(options.clock);
  const workers: FakeWorker[] = [];
  const waiting = new Set<(worker: FakeWorker) => void>();

  return {
    kind: "spawn",
    workers,
    launch(spec) {
      const worker = startFakeWorker(spec, scriptOf(script, spec), clock);
      workers.push(worker);
      for (const look of waiting) look(worker);
      return worker;
    },
    worker(agentId) {
      const worker = workers.findLast(({ spec }) => spec.agentId === agentId);
      if (worker !== undefined) return worker;
      throw new CallerError("not_found", `no worker of agent "${agentId}" has been launched`, { value: agentId });
    },
    launched(agentId, incarnation) {
      const wanted = (worker: FakeWorker) => worker.spec.agentId === agentId && worker.incarnation === incarnation;
      const past = workers.find(wanted);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => {
        const look = (worker: FakeWorker) => {
          if (!wanted(worker)) return;
          waiting.delete(look);
          resolve(worker);
        };
        waiting.add(look);
      });
    },
    async close() {
      for (const worker of workers) worker.kill();
      await Promise.all(workers.map((worker) => worker.exited));
    },
  };
}

/** What a worker does. A function that throws, or answers what is none, is the test's mistake: the worker says it, as one whose agent cannot be loaded. */
function scriptOf(script: FakeLauncherOptions["script"] & object, spec: WorkerSpec): FakeWorkerScript {
  if (typeof script !== "function") return script;
  try {
    const asked = script(spec);
    checkScript("script", asked);
    return asked;
  } catch (error) {
    return { start: { loadFailure: { kind: "module_failed", message: `the script of the fake launcher: ${error}` } } };
  }
}

function checkScript(field: string, script: FakeWorkerScript): void {
  checkKnownFields(field, script, scriptFields);
  const { start, answer, imports, onStop } = script;
  if (
    start !== undefined &&
    start !== "ready" &&
    start !== "never" &&
    !(isRecord(start) && ends.some((end) => end in start))
  ) {
    throw invalidArgument(`${field}.start`, start, `"ready", "never", or an object of ${ends.join(", ")}`);
  }
  checkFunctions(field, { answer, imports });
  if (onStop !== undefined && onStop !== "finish" && onStop !== "ignore") {
    throw invalidArgument(`${field}.onStop`, onStop, '"finish" or "ignore"');
  }
}

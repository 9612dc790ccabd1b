/** Children that do what a test says, and the small world they live in: a runtime of their own, a clock that the test moves, a log of what happened. */

import { expect } from "vitest";
import { self as runningProcess } from "../../src/otp/process/current.ts";
import { exit } from "../../src/otp/process/link.ts";
import type { Process, Runtime } from "../../src/otp/process/process.ts";
import { LocalRuntime } from "../../src/otp/process/runtime.ts";
import { Exit, type ExitReason, isShutdown } from "../../src/otp/report/exit-reason.ts";
import type { SupervisorReport } from "../../src/otp/report/supervisor-report.ts";
import { send } from "../../src/otp/request/call.ts";
import type { InitResult } from "../../src/otp/server/definition.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { exited } from "../../src/otp/start/names.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import type { ChildSpec, LogicChildSpec } from "../../src/otp/supervisor/child-spec.ts";
import type { DynamicSupervisor, DynamicSupervisorSpec } from "../../src/otp/supervisor/dynamic.ts";
import type { SupervisorSpec } from "../../src/otp/supervisor/spec.ts";
import { startDynamicSupervisor, startSupervisor } from "../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../src/otp/supervisor/supervisor.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A runtime with what happens in it. */
export interface World {
  readonly clock: VirtualClock;
  readonly runtime: Runtime;
  readonly reports: SupervisorReport[];
  /** "start a", "fail a", "ignore a", "stop a" (asked to), "end a" (by itself). */
  readonly log: string[];
  supervise(spec: Omit<SupervisorSpec, "id"> & { id?: string }): Promise<Supervisor>;
  superviseDynamic(spec?: DynamicSupervisorSpec): Promise<DynamicSupervisor>;
  script(id: string, options?: ScriptOptions): Script;
  /** Runs code as a process of this runtime and settles with its result. */
  inProcess<T>(code: (self: Process) => Promise<T> | T): Promise<T>;
}

/** What a scripted child is, beside its specification. */
export interface ScriptOptions extends Partial<Omit<LogicChildSpec, "id" | "logic">> {
  /** How long its terminate hook takes, by the clock; "infinity" never leaves. */
  readonly stopMs?: number | "infinity";
  /** Reason it leaves with instead of the one it was asked to. */
  readonly leaves?: ExitReason;
  /** Its init takes a turn of the event loop. */
  readonly slow?: boolean;
  /** Does not trap exits: a shutdown ends it at once. */
  readonly plain?: boolean;
}

/** A child of a script. */
export interface Script {
  readonly spec: ChildSpec & LogicChildSpec;
  /** Incarnations, oldest first. */
  readonly refs: Process[];
  /** The newest incarnation. */
  readonly ref: Process;
  /** How many of its next starts fail. */
  fail: number;
  /** Whether its starts choose not to start. */
  ignore: boolean;
  /** Ends by itself, and what follows of it is done. */
  end(reason: ExitReason): Promise<void>;
  /** Is killed, and what follows of it is done. */
  kill(): Promise<void>;
}

/** Makes a world. */
export function createWorld(): World {
  const clock = createVirtualClock();
  const reports: SupervisorReport[] = [];
  const log: string[] = [];
  const runtime = new LocalRuntime({ clock, onReport: (report) => reports.push(report as SupervisorReport) });
  return {
    clock,
    runtime,
    reports,
    log,
    supervise: (spec) => startSupervisor(spec, { runtime }),
    superviseDynamic: (spec = {}) => startDynamicSupervisor(spec, { runtime }),
    script: (id, options) => createScript(id, options ?? {}, { clock, log }),
    inProcess: (code) =>
      new Promise((resolve, reject) => {
        spawn(async ({ self }) => Promise.resolve(code(self)).then(resolve, reject), { runtime });
      }),
  };
}

function createScript(id: string, options: ScriptOptions, world: { clock: VirtualClock; log: string[] }): Script {
  const { stopMs = 0, leaves, plain = false, slow = false, ...spec } = options;
  const { log, clock } = world;
  const refs: Process[] = [];
  const ending = new Set<Process>();
  const logic = fromGenServer<Process, unknown>({
    name: id,
    trapExit: !plain,
    init: () => (slow ? new Promise<void>((resolve) => setImmediate(resolve)).then(begin) : begin()),
    handleInfo(message, self) {
      const { type, reason } = message as { type: string; reason: ExitReason };
      if (type !== "end") return { noreply: true };
      ending.add(self);
      return { stop: reason };
    },
    terminate(reason, self): void | Promise<void> {
      const asked = !ending.has(self);
      log.push(`${asked ? "stop" : "end"} ${id}${isShutdown(reason) || !asked ? "" : ` ${String(reason)}`}`);
      if (!asked) return;
      if (stopMs === "infinity") return new Promise(() => undefined);
      if (stopMs > 0) return new Promise<void>((resolve) => void clock.setTimeout(resolve, stopMs)).then(leave);
      leave();
    },
  });
  function begin(): InitResult<Process> {
    const self = runningProcess();
    if (script.ignore) {
      log.push(`ignore ${id}`);
      return { ignore: true };
    }
    if (script.fail > 0) {
      script.fail -= 1;
      log.push(`fail ${id}`);
      throw new Error(`start of ${id} fails`);
    }
    log.push(`start ${id}`);
    refs.push(self);
    return { state: self };
  }
  function leave(): void {
    if (leaves !== undefined) throw new Exit(leaves);
  }
  const script: Script = {
    spec: { ...spec, id, logic },
    refs,
    fail: 0,
    ignore: false,
    get ref() {
      return refs.at(-1) as Process;
    },
    async end(reason) {
      const { ref } = script;
      send(ref, { type: "end", reason });
      await exited(ref);
      await quiet();
    },
    async kill() {
      const { ref } = script;
      exit(ref, "kill");
      await exited(ref);
      await quiet();
    },
  };
  return script;
}

/** Settles when everything that follows of what has happened, without time passing, is done. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Settles when `check` is true; fails after two seconds. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 2_000;
  while (!check()) {
    if (performance.now() > deadlineMs) expect.fail(`never happened: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Remembers what each incarnation was started with. */
export function recorder() {
  const inputs: unknown[] = [];
  const logic = fromGenServer({
    init(input: unknown) {
      inputs.push(input);
      return { state: input };
    },
  });
  return { inputs, logic };
}

/** The counts of a supervisor: specs, active, supervisors, workers. */
export const counts = (supervisor: { countChildren(): object }) => Object.values(supervisor.countChildren());

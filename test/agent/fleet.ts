/** Agents under a real supervisor, with fake workers and a clock that the test moves. */

import { pino } from "pino";
import { afterEach } from "vitest";
import { AgentProcess } from "../../src/agent/agent-process.ts";
import type { AgentReport } from "../../src/agent/agent-report.ts";
import { defineAgent } from "../../src/agent/define.ts";
import { AgentEnvironment } from "../../src/agent/environment.ts";
import type { Agent } from "../../src/agent/handle.ts";
import { RunLedger } from "../../src/agent/run-ledger.ts";
import { type KeepOptions, normalizeRunLimits } from "../../src/agent/run-limits.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import type { SupervisorReport } from "../../src/otp/report/supervisor-report.ts";
import type { SupervisorSpec } from "../../src/otp/supervisor/spec.ts";
import { startSupervisor } from "../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../src/otp/supervisor/supervisor.ts";
import {
  createFakeLauncher,
  createVirtualClock,
  type FakeLauncher,
  type FakeRun,
  type FakeWorkerScript,
  type VirtualClock,
} from "../../src/testing/index.ts";
import type { WorkerSpec } from "../../src/worker/launcher.ts";
import { within } from "../rpc/agent-server.ts";

/** What a fleet reports. */
export type Report = AgentReport | SupervisorReport;
type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

/** A supervisor with its agents. */
export interface Fleet {
  supervisor: Supervisor;
  launcher: FakeLauncher;
  clock: VirtualClock;
  reports: Report[];
  environment: AgentEnvironment;
  /** The handle of an agent; default "poet". */
  agent(id?: string): Agent;
  process(id?: string): AgentProcess;
  /** The first report of this type that matches, past or future; 5 seconds at most. */
  report<T extends Report["type"]>(type: T, match?: (report: ReportOf<T>) => boolean): Promise<ReportOf<T>>;
  /** Moves the clock in steps of 10 ms, with turns of the event loop between them, until the promise settles. */
  whileTimePasses<T>(promise: Promise<T>): Promise<T>;
}

/** Options of {@link startFleet}. */
export interface FleetOptions {
  script?: FakeWorkerScript | ((spec: WorkerSpec) => FakeWorkerScript);
  supervisor?: Omit<SupervisorSpec, "id" | "children">;
  /** Told of every report at once, as a listener of a system is. */
  onReport?: (report: Report) => void;
  /** What is kept of runs. */
  runs?: KeepOptions;
}

/** A worker that never answers the prompt "hang", and any other with its own words. */
export const hang: FakeWorkerScript = {
  answer: ({ prompt }: FakeRun) => (prompt === "hang" ? { hang: true } : prompt),
};

const running: Fleet[] = [];

afterEach(async () => {
  for (const fleet of running.splice(0)) {
    fleet.supervisor.kill();
    await within("the end of a fleet", fleet.whileTimePasses(fleet.supervisor.ended));
    await fleet.launcher.close();
  }
});

/** A fleet of the agent "poet" with these changes to its specification. */
export function startPoet(spec: Partial<AgentSpec> = {}, options: FleetOptions = {}): Promise<Fleet> {
  return startFleet([spec], options);
}

/** Starts a supervisor with an agent for each specification; it is killed after the test. */
export async function startFleet(specs: Partial<AgentSpec>[], options: FleetOptions = {}): Promise<Fleet> {
  const clock = createVirtualClock(1_000_000);
  const launcher = createFakeLauncher({ clock, ...(options.script === undefined ? {} : { script: options.script }) });
  const reports: Report[] = [];
  const waits = new Set<() => void>();
  const onReport = (report: unknown) => {
    reports.push(report as Report);
    options.onReport?.(report as Report);
    for (const look of waits) look();
  };
  const environment = new AgentEnvironment({
    launcher,
    cwd: "/",
    env: { SHARED: "1" },
    logger: pino({ level: "silent" }),
    maxMessageBytes: 1024 * 1024,
    report: onReport,
    ledger: new RunLedger(clock, normalizeRunLimits("runs", options.runs)),
  });
  environment.interpreter = "/nowhere/python";
  const children = specs.map((spec) => defineAgent({ id: "poet", entry: "poet.py:agent", ...spec }));
  const supervisor = await startSupervisor({ ...options.supervisor, children }, { clock, environment, onReport });
  const process = (id = "poet") => {
    const found = environment.agents.get(id);
    if (!(found instanceof AgentProcess)) throw new Error(`no agent "${id}"`);
    return found;
  };
  const slot = (id = "poet") => {
    const found = environment.agents.get(id);
    if (found === undefined) throw new Error(`no agent "${id}"`);
    return found;
  };
  const fleet: Fleet = {
    supervisor,
    launcher,
    clock,
    reports,
    environment,
    process,
    agent: (id) => slot(id).handle as Agent,
    report(type, match = () => true) {
      const { promise, resolve } = Promise.withResolvers<ReportOf<typeof type>>();
      const look = () => {
        const found = reports.find((one) => one.type === type && match(one as ReportOf<typeof type>));
        if (found === undefined) return;
        waits.delete(look);
        resolve(found as ReportOf<typeof type>);
      };
      waits.add(look);
      look();
      return within(`the report "${type}"`, promise);
    },
    async whileTimePasses(promise) {
      let settled = false;
      const settle = () => {
        settled = true;
      };
      promise.then(settle, settle);
      const deadlineMs = performance.now() + 5_000;
      while (!settled && performance.now() < deadlineMs) {
        for (let turn = 0; turn < 10 && !settled; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        if (!settled) clock.advance(10);
      }
      return within("what the clock was moved for", promise);
    },
  };
  running.push(fleet);
  return fleet;
}

/** Turns of the event loop until `done` holds; 5 seconds at most. */
export async function until(what: string, done: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!done()) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not happen within 5 s`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

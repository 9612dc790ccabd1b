/** What the end-to-end tests share: a system over the fixture agents, its reports, its log lines, and waits with a deadline. */

import { Writable } from "node:stream";
import { pino } from "pino";
import { afterEach } from "vitest";
import type { AgentSpec } from "../../src/agent/spec.ts";
import type { ChildSpec } from "../../src/otp/supervisor/child-spec.ts";
import type { Report } from "../../src/report.ts";
import { startSystem } from "../../src/start-system.ts";
import type { System } from "../../src/system.ts";
import type { SystemOptions } from "../../src/system-options.ts";
import type { SystemParts } from "../../src/system-parts.ts";
import { statFields } from "../../src/worker/proc.ts";
import { testAgent } from "../fixtures/hosts/hosted-agent.ts";

export { testAgent, testLauncher } from "../fixtures/hosts/hosted-agent.ts";

/** One line of the system's log. */
export interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

/** A system under test; it is stopped when the test has finished. */
export interface Watched {
  system: System;
  reports: Report[];
  log: LogLine[];
  /** The first report that matches, past or future. */
  report<T extends Report["type"]>(type: T, match?: (report: ReportOf<T>) => boolean): Promise<ReportOf<T>>;
  /** The first log line that matches, past or future. */
  logged(match: (line: LogLine) => boolean): Promise<LogLine>;
}

type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

const deadlineMs = 20_000;
const running = new Set<System>();

// Hooks run in reverse order: this one before the harness looks for what is left.
afterEach(async () => {
  const systems = [...running];
  running.clear();
  await Promise.all(systems.map((system) => system.stop({ timeoutMs: 10_000 })));
});

/** An agent over test/fixtures/agents/controllable.py, whose prompts are commands. */
export function controllable(spec: Partial<AgentSpec> = {}) {
  return testAgent({ id: "ctl", entry: "test/fixtures/agents/controllable.py:agent", ...spec });
}

/** Starts a system and watches it. */
export async function watch(children: ChildSpec[], options: SystemOptions = {}, parts?: SystemParts): Promise<Watched> {
  const log: LogLine[] = [];
  const reports: Report[] = [];
  const waits = new Set<() => void>();
  const wake = () => {
    for (const check of waits) check();
  };
  const sink = new Writable({
    write(chunk, _encoding, done) {
      log.push(JSON.parse(String(chunk)) as LogLine);
      wake();
      done();
    },
  });
  const logger = pino({ level: "debug" }, sink);
  const system = await startSystem({ children, logger, ...options }, parts);
  running.add(system);
  system.onReport((report) => {
    reports.push(report);
    wake();
  });

  function until<T>(what: string, find: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      const found = find();
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(() => {
      const seen = reports.map((one) => (one.type === "agent.crashed" ? one.crash.describe : one.type)).join(", ");
      reject(new Error(`no ${what} within ${deadlineMs} ms; reports: ${seen}`));
    }, deadlineMs);
    waits.add(check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      waits.delete(check);
    });
  }

  return {
    system,
    reports,
    log,
    report: (type, match = () => true) =>
      until(`report "${type}"`, () =>
        reports.find((report): report is ReportOf<typeof type> => report.type === type && match(report as never)),
      ),
    logged: (match) => until("log line", () => log.find(match)),
  };
}

/** Whether a process lives; a zombie is dead. */
export function isAlive(pid: number): boolean {
  try {
    return statFields(pid)[0] !== "Z";
  } catch {
    return false;
  }
}

/** Settles when none of the processes lives. */
export async function untilGone(...pids: number[]): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const alive = pids.filter(isAlive);
    if (alive.length === 0) return;
    if (performance.now() > deadline) throw new Error(`still alive after ${deadlineMs} ms: ${alive.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The pid of an agent that has a worker. */
export function pidOf(agent: { pid: number | undefined }): number {
  if (agent.pid === undefined) throw new Error("the agent has no worker now");
  return agent.pid;
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

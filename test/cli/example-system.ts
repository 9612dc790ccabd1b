/** A system as `ps` shows it. */

import type { ShownRun } from "../../src/cli/runs-text.ts";
import type { ShownRow, ShownSystem } from "../../src/cli/status-text.ts";

const row = (id: string, depth: number, more: Partial<ShownRow> = {}): ShownRow => ({
  id,
  path: id,
  depth,
  type: "worker",
  state: "ready",
  restarts: 0,
  ...more,
});

const rows = [
  row("answers", 0, { type: "supervisor", state: "running" }),
  row("team", 1, { type: "supervisor", state: "running", restarts: 12 }),
  row("chat", 2, {
    pid: 1234567,
    incarnation: 3,
    queueLength: 1000,
    inFlight: 8,
    memoryBytes: 2 ** 30 * 3,
    loop: "unresponsive",
  }),
  row("search-with-a-name-that-is-long", 2, { state: "restarting", queueLength: 0, inFlight: 0 }),
  row("last", 1, { pid: 7, incarnation: 1, queueLength: 0, inFlight: 0, memoryBytes: 57 * 1024 ** 2 }),
];
/** The system that docs/cli.md shows. */
export const exampleSystem = {
  system: "answers",
  pid: 42,
  upMs: 61_000,
  status: "degraded",
  rows,
  leftOut: 0,
  runs: [],
  runsLeftOut: 0,
} as const satisfies ShownSystem;

/** Runs of it. */
export const exampleRuns = [
  {
    runId: "3f2c0a1b-0000",
    agentId: "chat",
    state: "waiting",
    kept: false,
    ageMs: 125_000,
    waits: [
      {
        token: "t1",
        name: "deferred_tool_calls",
        sinceMs: 1,
        asks: [{ kind: "approval", toolName: "delete_file", args: {} }],
      },
      { token: "t2", name: "reason-of-the-user", sinceMs: 2 },
    ],
  },
  {
    runId: "9d41e77c-0000",
    agentId: "search-with-a-name-that-is-long",
    state: "paused",
    kept: true,
    ageMs: 3_600_000,
    asks: [{ kind: "question", toolName: "ask_user", args: {} }],
  },
  { runId: "77aa01c2-0000", agentId: "chat", state: "running", kept: true, ageMs: 1_500 },
  { runId: "11bb01c2-0000", agentId: "chat", state: "completed", kept: true, ageMs: 9_500 },
  { runId: "22cc01c2-0000", agentId: "chat", state: "failed", kept: true, ageMs: 9_500, error: "[run_failed] no" },
] as const satisfies readonly ShownRun[];

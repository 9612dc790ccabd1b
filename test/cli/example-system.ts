/** A system as `ps` shows it. */

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
} as const satisfies ShownSystem;

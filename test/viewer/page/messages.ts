/** Messages of a system, as the tests of the page tell them. */

import type { WatchMessage } from "../../../src/inspect/watch.ts";
import type { WireEvent } from "../../../src/inspect/wire-event.ts";

const base = (sessionId: string, atMs: number) =>
  ({ sessionId, rootId: "r", createdAt: String(atMs), id: null, _version: "0" }) as const;
/** One that is there. */
export const actor = (sessionId: string, name: string, parentId?: string, value = "off"): WireEvent => ({
  type: "@xstate.actor",
  name,
  parentId,
  definition: "{}",
  snapshot: { status: "active", value },
  ...base(sessionId, 1),
});
/** An event to one. */
export const sent = (sessionId: string, type: string, atMs: number, sourceId?: string): WireEvent => ({
  type: "@xstate.event",
  sourceId,
  event: { type },
  ...base(sessionId, atMs),
});
/** One has changed. */
export const moved = (sessionId: string, type: string, value: string, atMs: number): WireEvent => ({
  type: "@xstate.snapshot",
  event: { type },
  snapshot: { status: "active", value },
  ...base(sessionId, atMs),
});
/** A report. */
export const report = (atMs: number, facts: { type: string }): WatchMessage => ({
  type: "report",
  atMs,
  level: "info",
  text: facts.type,
  report: facts,
});
/** One that has ended. */
export const ended = (sessionId: string, atMs: number): WireEvent => ({
  type: "@xstate.snapshot",
  event: { type: "done" },
  snapshot: { status: "done" },
  ...base(sessionId, atMs),
});
/** A runtime, a system, an agent. */
export const family = [actor("r", "runtime"), actor("s", "house", "r"), actor("a", "poet", "s")];

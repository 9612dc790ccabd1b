/** The door "synapse-otp/inspect": who looks at a system while it runs, and what has been recorded of one. */

import "../supported-node.ts";

export type { Sanitise } from "./definition-text.ts";
export type {
  InspectedSystem,
  NodeStatus,
  SystemInspector,
  ToldAsk,
  ToldLine,
  ToldReport,
  ToldRun,
  ToldWait,
} from "./inspected-system.ts";
export { type RecordOptions, readRecording, record } from "./record.ts";
export { type StatelyInspector, type StatelyInspectorOptions, statelyInspector } from "./stately-inspector.ts";
export type { WatchMessage } from "./watch.ts";
export type { WireEvent } from "./wire-event.ts";

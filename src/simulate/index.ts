/** The door "synapse-otp/simulate": plays systems and policies through before they run. */

import "../supported-node.ts";

export type { Distribution } from "./distribution.ts";
export { type ChildFaults, type CrashKind, defineFaults, type Faults, type StartFaultKind } from "./faults.ts";
export type {
  SimulatedChildResult,
  SimulatedDecision,
  SimulatedGivingUp,
  SimulatedSpan,
  SimulationResult,
} from "./result.ts";
export { type SimulateOptions, simulate } from "./simulate.ts";
export { simulationText } from "./table.ts";
export { simulationSvg } from "./timeline.ts";

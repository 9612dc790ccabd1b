/** The door "synapse-otp/simulate": plays systems and policies through before they run. */

import "../supported-node.ts";

export type { Distribution } from "./distribution.ts";
export { type ExploreOptions, explore } from "./explore.ts";
export { type ChildFaults, type CrashKind, defineFaults, type Faults, type StartFaultKind } from "./faults.ts";
export type { Exploration, FindingType, PolicyFinding } from "./finding.ts";
export type { Quantity } from "./quantity.ts";
export type {
  SimulatedChildResult,
  SimulatedDecision,
  SimulatedGivingUp,
  SimulatedLimit,
  SimulatedSpan,
  SimulationResult,
} from "./result.ts";
export { type SimulateOptions, simulate } from "./simulate.ts";
export { explorationText, simulationText } from "./table.ts";
export { simulationSvg } from "./timeline.ts";
export type { EndKind, ExploredEnd } from "./trial.ts";

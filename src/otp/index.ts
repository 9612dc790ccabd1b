/** The door "synapse-otp/otp": supervision without Python. Needs xstate and nothing else. */

export { CallerError, ProcessError, SynapseError } from "../errors.ts";
export type {
  ChildScope,
  ChildSpec,
  ChildSpecBase,
  LogicChildSpec,
  ResidentChild,
  RunningChild,
  Shutdown,
  StartChildSpec,
} from "./child-spec.ts";
export { type Clock, realClock } from "./clock.ts";
export { describeExitReason, type ExitReason, exitReasonOf, isCleanExit, isShutdown } from "./exit-reason.ts";
export type { Offender, SupervisorReport } from "./report.ts";
export {
  type ChildExit,
  type RestartDecision,
  type RestartIntensity,
  type RestartPolicy,
  type RestartType,
  restartIntensity,
  wantsRestart,
} from "./restart-policy.ts";
export {
  countChildren,
  defineSupervisor,
  deleteChild,
  restartChild,
  type SupervisorDefinition,
  startChild,
  startSupervisor,
  terminateChild,
  tree,
  whichChildren,
} from "./start-supervisor.ts";
export type { ChildInfo, Supervisor } from "./supervisor.ts";
export type { ChildCounts, SupervisorHost } from "./supervisor-core.ts";
export type { Strategy, SupervisorSpec } from "./supervisor-spec.ts";
export type { TreeNode } from "./tree.ts";

/** The door "synapse-otp/otp": processes, servers, supervisors, registries, groups and tasks. Needs xstate and nothing else. */

// Processes, their names, links and monitors.

export { type Alias, type AliasMode, createAlias, unalias } from "./alias.ts";
export { ancestors, callers } from "./callers.ts";
export { self } from "./current.ts";
export { exit, link, trapExit, unlink } from "./link.ts";
export type { MailboxLimit, WhenFull } from "./mailbox-limit.ts";
export { type DownMessage, demonitor, type Monitor, type MonitorOptions, monitor } from "./monitor.ts";
export { exited, isAlive, register, unregister, whereis } from "./names.ts";
export type { ExitMessage, Process } from "./process.ts";
export { cancelTimer, type MessageTimer, readTimer, sendAfter, sendAt } from "./send-after.ts";
export { type ProcessCode, type ProcessContext, spawn, spawnLink } from "./spawn.ts";
export { type StartOptions, start, startLink, startMonitor } from "./start.ts";
export { stop } from "./stop.ts";
export { type HasProcess, type NameService, processOf, type Target, type Via } from "./target.ts";

// Requests and servers.

export {
  type LabelledResponse,
  RequestCollection,
  type Response,
  receiveResponse,
  type SentRequest,
  sendRequest,
  type WaitOptions,
  waitResponse,
} from "./async-request.ts";
export { type CallOptions, call, cast, type From, reply, send } from "./call.ts";
export {
  type Cell,
  type CellOptions,
  castCell,
  fromCell,
  readAndUpdateCell,
  readCell,
  startCell,
  startCellLink,
  updateCell,
} from "./cell.ts";
export type {
  CallResult,
  FormattedStatus,
  GenServerDefinition,
  HandlerResult,
  InitResult,
  Stop,
  Then,
} from "./definition.ts";
export { fromGenServer, type GenServerLogic, type GenServerSnapshot } from "./gen-server.ts";
export { type MultiCallResult, multiCall } from "./multi-call.ts";
export type { Protocol, Ref, Request } from "./protocol.ts";

// Supervisors.

export type {
  ChildScope,
  ChildSpec,
  ChildSpecBase,
  LogicChildSpec,
  NormalChildSpec,
  ResidentChild,
  RunningChild,
  StartChildSpec,
  StartedChild,
} from "./child-spec.ts";
export type { DynamicChildSpec, DynamicSupervisor, DynamicSupervisorSpec } from "./dynamic-supervisor.ts";
export {
  definePartitionSupervisor,
  type NestedPartitionSupervisorSpec,
  type PartitionSupervisor,
  type PartitionSupervisorSpec,
  partition,
  partitions,
  startPartitionSupervisor,
} from "./partition-supervisor.ts";
export type { RestartDecision, RestartType, Shutdown } from "./report.ts";
export {
  type ChildExit,
  type RestartIntensity,
  type RestartPolicy,
  restartIntensity,
  wantsRestart,
} from "./restart-policy.ts";
export {
  checkChildSpecs,
  countChildren,
  defineDynamicSupervisor,
  defineSupervisor,
  deleteChild,
  getChildSpec,
  restartChild,
  type SupervisorDefinition,
  type SupervisorStartOptions,
  type SupervisorTarget,
  startChild,
  startDynamicSupervisor,
  startSupervisor,
  terminateChild,
  tree,
  whichChild,
  whichChildren,
} from "./start-supervisor.ts";
export type { ChildInfo, Supervisor } from "./supervisor.ts";
export type { ChildCounts, SupervisorHost } from "./supervisor-core.ts";
export type { AutoShutdown, Strategy, SupervisorSpec } from "./supervisor-spec.ts";
export type { TreeNode } from "./tree.ts";

// Registries, groups and tasks.

export type { StreamOutcome } from "./async-stream.ts";
export { type GroupMessage, type GroupMonitor, Groups } from "./groups.ts";
export type { RegistryMessage } from "./registry.ts";
export { Registry } from "./registry.ts";
export type { RegistryEntry } from "./registry-entry.ts";
export type { RegistryOptions } from "./registry-options.ts";
export { Task } from "./task.ts";
export type { TaskCode, TaskReply } from "./task-handle.ts";
export type {
  AsyncStreamOptions,
  AwaitOptions,
  TaskChildOptions,
  TaskOptions,
  TaskShutdownOptions,
  YieldManyOptions,
} from "./task-options.ts";
export type { TaskOutcome } from "./task-outcome.ts";
export {
  defineTaskSupervisor,
  type SupervisedStreamOptions,
  type SupervisedTaskOptions,
  startTaskSupervisor,
  type TaskChildStartOptions,
  TaskSupervisor,
  type TaskSupervisorSpec,
} from "./task-supervisor.ts";

// Looking inside.

export type { MessageKind, Trace, TraceEvent } from "./process.ts";
export { type ProcessInfo, processInfo, setLabel } from "./process-info.ts";
export {
  getState,
  getStatus,
  type ProcessStatistics,
  type ProcessStatusReport,
  replaceState,
  resume,
  type SysOptions,
  statistics,
  suspend,
  trace,
} from "./sys.ts";

// Ends, errors, reports, time.

export { CallerError, type CallerErrorCode, ProcessError, type ProcessErrorCode, SynapseError } from "../errors.ts";
export { type Clock, realClock } from "./clock.ts";
export { describeExitReason, Exit, type ExitReason, exitReasonOf, isCleanExit, isShutdown } from "./exit-reason.ts";
export { type FormatLimits, formatReport } from "./format-report.ts";
export type { ProcessReport } from "./process-report.ts";
export type { Offender, SupervisorReport } from "./report.ts";
export { LocalRuntime as Runtime, type RuntimeOptions } from "./runtime.ts";

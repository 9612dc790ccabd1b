/** The door "synapse-otp/otp": processes, servers, supervisors, registries, groups and tasks. Needs xstate and nothing else. */

import "../supported-node.ts";

// Processes, their names, links and monitors.

export { type Alias, type AliasMode, createAlias, unalias } from "./process/alias.ts";
export { self } from "./process/current.ts";
export { exitSignal } from "./process/exit-signal.ts";
export { exit, link, trapExit, unlink } from "./process/link.ts";
export type { MailboxLimit, WhenFull } from "./process/mailbox-limit.ts";
export { type DownMessage, demonitor, type Monitor, type MonitorOptions, monitor } from "./process/monitor.ts";
export type { ExitMessage, Process } from "./process/process.ts";
export { type HasProcess, type NameService, processOf, type Target, type Via } from "./process/target.ts";
export { cancelTimer, type MessageTimer, readTimer, sendAfter, sendAt, sendInterval } from "./request/send-after.ts";
export { stop } from "./request/stop.ts";
export { ancestors, callers } from "./start/callers.ts";
export { exited, isAlive, register, unregister, whereis } from "./start/names.ts";
export { type ProcessCode, type ProcessContext, spawn, spawnLink, spawnMonitor } from "./start/spawn.ts";
export { type StartOptions, start, startLink, startMonitor } from "./start/start.ts";

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
} from "./request/async-request.ts";
export { type CallOptions, call, cast, type From, reply, send } from "./request/call.ts";
export { type CallEvent, type CastEvent, isCall } from "./request/machine-event.ts";
export { type MultiCallResult, multiCall } from "./request/multi-call.ts";
export type { Protocol, Ref, Request } from "./request/protocol.ts";
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
} from "./server/cell.ts";
export type {
  CallResult,
  FormattedStatus,
  GenServerDefinition,
  HandlerResult,
  InitResult,
  Stop,
  Then,
} from "./server/definition.ts";
export { fromGenServer, type GenServerLogic, type GenServerSnapshot } from "./server/gen-server.ts";
export { fromMachine, type MachineCallbacks } from "./start/from-machine.ts";
export { postpone } from "./start/postpone.ts";

// Supervisors.

export { type Budget, budget } from "./policy/budget.ts";
export { byExitReason, type ExitRule } from "./policy/by-exit-reason.ts";
export { type ByRunError, byRunError } from "./policy/by-run-error.ts";
export { type CircuitBreaker, circuitBreaker } from "./policy/circuit-breaker.ts";
export { type ExponentialBackoff, exponentialBackoff, withBackoff } from "./policy/exponential-backoff.ts";
export { forChildren, policies } from "./policy/policies.ts";
export { type RestartBudget, restartBudget } from "./policy/restart-budget.ts";
export {
  type ChildExit,
  type PassingPolicy,
  type RestartIntensity,
  type RestartPolicy,
  restartIntensity,
  wantsRestart,
} from "./policy/restart-policy.ts";
export type { RestartDecision, RestartType, Shutdown } from "./report/supervisor-report.ts";
export { formatTree, type TreeNode } from "./report/tree.ts";
export type {
  ChildSpec,
  ChildSpecBase,
  LogicChildSpec,
  NormalChildSpec,
  StartChildSpec,
} from "./supervisor/child-spec.ts";
export type { DynamicChildSpec, DynamicSupervisor, DynamicSupervisorSpec } from "./supervisor/dynamic.ts";
export type { SupervisorHost } from "./supervisor/host.ts";
export { childSpec } from "./supervisor/made-spec.ts";
export {
  definePartitionSupervisor,
  type NestedPartitionSupervisorSpec,
  type PartitionSupervisor,
  type PartitionSupervisorSpec,
  partition,
  partitions,
  startPartitionSupervisor,
} from "./supervisor/partition.ts";
export type {
  ChildScope,
  ResidentChild,
  RunningChild,
  StartedChild,
  StartedRef,
  StartedWithInfo,
} from "./supervisor/running-child.ts";
export type { AutoShutdown, Strategy, SupervisorSpec } from "./supervisor/spec.ts";
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
} from "./supervisor/start.ts";
export type { ChildInfo, Supervisor } from "./supervisor/supervisor.ts";
export type { ChildCounts } from "./supervisor/telling.ts";

// Registries, groups and tasks.

export type { RegistryEntry } from "./registry/entry.ts";
export { type GroupMessage, type GroupMonitor, Groups } from "./registry/groups.ts";
export type { RegistryOptions } from "./registry/options.ts";
export type { RegistryMessage } from "./registry/registry.ts";
export { Registry } from "./registry/registry.ts";
export type { StreamOutcome } from "./task/async-stream.ts";
export type { TaskCode, TaskReply } from "./task/handle.ts";
export type {
  AsyncStreamOptions,
  AwaitOptions,
  TaskChildOptions,
  TaskOptions,
  TaskShutdownOptions,
  YieldManyOptions,
} from "./task/options.ts";
export type { TaskOutcome } from "./task/outcome.ts";
export {
  defineTaskSupervisor,
  type SupervisedStreamOptions,
  type SupervisedTaskOptions,
  startTaskSupervisor,
  type TaskChildStartOptions,
  TaskSupervisor,
  type TaskSupervisorSpec,
} from "./task/supervisor.ts";
export { Task } from "./task/task.ts";

// Looking inside.

export { setDefaultReporter } from "./process/default-reporter.ts";
export type { MessageKind, Trace, TraceEvent } from "./process/process.ts";
export { type ProcessInfo, processInfo, setLabel } from "./process/process-info.ts";
export { formatProcesses, processes } from "./process/process-list.ts";
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
} from "./request/sys.ts";

// Ends, errors, reports, time.

export { CallerError, type CallerErrorCode, ProcessError, type ProcessErrorCode, SynapseError } from "../errors.ts";
export { LocalRuntime as Runtime, type RuntimeOptions } from "./process/runtime.ts";
export {
  describeExitReason,
  Exit,
  type ExitReason,
  exitReasonOf,
  isCleanExit,
  isShutdown,
} from "./report/exit-reason.ts";
export { type FormatLimits, formatReport } from "./report/format-report.ts";
export type { ProcessReport } from "./report/process-report.ts";
export type { Offender, SupervisorReport } from "./report/supervisor-report.ts";
export { type Clock, realClock } from "./scheduler/clock.ts";

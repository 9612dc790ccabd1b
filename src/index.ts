/** The door "synapse-otp": systems of supervised Python agents. */

import "./supported-node.ts";

export type { AgentHealth } from "./agent/agent-health.ts";
export type { AgentReport } from "./agent/agent-report.ts";
export type { RunProgress } from "./agent/carriage.ts";
export { type AgentContract, isToolCall, type ToolCallOf } from "./agent/contract.ts";
export type {
  Conversation,
  ConversationOptions,
  PausableTurnOptions,
  TurnOptions,
} from "./agent/conversation.ts";
export {
  type ConversationStore,
  createConversationStore,
  type StoredConversation,
} from "./agent/conversation-store.ts";
export { type AgentDefinition, type ContractAgentSpec, defineAgent } from "./agent/define.ts";
export type { FetchOptions } from "./agent/fetch-options.ts";
export type { Agent } from "./agent/handle.ts";
export type { WaitOptions } from "./agent/handle-owner.ts";
export type { InstanceInfo, SpareInfo } from "./agent/instance-info.ts";
export type { InstanceOptions } from "./agent/instance-limits.ts";
export type { JsonSchema } from "./agent/json-schema.ts";
export type { AgentState } from "./agent/machine.ts";
export type { OpenWait } from "./agent/open-waits.ts";
export type { PausedRun, PendingAnswer, PendingAnswers } from "./agent/paused-run.ts";
export type { RecycleOptions } from "./agent/recycling.ts";
export type { RestartOptions } from "./agent/restart-options.ts";
export type { ResumeOptions, Resumption } from "./agent/resumption.ts";
export type { RetryOptions } from "./agent/retry.ts";
export type { KeptRuns } from "./agent/run-ledger.ts";
export type { KeepOptions } from "./agent/run-limits.ts";
export type { PausableRunOptions, Prompt, RunOptions } from "./agent/run-options.ts";
export type { FinishReason, RunEvent, RunOutcome, RunResult } from "./agent/run-result.ts";
export type { RunStream } from "./agent/run-stream.ts";
export type { AttachOptions, RunFilter, RunHandle, RunInfo, RunState, Runs } from "./agent/runs.ts";
export type { AgentSpec } from "./agent/spec.ts";
export type { StartOptions } from "./agent/start-run.ts";
export type { SendOptions } from "./agent/steering.ts";
export { type Tool, type ToolContent, type ToolContext, type Tools, tool, toolContent } from "./agent/tool.ts";
export { ModelRetry, ToolFailed } from "./agent/tool-signals.ts";
export type { WhenBusy } from "./agent/turns.ts";
export type { CrashRecord } from "./crash.ts";
export { defineSystem, type SystemDefinition } from "./define-system.ts";
export {
  CallerError,
  type CallerErrorCode,
  type ErrorCode,
  ProcessError,
  type ProcessErrorCode,
  RunError,
  type RunErrorCode,
  type RunErrorKind,
  SynapseError,
  type ValidationIssue,
  WorkerError,
  type WorkerErrorCode,
} from "./errors.ts";
export type { HistogramValue } from "./histogram.ts";
export { httpStatuses, httpStatusesOfKinds, httpStatusOf } from "./http-status.ts";
export type { Inspector } from "./inspect/observer.ts";
export type { SystemLogger } from "./logger.ts";
export type { AgentMetrics, SystemMetrics } from "./metrics.ts";
export { type Budget, budget } from "./otp/policy/budget.ts";
export { byExitReason, type ExitRule } from "./otp/policy/by-exit-reason.ts";
export { type ByRunError, byRunError } from "./otp/policy/by-run-error.ts";
export { type CircuitBreaker, circuitBreaker } from "./otp/policy/circuit-breaker.ts";
export { type ExponentialBackoff, exponentialBackoff, withBackoff } from "./otp/policy/exponential-backoff.ts";
export { forChildren, policies } from "./otp/policy/policies.ts";
export { type RestartBudget, restartBudget } from "./otp/policy/restart-budget.ts";
export {
  type ChildExit,
  type PassingPolicy,
  type RestartIntensity,
  type RestartPolicy,
  restartIntensity,
} from "./otp/policy/restart-policy.ts";
export type { ExitReason } from "./otp/report/exit-reason.ts";
export type { RestartDecision, RestartType, Shutdown, SupervisorReport } from "./otp/report/supervisor-report.ts";
export { formatTree, type TreeNode } from "./otp/report/tree.ts";
export type { ChildSpec } from "./otp/supervisor/child-spec.ts";
export type { Strategy, SupervisorSpec } from "./otp/supervisor/spec.ts";
export { defineSupervisor, type SupervisorDefinition } from "./otp/supervisor/start.ts";
export { prometheusContentType, prometheusText } from "./prometheus.ts";
export type { Report } from "./report.ts";
export { describeReport } from "./report-log.ts";
export type { ContentPart, MediaType } from "./rpc/content.ts";
export type { PendingCall } from "./rpc/deferred-calls.ts";
export type { UnsafeNumbers } from "./rpc/exact-json.ts";
export type { Citation, DeferredRequests, ResponsePart, ToolCallPart } from "./rpc/message-part.ts";
export type { InputOutcome, ToolOutcome } from "./rpc/run-event.ts";
export type { AgentDescription, AgentTool, ModelSettings, UsageLimits } from "./rpc/run-types.ts";
export { startSystem } from "./start-system.ts";
export type { System } from "./system.ts";
export type { SystemHealth } from "./system-health.ts";
export type { PythonOptions, StopOptions, SystemOptions } from "./system-options.ts";
export type { SystemParts } from "./system-parts.ts";
export type { Usage } from "./usage.ts";

/** What a fake agent throws, as the Python servicer would send it: a gRPC status with an AgentError in its details. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { RunError, type RunErrorKind, withoutCode } from "../errors.ts";
import { AgentErrorKind, AgentErrorSchema } from "../gen/synapse_otp/v1/agent_pb.ts";

/** An error as it goes over the wire: the status of the call, and the value for a stream's failed event. */
export interface FakeFailure {
  readonly status: ConnectError;
  readonly error: MessageInitShape<typeof AgentErrorSchema>;
}

/** Anything that a fake agent threw → a failure. A RunError keeps its kind; another error is of kind "user_code". */
export function toFakeFailure(thrown: unknown, about: { runId: string; unfinished: boolean }): FakeFailure {
  if (thrown instanceof RunError) {
    const message = withoutCode(thrown.message);
    return failure(message, thrown.kind, { ...about, ...factsOf(thrown) });
  }
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return failure(error.message, "user_code", { ...about, pythonType: error.name, traceback: error.stack ?? "" });
}

/** What a provider, a limit or a tool says goes over the wire too: policies and HTTP statuses act on it. */
function factsOf(error: RunError): MessageInitShape<typeof AgentErrorSchema> {
  const { retriable, retryAfterMs, httpStatus } = error;
  return {
    retriable,
    pythonType: error.pythonType ?? "",
    toolName: error.toolName ?? "",
    toolCallId: error.toolCallId ?? "",
    limitName: error.limitName ?? "",
    modelName: error.modelName ?? "",
    providerErrorCode: error.providerCode ?? "",
    providerErrorType: error.providerType ?? "",
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(retryAfterMs === undefined ? {} : { retryAfterS: retryAfterMs / 1_000 }),
  };
}

/** What a worker says to a run that comes after it was asked to stop. */
export function drainingFailure(agentId: string, runId: string): FakeFailure {
  const message = `the worker of agent "${agentId}" is stopping and takes no new runs`;
  return failure(message, "draining", { runId, retriable: true });
}

function failure(message: string, kind: RunErrorKind, facts: MessageInitShape<typeof AgentErrorSchema>): FakeFailure {
  const error = { ...facts, message, kind: wireKind(kind) };
  const details = [{ desc: AgentErrorSchema, value: create(AgentErrorSchema, error) }];
  return { error, status: new ConnectError(message, statusOf(kind), undefined, details) };
}

function wireKind(kind: RunErrorKind): AgentErrorKind {
  const name = kind.toUpperCase() as keyof typeof AgentErrorKind;
  return AgentErrorKind[name] ?? AgentErrorKind.UNSPECIFIED;
}

function statusOf(kind: RunErrorKind): Code {
  if (kind === "draining" || kind === "interrupted") return Code.Unavailable;
  if (kind === "deadline") return Code.DeadlineExceeded;
  return kind === "usage_limit_exceeded" || kind === "out_of_memory" ? Code.ResourceExhausted : Code.Internal;
}

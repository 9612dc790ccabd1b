/** Whatever a call rejects with → one of three: RunError (an answer), CallerError (a mistake), ConnectionLostError (no answer). */

import { Code, ConnectError } from "@connectrpc/connect";
import { CallerError, RunError, SynapseError } from "../errors.ts";
import { AgentErrorSchema } from "../gen/synapse_otp/v1/agent_pb.ts";
import { ConnectionLostError } from "./agent-client.ts";
import { toRunError } from "./agent-error.ts";
import { type Call, cancelledError, deadlineError, factsOf } from "./call.ts";
import { protocolViolation } from "./json.ts";
import { neverBegan, type Session } from "./session.ts";

/**
 * The typed error of a call. Its order matters: what the agent said, what the caller did, what time did, and only then what the
 * transport says, because one killed worker shows as any of Canceled, Aborted, Internal, Unavailable and Unknown.
 */
export function toCallError(reason: unknown, call: Call, session: Session): SynapseError | ConnectionLostError {
  if (reason instanceof SynapseError || reason instanceof ConnectionLostError) return reason;
  const error = ConnectError.from(reason);
  const [detail] = error.findDetails(AgentErrorSchema);
  if (detail !== undefined) return toRunError(detail, call);
  if (call.signal?.aborted) return cancelledError(call);
  if (error.code === Code.DeadlineExceeded) return deadlineError(call, error);
  if (error.code === Code.Unauthenticated) {
    const message = `the worker refused the token of ${call.what}; it belongs to another incarnation`;
    return new RunError("unauthenticated", message, { ...factsOf(call), cause: error });
  }
  return (
    sizeError(error, call) ??
    encodeError(error) ??
    (isStatus(error) ? statusError(error, call) : undefined) ??
    (session.lost ? undefined : (contractError(error, call) ?? lateError(error, call))) ??
    new ConnectionLostError(`the connection was lost in ${call.what}: ${error.rawMessage}`, {
      cause: error,
      neverBegan: neverBegan(error),
    })
  );
}

/** True for a gRPC status that the server sent; the rest was made on this side, from what the transport saw. */
function isStatus(error: ConnectError): boolean {
  return error.metadata.has("grpc-status") || error.metadata.has("grpc-status-details-bin");
}

/** A status without an AgentError: the worker's gRPC library spoke, not its servicer. Canceled and Unavailable mean it is going away. */
function statusError(error: ConnectError, call: Call): RunError | undefined {
  if (error.code === Code.Canceled || error.code === Code.Unavailable) return undefined;
  const message = `${call.what} was answered with the gRPC status ${Code[error.code]}: ${error.rawMessage}`;
  return new RunError("run_failed", message, { ...factsOf(call), kind: "internal", cause: error });
}

/** connect-es: "message size 9 is larger than configured readMaxBytes 8"; gRPC core: "… larger than max (9 vs. 8)". */
function sizeError(error: ConnectError, call: Call): CallerError | RunError | undefined {
  if (error.code !== Code.ResourceExhausted) return undefined;
  const local = /^message size (?:(\d+) )?is larger than configured (read|write)MaxBytes (\d+)/.exec(error.rawMessage);
  const remote = /(Received|Sent) message larger than max \((\d+) vs\. (\d+)\)/.exec(error.rawMessage);
  if (local === null && remote === null) return undefined;
  const size: MessageSize = {
    bytes: toCount(local?.[1] ?? remote?.[2]),
    limit: toCount(local?.[3] ?? remote?.[3]),
    cause: error,
  };
  const isAnswer = local !== null ? !isStatus(error) && local[2] === "read" : remote?.[1] === "Sent";
  return isAnswer ? answerTooLarge(call, size) : requestTooLarge(call.what, size);
}

/** Sizes of a message that breaks the limit, as far as they are known. Bytes. */
export interface MessageSize {
  bytes: number | undefined;
  limit: number | undefined;
  /** The request's largest field and its bytes. */
  largest?: { field: string; bytes: number };
  cause?: unknown;
}

/** A request larger than the limit: CallerError "message_too_large". */
export function requestTooLarge(what: string, size: MessageSize): CallerError {
  const message = `the request of ${what} ${describeSize(size)}; shorten it or raise maxMessageBytes`;
  return new CallerError("message_too_large", message, {
    field: size.largest?.field ?? "request",
    ...(size.bytes !== undefined && { value: size.bytes }),
    ...(size.limit !== undefined && { rule: `at most ${size.limit} bytes in all` }),
    ...(size.cause !== undefined && { cause: size.cause }),
  });
}

/** An answer larger than the limit: the run has acted, so that it is the run's own end and no mistake of its call. */
function answerTooLarge(call: Call, size: MessageSize): RunError {
  const message = `${call.what} has ended, but its answer ${describeSize(size)}; raise maxMessageBytes or read it by stream()`;
  return new RunError("run_failed", message, { ...factsOf(call), kind: "answer_too_large", cause: size.cause });
}

function describeSize({ bytes, limit, largest }: MessageSize): string {
  const is = bytes === undefined ? "is too large" : `is ${bytes} bytes`;
  const most = largest === undefined ? "" : ` (${largest.bytes} of them in ${largest.field})`;
  return `${is}${most}, over ${limit === undefined ? "the limit" : `the limit of ${limit} bytes`}`;
}

/** A request that protobuf cannot encode: a caller in plain JavaScript passed a value of another type. */
function encodeError(error: ConnectError): CallerError | undefined {
  if (isStatus(error) || !error.rawMessage.startsWith("serialize binary: ")) return undefined;
  return new CallerError("invalid_argument", `the request cannot be encoded: ${error.rawMessage.slice(18)}`, {
    field: "request",
    cause: error,
  });
}

/** An answer that gRPC or protobuf cannot read. */
function contractError(error: ConnectError, call: Call): RunError | undefined {
  if (isStatus(error) || !/^(protocol error|parse binary|unsupported |HTTP \d)/.test(error.rawMessage))
    return undefined;
  return protocolViolation(`answered ${call.what} with something that is not gRPC (${error.rawMessage})`, {
    ...factsOf(call),
    cause: error,
  });
}

/** The worker keeps the same deadline and may reset the stream just before our own timer fires. */
function lateError(error: ConnectError, call: Call): RunError | undefined {
  if (call.timeoutMs === undefined) return undefined;
  return performance.now() - call.startedAtMs >= call.timeoutMs - 1 ? deadlineError(call, error) : undefined;
}

function toCount(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

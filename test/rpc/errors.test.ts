import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { CallerError, RunError } from "../../src/errors.ts";
import { AgentErrorKind } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { beginCall, type Call } from "../../src/rpc/call.ts";
import { toCallError } from "../../src/rpc/errors.ts";
import type { Session } from "../../src/rpc/session.ts";
import { agentStatus } from "./agent-server.ts";

const live = { lost: false } as Session;
const lost = { lost: true } as Session;

function call(changes: Partial<Call> = {}): Call {
  return { ...beginCall('run "r" of agent "a"', { agentId: "a", runId: "r" }, {}), ...changes };
}

/** A status as the server sent it. */
function status(message: string, code: Code): ConnectError {
  return new ConnectError(message, code, { "grpc-status": String(code) });
}

describe("what the transport saw is a lost connection, whatever its code", () => {
  test.each<[string, unknown]>([
    ["kill -9", new ConnectError("http/2 stream closed with error code CANCEL (0x8)", Code.Canceled)],
    ["kill -9 in a large request", new ConnectError("write ECONNRESET", Code.Aborted)],
    ["server.stop(0)", new ConnectError("Session closed with error code 2", Code.Internal)],
    ["our session's reason", new ConnectError("the worker's connection is lost", Code.Unavailable)],
    ["Node's stream", new Error("Premature close")],
    ["a calm-down reset", new ConnectError("closed with ENHANCE_YOUR_CALM (0xb)", Code.ResourceExhausted)],
    ["no error at all", "odd"],
  ])("%s", (_name, reason) => {
    for (const session of [live, lost]) {
      const error = toCallError(reason, call(), session);
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(error.message).toContain('agent "a"');
      expect(error.cause).toBeInstanceOf(ConnectError);
    }
  });

  test.each([Code.Canceled, Code.Unavailable])("the status %i of a server that is going away", (code) => {
    expect(toCallError(status("Cancelling all calls", code), call(), live)).toBeInstanceOf(ConnectionLostError);
  });
});

test("what the server says of itself is no proof that the call never began", () => {
  for (const words of ["Cancelling all calls", "REFUSED_STREAM"]) {
    expect(toCallError(status(words, Code.Unavailable), call(), live)).toMatchObject({ neverBegan: false });
  }
});

describe("what the server said is an answer", () => {
  test.each([Code.Unimplemented, Code.FailedPrecondition, Code.Unknown, Code.Internal, Code.Aborted, Code.NotFound])(
    "the status %i without details is a failed run",
    (code) => {
      const error = toCallError(status("said so", code), call(), lost);
      expect(error).toBeInstanceOf(RunError);
      expect(error).toMatchObject({ code: "run_failed", kind: "internal", agentId: "a", runId: "r" });
      expect(error.message).toContain(`${Code[code]}: said so`);
    },
  );

  test("a draining worker's AgentError is a failed run, although its status is Unavailable", () => {
    const reason = agentStatus(Code.Unavailable, {
      kind: AgentErrorKind.DRAINING,
      message: "stopping",
      retriable: true,
    });
    expect(toCallError(reason, call(), live)).toMatchObject({ code: "run_failed", kind: "draining", retriable: true });
  });

  test("an AgentError is preferred over the caller's own abort", () => {
    const reason = agentStatus(Code.Aborted, { kind: AgentErrorKind.USER_CODE, message: "first" });
    expect(toCallError(reason, call({ signal: AbortSignal.abort() }), live)).toMatchObject({ kind: "user_code" });
  });
});

test("an aborted signal makes every other rejection a cancelled run", () => {
  const signal = AbortSignal.abort("why");
  for (const code of [Code.Canceled, Code.Internal, Code.Unavailable, Code.DeadlineExceeded]) {
    const error = toCallError(new ConnectError("x", code), call({ signal }), live);
    expect(error).toMatchObject({ code: "run_cancelled", kind: "cancelled", cause: "why" });
  }
});

test("a stream that the worker resets at the deadline, before our timer fires, exceeded its deadline", () => {
  const reset = new ConnectError("http/2 stream closed with error code CANCEL (0x8)", Code.Canceled);
  const late = call({ timeoutMs: 10, startedAtMs: performance.now() - 10 });
  expect(toCallError(reset, late, live)).toMatchObject({ code: "deadline_exceeded" });
  expect(toCallError(reset, late, lost)).toBeInstanceOf(ConnectionLostError);
  const early = call({ timeoutMs: 10_000 });
  expect(toCallError(reset, early, live)).toBeInstanceOf(ConnectionLostError);
});

test("a status DeadlineExceeded is the deadline's, also when only the worker knew it", () => {
  const error = toCallError(status("Deadline Exceeded", Code.DeadlineExceeded), call(), live);
  expect(error).toMatchObject({ code: "deadline_exceeded", kind: "deadline" });
});

test.each<[string, ConnectError, object]>([
  [
    "our write limit",
    new ConnectError("message size 9 is larger than configured writeMaxBytes 8", Code.ResourceExhausted),
    { field: "request", value: 9, rule: "at most 8 bytes in all" },
  ],
  [
    "gRPC core's receive limit",
    status("SERVER: Received message larger than max (5000000 vs. 4194304)", Code.ResourceExhausted),
    { field: "request", value: 5_000_000, rule: "at most 4194304 bytes in all" },
  ],
])("%s is message_too_large with size and limit", (_name, reason, facts) => {
  const error = toCallError(reason, call(), live);
  expect(error).toBeInstanceOf(CallerError);
  expect(error).toMatchObject({ code: "message_too_large", cause: reason, ...facts });
});

test.each<[string, ConnectError, RegExp]>([
  [
    "our read limit",
    new ConnectError("message size 9 is larger than configured readMaxBytes 8", Code.ResourceExhausted),
    /answer is 9 bytes, over the limit of 8 bytes/,
  ],
  [
    "our read limit, size unknown",
    new ConnectError("message size is larger than configured readMaxBytes 8", Code.ResourceExhausted),
    /answer is too large, over the limit of 8 bytes/,
  ],
  [
    "gRPC core's send limit",
    status("Sent message larger than max (5000000 vs. 4194304)", Code.ResourceExhausted),
    /answer is 5000000 bytes, over the limit of 4194304 bytes/,
  ],
])("%s is the end of a run that has acted, not a mistake of its call", (_name, reason, text) => {
  const error = toCallError(reason, call(), live);
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ code: "run_failed", kind: "answer_too_large", retriable: false, cause: reason });
  expect((error as Error).message).toMatch(text);
});

test("ResourceExhausted about something else is a failed run", () => {
  const error = toCallError(status("too many streams", Code.ResourceExhausted), call(), live);
  expect(error).toMatchObject({ code: "run_failed", kind: "internal" });
});

test("an answer that is not gRPC is a protocol violation while the connection lives", () => {
  const reason = new ConnectError("protocol error: missing status", Code.Internal);
  expect(toCallError(reason, call(), live)).toMatchObject({ code: "protocol_violation", cause: reason });
  expect(toCallError(reason, call(), lost)).toBeInstanceOf(ConnectionLostError);
});

test("a request that protobuf cannot encode is the caller's mistake", () => {
  const reason = new ConnectError("serialize binary: cannot encode field x", Code.Internal);
  expect(toCallError(reason, call(), live)).toMatchObject({ code: "invalid_argument", field: "request" });
});

test("an error that is typed already is kept", () => {
  const error = new RunError("run_failed", "kept by this test");
  expect(toCallError(error, call(), live)).toBe(error);
});

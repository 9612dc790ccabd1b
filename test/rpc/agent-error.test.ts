import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import { AgentErrorKind, AgentErrorSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { toRunError } from "../../src/rpc/agent-error.ts";
import { json } from "./agent-server.ts";

const known = { agentId: "a", runId: "r" };

test("every kind of the contract has its name in lower case, and an unknown one is unknown", () => {
  for (const [name, kind] of Object.entries(AgentErrorKind)) {
    const expected = name === "UNSPECIFIED" ? "unknown" : name.toLowerCase();
    expect(toRunError(create(AgentErrorSchema, { kind }), known).kind).toBe(expected);
  }
  expect(toRunError(create(AgentErrorSchema, { kind: 99 as AgentErrorKind }), known).kind).toBe("unknown");
});

test.each([
  [AgentErrorKind.CANCELLED, "run_cancelled"],
  [AgentErrorKind.DEADLINE, "deadline_exceeded"],
  [AgentErrorKind.HOOK_TIMEOUT, "run_failed"],
])("kind %i has the code %s", (kind, code) => {
  expect(toRunError(create(AgentErrorSchema, { kind }), known).code).toBe(code);
});

test("several causes are an AggregateError of RunErrors, at any depth", () => {
  const member = { kind: AgentErrorKind.MODEL_HTTP, message: "model one", httpStatus: 429, modelName: "m1" };
  const group = { kind: AgentErrorKind.FALLBACK, message: "all failed", causes: [member, { message: "model two" }] };
  const error = toRunError(create(AgentErrorSchema, { message: "top", causes: [group] }), known);
  const cause = error.cause as RunError;
  expect(cause).toBeInstanceOf(RunError);
  expect(cause.cause).toBeInstanceOf(AggregateError);
  const { errors } = cause.cause as AggregateError;
  expect(errors).toMatchObject([{ kind: "model_http", httpStatus: 429, modelName: "m1" }, { kind: "unknown" }]);
  expect(errors[1].message).toBe("[run_failed] model two");
});

test("what a provider says, the limit that was reached and the call that failed are facts", () => {
  const error = toRunError(
    create(AgentErrorSchema, {
      kind: AgentErrorKind.MODEL_QUOTA,
      message: "no money",
      httpStatus: 429,
      providerErrorCode: "insufficient_quota",
      providerErrorType: "billing_error",
      retryAfterS: 1.5,
      limitName: "request_limit",
      toolCallId: "call-1",
    }),
    known,
  );
  expect(error).toMatchObject({
    code: "run_failed",
    kind: "model_quota",
    retriable: false,
    retryAfterMs: 1_500,
    httpStatus: 429,
    providerCode: "insufficient_quota",
    providerType: "billing_error",
    limitName: "request_limit",
    toolCallId: "call-1",
  });
});

test("odd facts are left out and the error arrives", () => {
  const error = toRunError(
    create(AgentErrorSchema, {
      pythonType: "builtins.ValueError",
      messagesJson: new Uint8Array([0x7b]),
      issues: [{ type: "t", locJson: new Uint8Array([0x7b]), msg: "m", inputJson: new Uint8Array([0xff]) }],
      usage: { requests: 2n ** 60n },
    }),
    known,
  );
  expect(error.message).toBe('[run_failed] agent "a": builtins.ValueError');
  expect(error.validationErrors).toEqual([{ type: "t", loc: [], msg: "m" }]);
  expect([error.messages, error.usage, error.cause]).toEqual([undefined, undefined, undefined]);
  expect(toRunError(create(AgentErrorSchema), known).message).toContain("without a message");
});

test("what Python refuses of a request is named as the caller wrote it, down to the place", () => {
  const error = toRunError(
    create(AgentErrorSchema, {
      kind: AgentErrorKind.VALIDATION,
      message: "deps_json does not validate against the agent's deps_type <class 'Account'>",
      extraJson: json({ field: "deps_json" }),
      issues: [{ type: "missing", locJson: json(["users", 2, "name"]), msg: "Field required" }],
    }),
    { agentId: "poet", runId: "r1" },
  );
  expect(error.validationErrors).toEqual([
    { type: "missing", loc: ["options", "deps", "users", 2, "name"], msg: "Field required" },
  ]);
  expect(error.message).toBe(
    "[run_failed] agent \"poet\": options.deps does not validate against the agent's deps_type <class 'Account'>: options.deps.users[2].name: Field required",
  );
});

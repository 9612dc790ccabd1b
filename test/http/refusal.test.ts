import { expect, test } from "vitest";
import { CallerError, RunError, type SynapseError, WorkerError } from "../../src/errors.ts";
import { errorResponse, Refusal } from "../../src/http/refusal.ts";

async function told(error: unknown) {
  const errors: SynapseError[] = [];
  const response = errorResponse(error, (one) => errors.push(one));
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown, errors };
}

test("a refusal says why, as JSON that nobody keeps", async () => {
  const { status, headers, body, errors } = await told(
    new Refusal("method_not_allowed", "PUT is not", { allow: "GET" }),
  );
  expect([status, headers.get("content-type"), headers.get("cache-control"), headers.get("allow")]).toEqual([
    405,
    "application/json",
    "no-store",
    "GET",
  ]);
  expect(body).toEqual({ error: { code: "method_not_allowed", message: "PUT is not" } });
  expect(errors).toEqual([]);
});

test("a body that the protocol refuses is the client's to mend: it is told where, and not what it has sent", async () => {
  const error = new RunError("run_failed", 'agent "secret": the body is no request', {
    agentId: "secret",
    kind: "frontend_request",
    validationErrors: [{ type: "missing", loc: ["messages", 0, "id"], msg: "Field required", input: { secret: 1 } }],
  });
  expect(await told(error)).toMatchObject({
    status: 422,
    body: {
      error: {
        code: "invalid_body",
        message: "the body is no request",
        issues: [{ type: "missing", path: ["messages", 0, "id"], message: "Field required" }],
      },
    },
    errors: [],
  });
  expect(JSON.stringify((await told(error)).body)).not.toContain("secret");
});

test.each<[SynapseError, number, string, string | null]>([
  [new CallerError("queue_full", "1,000 runs of secret"), 503, "queue_full", "1"],
  [new CallerError("stopped", "secret"), 503, "stopped", "1"],
  [new CallerError("conversation_busy", "secret"), 409, "conversation_busy", null],
  [new CallerError("events_expired", "secret"), 410, "events_expired", null],
  [new WorkerError("worker_exited", "secret"), 503, "worker_exited", "1"],
  [new RunError("deadline_exceeded", "secret"), 504, "deadline_exceeded", null],
  [new RunError("run_failed", "secret", { kind: "user_code" }), 500, "run_failed", null],
  [new RunError("run_failed", "secret", { kind: "validation" }), 400, "run_failed", null],
  [new RunError("run_failed", "secret", { kind: "model_rate_limit", retryAfterMs: 2_400 }), 503, "run_failed", "3"],
  [new RunError("run_failed", "secret", { kind: "usage_limit_exceeded" }), 429, "run_failed", "1"],
])("%s is a status, a code and a sentence; the host is told the error", async (error, status, code, retryAfter) => {
  const got = await told(error);
  expect([got.status, got.headers.get("retry-after"), got.errors]).toEqual([status, retryAfter, [error]]);
  expect(got.body).toMatchObject({ error: { code } });
  expect(JSON.stringify(got.body)).not.toContain("secret");
});

test("what is no error of Synapse is thrown on", () => {
  expect(() => errorResponse(new TypeError("a mistake"))).toThrow("a mistake");
});

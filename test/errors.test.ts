import { describe, expect, test, vi } from "vitest";
import { describeValue } from "../src/describe-value.ts";
import {
  CallerError,
  checkKnownFields,
  invalidArgument,
  ProcessError,
  RunError,
  SynapseError,
  WorkerError,
} from "../src/errors.ts";
import { crashRecord } from "./agent/values.ts";

test.each([
  [new CallerError("queue_full", "text"), CallerError, "CallerError"],
  [new RunError("run_failed", "text"), RunError, "RunError"],
  [new WorkerError("worker_exited", "text"), WorkerError, "WorkerError"],
  [new ProcessError("noproc", "text"), ProcessError, "ProcessError"],
] as const)("%s is a SynapseError with its own name, and its code in front of the message", (error, type, name) => {
  expect(error).toBeInstanceOf(SynapseError);
  expect(error).toBeInstanceOf(type);
  expect([error.name, error.message]).toEqual([name, `[${error.code}] text`]);
  expect("cause" in error).toBe(false);
  expect(String(error)).toBe(`${name}: [${error.code}] text`);
});

test("the cause is kept, also when it is undefined on purpose", () => {
  const cause = new Error("the cause");
  expect(new CallerError("stopped", "x", { cause }).cause).toBe(cause);
  expect(new RunError("run_failed", "x", { cause }).cause).toBe(cause);
  expect(new WorkerError("worker_exited", "x", { cause }).cause).toBe(cause);
  expect(new ProcessError("exited", "x", { reason: "killed", cause })).toMatchObject({ reason: "killed", cause });
});

test("an argument that breaks its rule is quoted with field, value and rule", () => {
  const error = invalidArgument("spec.maxQueue", -1, "an integer of 0 or more");
  expect(error).toMatchObject({ code: "invalid_argument", field: "spec.maxQueue", value: -1 });
  expect(error.message).toBe("[invalid_argument] spec.maxQueue is -1; it must be an integer of 0 or more");
  expect("value" in invalidArgument("x", undefined, "something")).toBe(true);
});

test("a run error is of unknown kind and not retriable unless it is told", () => {
  expect(new RunError("run_failed", "x")).toMatchObject({ kind: "unknown", retriable: false });
  const facts = { kind: "model_http", retriable: true, retryAfterMs: 500, httpStatus: 429 } as const;
  expect(new RunError("run_failed", "x", facts)).toMatchObject(facts);
});

test("a worker error tells exit code, signal and stderr of its crash as its own fields", () => {
  const crash = crashRecord({ exitCode: 7, signal: "SIGKILL", stderrTail: ["last"] });
  const error = new WorkerError("worker_exited", "x", { agentId: "poet", crash });
  expect(error).toMatchObject({ agentId: "poet", crash, exitCode: 7, signal: "SIGKILL", stderrTail: ["last"] });
  expect(new WorkerError("agent_stopped", "x").exitCode).toBeUndefined();
});

describe("describeValue", () => {
  test.each([
    ['"text"', "text"],
    ["undefined", undefined],
    ["NaN", Number.NaN],
    ["12n", 12n],
    ["Symbol(s)", Symbol("s")],
    ["a function", () => 1],
    ["null", null],
    ['{"a":[1]}', { a: [1] }],
    ["{}", Object.create(null)],
    ["a Map", new Map([["a", 1]])],
    ["a Promise", Promise.resolve(1)],
    ["an Error", new Error("x")],
    ["a Uint8Array", new Uint8Array(2)],
    ["an invalid Date", new Date(Number.NaN)],
  ])("%s", (text, value) => {
    expect(describeValue(value)).toBe(text);
  });

  test("what cannot be JSON is told by its kind, and what is long is cut", () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(describeValue(circle)).toBe("[object Object]");
    expect(describeValue("x".repeat(500))).toBe(`"${"x".repeat(199)}…`);
  });
});

test("an error is JSON, whatever values its facts are: what has no JSON of its own is described", () => {
  const circular: Record<string, unknown> = { deep: 1 };
  circular.self = circular;
  const reasons: [reason: unknown, json: unknown][] = [
    [{ shutdown: "later" }, { shutdown: "later" }],
    ["killed", "killed"],
    [undefined, undefined],
    [7n, "7n"],
    [Symbol("why"), "Symbol(why)"],
    [() => 1, "a function"],
    [circular, { deep: 1, self: "[object Object]" }],
    [new TypeError("the cause"), "TypeError: the cause"],
    [
      new ProcessError("noproc", "of a call", { reason: 1n }),
      { name: "ProcessError", code: "noproc", message: "[noproc] of a call", reason: "1n" },
    ],
  ];
  for (const [reason, json] of reasons) {
    const error = new ProcessError("exited", "text", {
      reason,
      call: { target: "x", message: circular, timeoutMs: 5 },
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "ProcessError",
      code: "exited",
      message: "[exited] text",
      ...(json === undefined ? {} : { reason: json }),
      call: { target: "x", message: "[object Object]", timeoutMs: 5 },
    });
  }
  expect(JSON.parse(JSON.stringify(invalidArgument("field", 1n, "a number")))).toMatchObject({
    field: "field",
    value: "1n",
    rule: "a number",
  });
});

describe("JSON of an error", () => {
  const secret = "the secret of this test";
  const crash = crashRecord({
    stderrTail: [secret],
    stackDump: [secret],
    faultTrace: [secret],
    loadFailure: {
      kind: "module_failed",
      message: "raised",
      pythonType: "ValueError",
      traceback: secret,
      retriable: false,
    },
    runsInFlight: ["r1"],
  });

  test("has code, message, kind and ids", () => {
    const error = new RunError("run_failed", "it failed", {
      agentId: "poet",
      runId: "r1",
      kind: "model_http",
      httpStatus: 429,
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "RunError",
      code: "run_failed",
      message: "[run_failed] it failed",
      agentId: "poet",
      runId: "r1",
      kind: "model_http",
      retriable: false,
      httpStatus: 429,
    });
  });

  test.each([
    new RunError("run_failed", "x", {
      pythonTraceback: secret,
      messages: [{ content: secret }],
      validationErrors: [{ type: "missing", loc: ["a"], msg: "required", input: secret }],
      cause: new Error(secret),
    }),
    new WorkerError("worker_exited", `it exited\nlast lines of its stderr:\n  ${secret}`, {
      crash,
      pythonTraceback: secret,
    }),
  ])("of $name has no traceback, no history and nothing that a process has printed", (error) => {
    const json = JSON.stringify(error);
    expect(json).not.toContain(secret);
    expect(JSON.parse(json)).toMatchObject({ code: error.code });
    expect(error.stack).toContain(error.message);
  });

  test("of a worker's end has its crash in short", () => {
    const json = JSON.parse(JSON.stringify(new WorkerError("worker_exited", "x", { crash })));
    expect(json.crash).toMatchObject({ cause: "exited", exitCode: 7, describe: crash.describe, runsInFlight: ["r1"] });
    expect(json.crash.loadFailure).toEqual({ kind: "module_failed", message: "raised" });
  });
});

describe("an error of another copy of this package", () => {
  test("is of the same class, and of no other", async () => {
    vi.resetModules();
    const other = (await import("../src/errors.ts")) as typeof import("../src/errors.ts");
    expect(other.RunError).not.toBe(RunError);
    const error: unknown = new other.RunError("run_failed", "from the other copy");
    expect([error instanceof RunError, error instanceof SynapseError]).toEqual([true, true]);
    expect([error instanceof WorkerError, error instanceof CallerError]).toEqual([false, false]);
    expect(new RunError("run_failed", "x") instanceof other.SynapseError).toBe(true);
  });

  test("a subclass of somebody's own is asked for as ever", () => {
    class Refused extends CallerError {}
    const refused: unknown = new Refused("stopped", "x");
    const plain: unknown = new CallerError("stopped", "x");
    expect([refused instanceof Refused, refused instanceof CallerError, plain instanceof Refused]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each([undefined, null, 7, "text", {}, new Error("plain"), Object.create(null)])("%s is none", (value) => {
    expect(value instanceof SynapseError).toBe(false);
  });

  test("what does not let itself be looked at is none", () => {
    const closed: unknown = new Proxy(
      {},
      {
        get() {
          throw new Error("closed");
        },
      },
    );
    expect(closed instanceof RunError).toBe(false);
  });
});

test.each([
  [[], "[]"],
  [new Map([["timeoutMs", 5]]), "a Map"],
  [Promise.resolve({ timeoutMs: 5 }), "a Promise"],
  [new Headers(), "a Headers"],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
])("%s is no object of options, whose fields would go unseen", (value, told) => {
  const message = `[invalid_argument] options is ${told}; it must be an object of timeoutMs, signal`;
  const error = expect.objectContaining({ code: "invalid_argument", field: "options", message });
  expect(() => checkKnownFields("options", value, new Set(["timeoutMs", "signal"]))).toThrow(error);
});

test("options may be of any class, or of none", () => {
  class Options {
    timeoutMs = 5;
  }
  for (const options of [new Options(), new (class Empty {})(), Object.create(null), process.env]) {
    expect(() =>
      checkKnownFields("options", options, new Set(["timeoutMs", ...Object.keys(process.env)])),
    ).not.toThrow();
  }
});

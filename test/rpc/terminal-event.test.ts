import { expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import type { WireRunEvent } from "../../src/rpc/run-event.ts";
import type { WireRunResult } from "../../src/rpc/run-types.ts";
import { resultIn } from "../../src/rpc/terminal-event.ts";
import { rejection } from "./agent-server.ts";

const started: WireRunEvent = { type: "started", seq: 1, step: 0, modelName: "m", conversationId: "c" };

async function* events(...all: WireRunEvent[]): AsyncGenerator<WireRunEvent> {
  yield* all;
}

test("the answer is that of the last event, whatever is told before it", async () => {
  const result = { output: "done" } as WireRunResult;
  expect(await resultIn(events(started, { type: "completed", seq: 2, step: 1, result }), "poet")).toBe(result);
});

test("the error of a run that failed is its own", async () => {
  const error = new RunError("run_failed", "it went wrong");
  expect(await rejection(resultIn(events(started, { type: "failed", seq: 2, step: 1, error }), "poet"))).toBe(error);
});

test("a run that was cancelled tells why, what it has used and said, and whether something of it works still", async () => {
  const facts = { reason: "its code has cancelled it", messages: [{ kind: "request" }], unfinished: true };
  const cancelled = events({ type: "cancelled", seq: 1, step: 1, ...facts });
  expect(await rejection(resultIn(cancelled, "poet"))).toMatchObject({
    code: "run_cancelled",
    kind: "cancelled",
    message: '[run_cancelled] agent "poet": its code has cancelled it',
    agentId: "poet",
    messages: [{ kind: "request" }],
    unfinished: true,
  });
});

test("events without an end are against the protocol", async () => {
  expect(await rejection(resultIn(events(started), "poet"))).toMatchObject({ code: "protocol_violation" });
});

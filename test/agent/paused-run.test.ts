import { expect, test } from "vitest";
import { deferredResults, type PendingAnswer, pausedOf } from "../../src/agent/paused-run.ts";
import type { PendingCall } from "../../src/rpc/deferred-calls.ts";
import { wireResult } from "./scripted.ts";

const about = { agentId: "a", attempts: 1, incarnation: 2 };
const call = (tool_call_id: string, args?: unknown) => ({ tool_call_id, tool_name: "t", args });

test("a paused run has its requests, the whole conversation and a token of its own", () => {
  const wire = {
    ...wireResult(),
    newMessages: [{ kind: "response" }],
    allMessages: [{ kind: "request" }, { kind: "response" }],
    deferred: {
      approvals: [call("c1", '{"a":1}'), call("c2", "{not json"), call("c3")],
      calls: [call("c4", { b: 2 }), call("c5")],
      metadata: { c1: { why: "costly" } },
      _kinds: { c5: "question" },
    },
  };
  const paused = pausedOf(wire, about);
  expect(paused.requests.map(({ kind, toolCallId, args, metadata }) => [kind, toolCallId, args, metadata])).toEqual([
    ["approval", "c1", { a: 1 }, { why: "costly" }],
    ["approval", "c2", "{not json", undefined],
    ["approval", "c3", {}, undefined],
    ["external", "c4", { b: 2 }, undefined],
    ["question", "c5", {}, undefined],
  ]);
  expect(paused.messages).toEqual([{ kind: "request" }, { kind: "response" }]);
  expect(paused).toMatchObject({ status: "paused", agentId: "a", conversationId: "c1", incarnation: 2 });
  expect(pausedOf(wire, about).token).not.toBe(paused.token);
});

const request = (kind: PendingCall["kind"]): PendingCall[] => [
  { kind, toolCallId: "c", toolName: "t", args: {}, metadata: undefined },
];

test.each<[PendingCall["kind"], PendingAnswer, object]>([
  ["approval", true, { approvals: { c: true }, calls: {} }],
  ["approval", false, { approvals: { c: false }, calls: {} }],
  ["approval", { approve: true }, { approvals: { c: true }, calls: {} }],
  [
    "approval",
    { approve: true, args: { x: 1 } },
    { approvals: { c: { kind: "tool-approved", override_args: { x: 1 } } }, calls: {} },
  ],
  ["approval", { approve: false }, { approvals: { c: false }, calls: {} }],
  [
    "approval",
    { approve: false, message: "no" },
    { approvals: { c: { kind: "tool-denied", message: "no" } }, calls: {} },
  ],
  [
    "external",
    { result: { kind: "tool-failed" } },
    { approvals: {}, calls: { c: { kind: "tool-return", return_value: { kind: "tool-failed" } } } },
  ],
  ["question", { result: undefined }, { approvals: {}, calls: { c: { kind: "tool-return", return_value: null } } }],
  ["external", { retry: "again" }, { approvals: {}, calls: { c: { kind: "model-retry", message: "again" } } }],
  ["external", { failed: "down" }, { approvals: {}, calls: { c: { kind: "tool-failed", message: "down" } } }],
])("an answer to %s is pydantic-ai's: %j", (kind, answer, expected) => {
  expect(deferredResults(request(kind), { c: answer })).toEqual(expected);
});

test.each<[PendingCall["kind"], unknown, string]>([
  ["approval", {}, "answers.c is undefined; it must be an answer to the call of"],
  ["approval", { c: true, d: true }, "answers.d is"],
  ["approval", { c: { result: 1 } }, "answers.c is"],
  ["approval", { c: { approve: true, args: 1 } }, "answers.c.args is 1; it must be an object"],
  ["approval", { c: { approve: false, message: 1 } }, "answers.c.message is 1; it must be a string"],
  ["approval", { c: null }, "answers.c is null"],
  ["external", { c: true }, "the result of a call that is made elsewhere"],
  ["question", { c: { retry: 1 } }, "the answer to a question"],
  ["external", null, "answers is null"],
])("an answer to %s that does not fit is refused by its place: %j", (kind, answers, said) => {
  expect(() => deferredResults(request(kind), answers as never)).toThrow(said);
});

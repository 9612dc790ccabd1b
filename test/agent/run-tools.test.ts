import { expect, test } from "vitest";
import type { RunOptions } from "../../src/agent/run-options.ts";
import { StreamRun } from "../../src/agent/run-stream.ts";
import { tool } from "../../src/agent/tool.ts";
import { ToolSet } from "../../src/agent/tool-set.ts";
import { UnaryRun } from "../../src/agent/unary-run.ts";
import { RunError } from "../../src/errors.ts";
import { rejection } from "../rpc/agent-server.ts";
import { ScriptedClient, ScriptedOwner, started, turn, wireResult } from "./scripted.ts";
import { crashRecord } from "./values.ts";

const act = tool({ description: "Acts.", execute: () => "done" });
const read = tool({ description: "Reads.", idempotent: true, execute: () => "read" });
const never = new AbortController().signal;
const call = (toolName: string) =>
  ({ type: "tool.call", toolCallId: "c", toolName, args: {}, retry: 0, step: 1 }) as const;

function start(options: RunOptions) {
  const owner = new ScriptedOwner();
  const client = new ScriptedClient();
  const run = new UnaryRun(owner, "hello", options);
  run.result.catch(() => undefined);
  run.wait();
  run.begin(client, 1);
  return { owner, client, run };
}

test("a unary run with tools asks for the end alone, and is answered by it", async () => {
  const { client, run } = start({ tools: { act } });
  const request = client.calls[0]?.request;
  expect(request?.tools).toMatchObject([{ name: "act", description: "Acts." }]);
  expect(request?.stream).toMatchObject({ terminalOnly: true });
  client.source.give({ type: "completed", seq: 1, step: 1, result: wireResult("hi") });
  expect(await run.result).toMatchObject({ output: "hi" });
});

test("a tool is told what is left of its run's time", async () => {
  const left = tool({ description: "", execute: (_args, { timeLeftMs }) => timeLeftMs ?? "no limit" });
  for (const [options, told] of [
    [{ timeoutMs: 100 }, 100],
    [{}, "no limit"],
  ] as const) {
    const { client } = start({ tools: { left }, ...options });
    expect(await client.handler?.(call("left"), never)).toEqual({ type: "tool.return", value: told });
  }
});

test("the definition's tools are every run's, and a run without any makes a plain call", () => {
  const { client } = start({});
  expect(client.handler).toBeUndefined();
  const owner = new ScriptedOwner();
  owner.tools = ToolSet.of("spec.tools", { read });
  const other = new ScriptedClient();
  const run = new StreamRun(owner, "hello", {});
  run.result.catch(() => undefined);
  run.begin(other, 1);
  expect(other.handler).toBeDefined();
  expect(other.calls[0]?.request.tools).toMatchObject([{ name: "read" }]);
  expect(other.calls[0]?.request.stream).toMatchObject({ partialOutput: true, terminalOnly: false });
});

test("a session's cancelled and failed events reject a unary run", async () => {
  const cancelled = start({ tools: { act } });
  cancelled.client.source.give(started, { type: "cancelled", seq: 2, step: 1, reason: "by a tool", unfinished: false });
  expect(await rejection(cancelled.run.result)).toMatchObject({ code: "run_cancelled", kind: "cancelled" });
  const failed = start({ tools: { act } });
  failed.client.source.give({
    type: "failed",
    seq: 1,
    step: 1,
    error: new RunError("run_failed", "no", { kind: "model_api" }),
  });
  expect(await rejection(failed.run.result)).toMatchObject({ code: "run_failed", kind: "model_api" });
});

test("what a tool has thrown is the cause of the run's error", async () => {
  const boom = new Error("boom");
  const { client, run } = start({ tools: { boom: tool({ description: "", execute: () => Promise.reject(boom) }) } });
  expect(await client.handler?.(call("boom"), never)).toMatchObject({ type: "tool.error" });
  const error = new RunError("run_failed", "no", { kind: "user_code", toolName: "boom" });
  client.source.give({ type: "failed", seq: 1, step: 1, error });
  expect(((await rejection(run.result)) as Error).cause).toBe(boom);
});

test.each([
  ["act", "lost"],
  ["read", "again"],
])("a run that has called %s is %s when its worker dies, where it says that it may act twice", async (name, fate) => {
  const { client, run } = start({
    tools: { act, read },
    idempotent: true,
    retry: { onWorkerExit: "if_idempotent" },
  });
  await client.handler?.(call(name), never);
  await turn();
  expect(run.died(crashRecord())).toBe(fate);
});

test("a run that may wait travels in a session, without tools too, and waits at its owner", async () => {
  const { owner, client, run } = start({ mayWait: true });
  expect(client.calls[0]?.request).toMatchObject({ mayWait: true, tools: [], stream: { terminalOnly: true } });
  const asked = { type: "wait", token: "t", name: "colour", requests: undefined, timeLeftMs: undefined } as const;
  owner.clock.advance(500);
  const reply = client.handler?.(asked, never);
  expect(owner.waits.all).toMatchObject([{ token: "t", runId: run.id }]);
  expect(run.progress?.quietMs).toBe(0);
  owner.clock.advance(70);
  owner.waits.answer("t", "red", owner);
  expect(await reply).toEqual({ type: "wait.answered", valueJson: new TextEncoder().encode('"red"') });
  expect(await client.handler?.(call("act"), never)).toEqual({ type: "unknown" });
  const about = { runId: run.id, token: "t", name: "colour" };
  expect(owner.reports.slice(-2)).toEqual([
    { type: "run.waiting", ...about },
    { type: "run.waited", ...about, outcome: "answered", forMs: 70 },
  ]);
});

test("a run that may not wait does not know waits", async () => {
  const { owner, client } = start({ tools: { act } });
  const asked = { type: "wait", token: "t", name: "colour", requests: undefined, timeLeftMs: undefined } as const;
  expect(await client.handler?.(asked, never)).toEqual({ type: "unknown" });
  expect(owner.waits.all).toEqual([]);
});

test("a run whose caller has been answered waits for nobody", () => {
  const { owner, client, run } = start({ mayWait: true, timeoutMs: 100 });
  void client.handler?.({ type: "wait", token: "t", name: "n", requests: undefined, timeLeftMs: undefined }, never);
  owner.clock.advance(100);
  expect([run.answered, owner.waits.all]).toEqual([true, []]);
});

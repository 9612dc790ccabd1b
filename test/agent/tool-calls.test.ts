import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Tools, tool, toolContent } from "../../src/agent/tool.ts";
import { ToolCalls } from "../../src/agent/tool-calls.ts";
import { ToolSet } from "../../src/agent/tool-set.ts";
import { ModelRetry, ToolFailed } from "../../src/agent/tool-signals.ts";
import type { ToolCallRequest } from "../../src/rpc/host-requests.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

function callsOf(tools: Tools, deadlineMs?: number) {
  const clock = createVirtualClock();
  let heard = 0;
  const calls = new ToolCalls(ToolSet.of("tools", tools) as ToolSet, {
    agentId: "a",
    runId: "r",
    attempt: 1,
    incarnation: 2,
    clock,
    deadlineMs,
    heard: () => {
      heard += 1;
    },
    enter: (code) => code(),
  });
  const call = (toolName: string, args: unknown = {}, signal = new AbortController().signal) => {
    const request: ToolCallRequest = { type: "tool.call", toolCallId: "c1", toolName, args, retry: 1, step: 3 };
    return calls.answer(request, signal);
  };
  return { calls, call, clock, heard: () => heard };
}

test("a call knows its run, its tool and how often it failed, and counts as a sign of life at both ends", async () => {
  const { call, heard } = callsOf({
    who: tool({ description: "", execute: (_args, { signal, ...context }) => context }),
  });
  expect(await call("who")).toEqual({
    type: "tool.return",
    value: {
      agentId: "a",
      runId: "r",
      attempt: 1,
      incarnation: 2,
      toolCallId: "c1",
      toolName: "who",
      retry: 1,
      step: 3,
    },
  });
  expect(heard()).toBe(2);
});

test("a call says what is left of its run's time and of its own, for the runs that it asks for", async () => {
  const clocks: ReturnType<typeof createVirtualClock>[] = [];
  const left = tool({
    description: "",
    execute: async (_args, context) => {
      const before = context.timeLeftMs;
      await clocks[0]?.advance(40);
      return [before, context.timeLeftMs];
    },
  });
  for (const [deadlineMs, timeoutMs, told] of [
    [undefined, undefined, [undefined, undefined]],
    [100, undefined, [100, 60]],
    [100, 50, [50, 10]],
    [30, 50, [30, 1]],
    [undefined, 60, [60, 20]],
  ] as const) {
    const { call, clock } = callsOf({ left: { ...left, timeoutMs } }, deadlineMs);
    clocks[0] = clock;
    expect(await call("left")).toEqual({ type: "tool.return", value: told });
  }
});

test("each way that a tool may end has an answer of its own", async () => {
  const boom = new Error("boom");
  const { call, calls } = callsOf({
    checked: tool({ description: "", input: z.object({ n: z.number() }), execute: ({ n }) => n }),
    retry: tool({ description: "", execute: () => Promise.reject(new ModelRetry("again")) }),
    failed: tool({
      description: "",
      execute: () => {
        throw new ToolFailed("closed");
      },
    }),
    parts: tool({ description: "", execute: () => toolContent("a") }),
    boom: tool({ description: "", execute: () => Promise.reject(boom) }),
  });
  expect(await call("checked", { n: 1 })).toEqual({ type: "tool.return", value: 1 });
  expect(await call("checked", { n: "1" })).toMatchObject({
    type: "tool.retry",
    message: expect.stringContaining("n: "),
  });
  expect(await call("retry")).toEqual({ type: "tool.retry", message: "again" });
  expect(await call("failed")).toEqual({ type: "tool.failed", message: "closed" });
  expect(await call("parts")).toEqual({ type: "tool.content", parts: ["a"] });
  expect(await call("boom")).toMatchObject({
    type: "tool.error",
    name: "Error",
    message: expect.stringContaining("boom"),
  });
  expect(calls.thrownBy("boom")).toBe(boom);
  expect(await call("none")).toMatchObject({ type: "tool.error" });
});

test("a tool that takes longer than its time is answered for, with its signal aborted", async () => {
  let reason: unknown;
  const { call, clock } = callsOf({
    slow: tool({
      description: "",
      timeoutMs: 100,
      execute: (_args, { signal }) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
        });
        return new Promise(() => undefined);
      },
    }),
  });
  const answer = call("slow");
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(100);
  expect(await answer).toEqual({ type: "timed_out" });
  expect(reason).toMatchObject({ name: "TimeoutError", message: 'tool "slow" did not answer within 100 ms' });
});

test("a tool whose input schema answers neither a value nor issues is not called", async () => {
  let called = false;
  const input: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate: () => ({}) as never } };
  const execute = () => {
    called = true;
  };
  const { call, calls } = callsOf({ odd: tool({ description: "", parameters: { type: "object" }, input, execute }) });
  expect(await call("odd")).toMatchObject({ type: "tool.error", name: "TypeError" });
  expect([called, String(calls.thrownBy("odd"))]).toEqual([
    false,
    "TypeError: its input schema answered neither a value nor issues",
  ]);
});

test("a call that is over before its arguments are checked is not made", async () => {
  let made = false;
  const { call, calls } = callsOf({
    act: tool({
      description: "",
      execute: () => {
        made = true;
      },
    }),
  });
  await call("act", {}, AbortSignal.abort());
  expect([made, calls.begun]).toEqual([false, false]);
});

test("a tool that was called counts as begun, unless it is idempotent", async () => {
  const execute = () => 1;
  const { call, calls } = callsOf({
    read: tool({ description: "", idempotent: true, execute }),
    write: tool({ description: "", execute }),
  });
  await call("read");
  expect(calls.begun).toBe(false);
  await call("write");
  expect(calls.begun).toBe(true);
});

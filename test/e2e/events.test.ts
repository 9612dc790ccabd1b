import { expect, test } from "vitest";
import { defineAgent, type RunError, type RunEvent } from "../../src/index.ts";
import { rejection, watch } from "./support.ts";

const telling = defineAgent({ id: "telling", entry: "test/fixtures/agents/telling.py:agent", output: "text" });

test("a stream tells parts, arguments, tools, the agent's own events and retries, each with its step", async () => {
  const { system } = await watch([telling]);
  const stream = system.agent(telling).stream("go");
  const events: RunEvent<string>[] = [];
  for await (const event of stream) events.push(event);
  const told = events.filter(({ type }) => !type.endsWith(".delta")).map(({ step, type }) => `${step} ${type}`);
  expect(told).toEqual([
    "0 started",
    "1 part.start",
    "1 part.end",
    "1 part.start",
    "1 part.end",
    "1 tool.call",
    "1 custom",
    "1 tool.result",
    "2 part.start",
    "2 output.start",
    "2 part.end",
    "2 retry",
    "3 part.start",
    "3 output.start",
    "3 part.end",
    "3 completed",
  ]);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  const args = events.flatMap((event) => (event.type === "tool.args.delta" ? [event.text] : [])).join("");
  expect(JSON.parse(args)).toEqual({ n: 3 });
  const find = <T extends RunEvent["type"]>(type: T) => events.find((event) => event.type === type);
  expect(find("custom")).toMatchObject({
    name: "steps_done",
    data: { done: 1, total: 3 },
    toolCallId: "c1",
    toolName: "work",
  });
  expect(find("retry")).toMatchObject({ content: "say something good", attempt: 1, maxRetries: 2 });
  expect(find("part.end")).toMatchObject({
    partKind: "thinking",
    part: { part_kind: "thinking", content: "let me see" },
  });
  expect(find("completed")).toMatchObject({ result: { output: "good", finishReason: undefined } });
});

test("a result has its model, all messages and the whole usage", async () => {
  const { system } = await watch([telling]);
  const agent = system.agent(telling);
  const first = await agent.stream("go").result;
  expect(first).toMatchObject({ modelName: "telling", usage: { requests: 3, toolCalls: 1, reasoningTokens: 0 } });
  const second = await agent.stream("more", { messageHistory: first.newMessages }).result;
  expect(second.allMessages).toEqual([...first.newMessages, ...second.newMessages]);
});

test("the error of a provider has its kind and facts, in a stream and without", async () => {
  const { system } = await watch([telling]);
  const agent = system.agent(telling);
  const facts = { code: "run_failed", httpStatus: 429, retryAfterMs: 7_000, providerCode: "the_code" };
  const quota = await rejection(agent.stream("fail:ModelQuotaExceededError").result);
  expect(quota).toMatchObject({ ...facts, kind: "model_quota", retriable: false, modelName: "telling" });
  expect((quota as RunError).messages?.[0]).toMatchObject({ kind: "request" });
  expect(await rejection(agent.stream("fail:ModelRateLimitError").result)).toMatchObject({
    ...facts,
    kind: "model_rate_limit",
    retriable: true,
  });
});

test("a run that its own code cancels is cancelled, with what it has used and said", async () => {
  const { system } = await watch([telling]);
  const error = await rejection(system.agent(telling).stream("cancel").result);
  expect(error).toMatchObject({ code: "run_cancelled", kind: "cancelled", usage: { requests: 1 } });
  expect((error as RunError).messages?.length).toBeGreaterThan(1);
});

test("without python.tracebacks no word of the agent's exceptions is in errors, reports and logs", async () => {
  const secret = "the-secret-of-this-test";
  const { system, reports, log } = await watch([telling], { python: { tracebacks: false } });
  const error = await rejection(system.agent(telling).stream(`secret:${secret}`).result);
  expect(error).toMatchObject({ kind: "user_code", pythonType: "ValueError" });
  expect((error as RunError).pythonTraceback).toBeUndefined();
  expect(String(error)).not.toContain(secret);
  expect(JSON.stringify([reports, log])).not.toContain(secret);
});

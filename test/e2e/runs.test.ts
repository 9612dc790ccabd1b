import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import type { RunEvent } from "../../src/index.ts";
import { controllable, rejection, testAgent, watch } from "./support.ts";

const example = testAgent({ id: "example", entry: "python/agents/example_agent.py:agent" });

interface City {
  name: string;
  population: number;
}

const citySchema: StandardSchemaV1<unknown, City> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const city = value as City;
      if (typeof city?.population === "number") return { value: { name: city.name, population: city.population } };
      return { issues: [{ message: "population is missing", path: ["population"] }] };
    },
  },
};

test("a unary run answers with output, usage, messages and who answered", async () => {
  const { system } = await watch([example]);
  const result = await system.agent(example).run("good morning");
  expect(result.output).toBe("Hello from Python! You said: good morning");
  expect(result).toMatchObject({ attempts: 1, incarnation: 1, usage: { requests: 1 } });
  expect(result.usage.totalTokens).toBe(result.usage.inputTokens + result.usage.outputTokens);
  expect(result.newMessages).toHaveLength(2);
});

test("a conversation goes on with the messages of its first run", async () => {
  const { system } = await watch([example]);
  const agent = system.agent(example);
  const first = await agent.run("one");
  const { conversationId, newMessages } = first;
  const second = await agent.run("two", { conversationId, messageHistory: newMessages });
  expect(second.conversationId).toBe(conversationId);
  expect(second.runId).not.toBe(first.runId);
  expect(JSON.stringify(second.newMessages)).not.toContain("You said: one");
});

test("a stream yields numbered events, word by word, with one terminal event last", async () => {
  const { system } = await watch([example]);
  const stream = system.agent(example).stream("tell me more");
  const events: RunEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  expect(events[0]).toMatchObject({ type: "started", runId: stream.runId, attempt: 1, incarnation: 1 });
  const deltas = events.filter((event) => event.type === "text.delta");
  expect(deltas.length).toBeGreaterThan(4);
  const result = await stream.result;
  expect(deltas.map(({ text }) => text).join("")).toBe(result.output);
  expect(events.filter(({ type }) => ["completed", "failed", "cancelled"].includes(type))).toEqual([events.at(-1)]);
});

test("text() yields the text alone, and result works without reading", async () => {
  const { system } = await watch([example]);
  const agent = system.agent(example);
  const words: string[] = [];
  for await (const word of agent.stream("a b c").text()) words.push(word);
  expect(words.join("")).toBe("Hello from Python! You said: a b c");
  expect((await agent.stream("d").result).output).toBe("Hello from Python! You said: d");
});

test("structured output grows in snapshots and is checked against the definition's schema", async () => {
  const city = testAgent({ id: "city", entry: "python/agents/city_agent.py:agent", output: citySchema });
  const { system } = await watch([city]);
  const stream = system.agent(city).stream("tell me about Lima");
  const snapshots: unknown[] = [];
  for await (const snapshot of stream.partial()) snapshots.push(snapshot);
  expect(snapshots.length).toBeGreaterThan(1);
  expect(snapshots[0]).toMatchObject({ population: 0 });
  const { output } = await stream.result;
  expect(output).toEqual({ name: "Lima", population: 10_092_000 });
});

test("an answer that the schema refuses rejects with the issue, and the agent lives on", async () => {
  const text = controllable({ output: citySchema as never });
  const { system } = await watch([text]);
  const error = await rejection(system.agent("ctl").run("echo:no city"));
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ code: "output_invalid", validationErrors: [{ loc: ["population"] }] });
  expect(system.agent("ctl").state).toBe("ready");
});

test("tools on the Python side show as calls and results", async () => {
  const { system } = await watch([testAgent({ id: "tools", entry: "python/agents/tool_agent.py:agent" })]);
  const stream = system.agent("tools").stream("how warm is it in Kyoto?");
  const events: RunEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(events.filter(({ type }) => type === "tool.call")).toMatchObject([
    { toolName: "temperature_in", args: { city: "Kyoto" }, argsValid: true },
    { toolName: "clothes_for", args: { celsius: 24 }, argsValid: true },
  ]);
  const results = events.filter((event) => event.type === "tool.result");
  expect(results.map(({ toolName, outcome }) => [toolName, outcome]).sort()).toEqual([
    ["clothes_for", "success"],
    ["temperature_in", "success"],
  ]);
  expect((await stream.result).output).toContain("24 degrees in Kyoto");
});

test("50 concurrent runs on one agent all answer with their own text", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 50 })]);
  const agent = system.agent("ctl");
  const prompts = Array.from({ length: 50 }, (_value, index) => `echo:run ${index}`);
  const results = await Promise.all(prompts.map((prompt) => agent.run(prompt)));
  expect(results.map(({ output }) => output)).toEqual(prompts.map((prompt) => prompt.slice("echo:".length)));
  expect(new Set(results.map(({ runId }) => runId)).size).toBe(50);
});

test("runs beyond maxConcurrency wait their turn", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 2 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const order: number[] = [];
  const runs = [0, 1, 2, 3].map(async (index) => {
    await agent.run("sleep:0.05");
    order.push(index);
  });
  await Promise.all(runs);
  expect([order.slice(0, 2).sort(), order.slice(2).sort()]).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test("an error of the agent rejects with its kind, Python type and causes, and the agent lives on", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  const raised = await rejection(agent.run("raise:boom from the model"));
  expect(raised).toBeInstanceOf(RunError);
  expect(raised).toMatchObject({ code: "run_failed", kind: "user_code", pythonType: "ValueError" });
  expect((raised as RunError).message).toContain("boom from the model");
  const prompt = `raise:${"x".repeat(20_000)}`;
  const { messages } = (await rejection(agent.run(prompt))) as RunError;
  expect(messages?.[0]).toMatchObject({ kind: "request", parts: [{ content: prompt }] });
  const limit = await rejection(agent.run("usage-limit"));
  expect(limit).toMatchObject({ kind: "usage_limit_exceeded", retriable: false });
  const retries = await rejection(agent.run("model-retry"));
  expect(retries).toMatchObject({ code: "run_failed", kind: "output_validation" });
  expect((retries as RunError).cause).toBeInstanceOf(RunError);
  expect(agent.incarnation).toBe(1);
});

test("in a stream the error is the terminal event, and text() throws it", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  const events: RunEvent[] = [];
  for await (const event of agent.stream("raise:in the stream")) events.push(event);
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "run_failed", kind: "user_code" } });
  const reading = (async () => {
    for await (const _word of agent.stream("raise:again").text());
  })();
  expect(await rejection(reading)).toMatchObject({ code: "run_failed" });
});

test("SystemExit in user code fails the run, not the worker", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  expect(await rejection(agent.run("sys-exit:3"))).toBeInstanceOf(RunError);
  expect((await agent.run("echo:still here")).incarnation).toBe(1);
});

test("a model by name replaces the agent's own for one run", async () => {
  const { system } = await watch([controllable()]);
  const { output } = await system.agent("ctl").run("echo:mine", { model: "test" });
  expect(output).not.toBe("mine");
  expect((await system.agent("ctl").run("echo:mine")).output).toBe("mine");
});

test("describe tells schemas, tools and versions", async () => {
  const { system } = await watch([testAgent({ id: "tools", entry: "python/agents/tool_agent.py:agent" })]);
  const description = await system.agent("tools").describe();
  expect(description).toMatchObject({ agentId: "tools", name: "tools", protocolVersion: 1 });
  expect(description.tools.map(({ name }) => name).sort()).toEqual(["clothes_for", "temperature_in"]);
  expect(description.schemaHash).toMatch(/^[0-9a-f]{64}$/);
});

test("prints of the user's code are log lines and disturb nothing", async () => {
  const { system, logged } = await watch([controllable()]);
  expect((await system.agent("ctl").run('print:{"type":"ready"}')).output).toBe("printed");
  await system.agent("ctl").run("stderr:a line on stderr");
  const line = await logged(({ msg }) => msg === "a line on stderr");
  expect(line).toMatchObject({ agent: "ctl", incarnation: 1, stream: "stderr" });
});

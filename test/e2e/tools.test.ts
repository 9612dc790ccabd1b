import { expect, test } from "vitest";
import { z } from "zod";
import { RunError } from "../../src/errors.ts";
import { defineAgent, ModelRetry, type RunEvent, ToolFailed, type Tools, tool, toolContent } from "../../src/index.ts";
import { rejection, watch } from "./support.ts";

const add = tool({
  description: "Adds two numbers.",
  input: z.object({ a: z.number(), b: z.number().default(1) }),
  execute: ({ a, b }) => ({ sum: a + b }),
});

/** The model calls what its prompt names, and answers with what it was told: [outcome, tool, content]. */
function caller(tools: Tools = { add }) {
  return defineAgent({ id: "caller", entry: "test/fixtures/agents/caller.py:agent", tools });
}

async function heard(answer: Promise<{ output: unknown }>): Promise<unknown[][]> {
  return JSON.parse((await answer).output as string) as unknown[][];
}

const calls = (...steps: [string, unknown][][]) => JSON.stringify(steps);

test("a model calls tools of the definition and of the run, beside the agent's own, in unary runs and streams", async () => {
  const { system } = await watch([caller()]);
  const agent = system.agent("caller");
  const where = tool({
    description: "Where.",
    execute: (_args, { toolCallId, runId, step }) => ({ toolCallId, runId, step }),
  });
  const prompt = calls(
    [["add", { a: 1, b: 2 }]],
    [
      ["own_tool", { value: 4 }],
      ["where", {}],
    ],
  );
  const stream = agent.stream(prompt, { tools: { where } });
  const expected = [
    ["success", "add", { sum: 3 }],
    ["success", "own_tool", 8],
    ["success", "where", { toolCallId: "call-2-2", runId: stream.runId, step: 2 }],
  ];
  const events: RunEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(await heard(stream.result)).toEqual(expected);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  expect(events.filter((event) => event.type === "tool.result").map(({ content }) => content)).toContainEqual({
    sum: 3,
  });
  expect(await heard(agent.run(calls([["add", { a: 1 }]])))).toEqual([["success", "add", { sum: 2 }]]);
});

test("the model is told of a tool what its definition says", async () => {
  const { system } = await watch([caller()]);
  const tools = JSON.parse((await system.agent("caller").run("tools")).output as string);
  expect(Object.keys(tools).sort()).toEqual(["add", "own_tool"]);
  expect(tools.add).toMatchObject([
    "Adds two numbers.",
    { type: "object", required: ["a"], properties: { b: { default: 1 } } },
  ]);
});

test("arguments that the schema refuses go back to the model, which may mend them", async () => {
  const { system } = await watch([caller()]);
  const answer = heard(system.agent("caller").run(calls([["add", { a: "one" }]], [["add", { a: 1 }]])));
  const [refused, mended] = await answer;
  expect(refused).toEqual([
    "retried",
    "add",
    expect.stringContaining("a: Invalid input: expected number, received string"),
  ]);
  expect(mended).toEqual(["success", "add", { sum: 2 }]);
});

test("a tool may ask for a retry, fail for the model, answer in parts, or end the run with its own error", async () => {
  const broken = new TypeError("the database is gone");
  const tools: Tools = {
    again: tool({
      description: "",
      execute: (_args, { retry }) => {
        if (retry === 0) throw new ModelRetry("not like this");
        return retry;
      },
    }),
    closed: tool({ description: "", execute: () => Promise.reject(new ToolFailed("closed on Sundays")) }),
    picture: tool({
      description: "",
      execute: () => toolContent("look:", { type: "image", data: new Uint8Array([0, 255]), mediaType: "image/png" }),
    }),
    broken: tool({ description: "", execute: () => Promise.reject(broken) }),
    odd: tool({ description: "", execute: () => ({ deep: [Number.NaN] }) }),
  };
  const { system } = await watch([caller(tools)]);
  const agent = system.agent("caller");
  expect(
    await heard(
      agent.run(
        calls(
          [
            ["again", {}],
            ["closed", {}],
            ["picture", {}],
          ],
          [["again", {}]],
        ),
      ),
    ),
  ).toEqual([
    ["retried", "again", expect.stringContaining("not like this")],
    ["failed", "closed", "closed on Sundays"],
    ["success", "picture", ["look:", expect.objectContaining({ kind: "binary", media_type: "image/png" })]],
    ["success", "again", 1],
  ]);
  const error = await rejection(agent.run(calls([["broken", {}]])));
  expect(error).toMatchObject({ code: "run_failed", kind: "user_code", toolName: "broken" });
  expect((error as RunError).cause).toBe(broken);
  expect((error as RunError).message).toContain('tool "broken" of the host threw TypeError: the database is gone');
  await expect(agent.stream(calls([["broken", {}]])).result).rejects.toMatchObject({ cause: broken });
  await expect(agent.run(calls([["odd", {}]]))).rejects.toThrow('the result of tool "odd".deep[0] is NaN');
  expect(agent.state).toBe("ready");
});

test("a tool that takes too long has its signal aborted, and the model is told", async () => {
  const aborted = Promise.withResolvers<unknown>();
  const slow = tool({
    description: "",
    timeoutMs: 20,
    execute: (_args, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve(signal.reason));
      return new Promise(() => undefined);
    },
  });
  const { system } = await watch([caller({ slow })]);
  const [told] = await heard(system.agent("caller").run(calls([["slow", {}]])));
  expect(told).toEqual(["retried", "slow", expect.stringContaining("Timed out after 0.02 seconds.")]);
  expect(await aborted.promise).toMatchObject({ name: "TimeoutError" });
});

test("calls of one response are made at the same time", async () => {
  const both = Promise.withResolvers<void>();
  let open = 0;
  const meet = tool({
    description: "",
    execute: async () => {
      open += 1;
      if (open === 2) both.resolve();
      await both.promise;
      return open;
    },
  });
  const { system } = await watch([caller({ meet })]);
  expect(
    await heard(
      system.agent("caller").run(
        calls([
          ["meet", {}],
          ["meet", {}],
        ]),
      ),
    ),
  ).toHaveLength(2);
});

/** A tool that says when it was called so many times, and waits for its signal. */
function waiting(times = 1) {
  const called = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  let count = 0;
  const wait = tool({
    description: "",
    execute: (_args, { signal }) => {
      count += 1;
      if (count === times) called.resolve();
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => undefined);
    },
  });
  return { wait, called: called.promise, aborted: aborted.promise, count: () => count };
}

test("a worker that dies during a call aborts its signal, and nothing is called a second time", async () => {
  const { wait, called, aborted, count } = waiting(2);
  const { system, report } = await watch([caller({ wait })]);
  const agent = system.agent("caller");
  const run = agent.run(calls([["wait", {}]]), { idempotent: true, retry: { onWorkerExit: "if_idempotent" } });
  const stream = agent.stream(calls([["wait", {}]]));
  const ends = [rejection(run), rejection(stream.result)];
  await called;
  process.kill(agent.pid as number, "SIGKILL");
  await aborted;
  for (const end of await Promise.all(ends)) expect(end).toMatchObject({ code: "worker_exited" });
  await report("agent.ready", ({ incarnation }) => incarnation === 2);
  expect(await heard(agent.run(calls([["own_tool", { value: 1 }]])))).toEqual([["success", "own_tool", 2]]);
  expect(count()).toBe(2);
});

test("a caller that leaves aborts the signal, and the place of the run is free", async () => {
  const { wait, called, aborted } = waiting();
  const { system } = await watch([caller({ wait })]);
  const agent = system.agent("caller");
  const leave = new AbortController();
  const run = rejection(agent.run(calls([["wait", {}]]), { signal: leave.signal }));
  await called;
  leave.abort();
  await aborted;
  expect(await run).toMatchObject({ code: "run_cancelled" });
  await expect.poll(() => agent.inFlight).toBe(0);
});

test("a reader that pauses gets its tools called all the same", async () => {
  const called = Promise.withResolvers<void>();
  const ping = tool({ description: "", execute: () => called.resolve() });
  const { system } = await watch([caller({ ping })]);
  const stream = system.agent("caller").stream(calls([["ping", {}]]));
  for await (const event of stream) if (event.type === "tool.call") await called.promise;
  expect(await heard(stream.result)).toEqual([["success", "ping", null]]);
});

test("a tool with the name of one of the agent's own is refused before anything starts", async () => {
  const { system } = await watch([caller()]);
  const agent = system.agent("caller");
  const error = await rejection(agent.run("[]", { tools: { own_tool: add } }));
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ code: "run_failed", kind: "validation" });
  expect((error as RunError).message).toContain('"own_tool", which is a tool of the Python agent');
  const events: RunEvent[] = [];
  for await (const event of agent.stream("[]", { tools: { own_tool: add } })) events.push(event);
  expect(events.map(({ type }) => type)).toEqual(["failed"]);
});

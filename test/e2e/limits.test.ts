import { expect, test } from "vitest";
import { CallerError, RunError } from "../../src/errors.ts";
import { controllable, rejection, watch } from "./support.ts";

test("a full queue refuses the next run at once, and serves those it has", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 1, maxQueue: 2 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const runs = [agent.run("sleep:0.2"), agent.run("echo:1"), agent.run("echo:2")];
  const refused = await rejection(agent.run("echo:3"));
  expect(refused).toBeInstanceOf(CallerError);
  expect(refused).toMatchObject({ code: "queue_full" });
  expect(() => agent.stream("echo:4")).toThrow(/queue_full/);
  expect((await Promise.all(runs)).map(({ output }) => output)).toEqual(["slept 0.2 s", "1", "2"]);
});

test("maxQueue 0 takes what the worker can hold and nothing more", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 1, maxQueue: 0 })]);
  const agent = system.agent("ctl");
  expect(await rejection(agent.run("echo:too early"))).toMatchObject({ code: "queue_full" });
  await agent.whenReady();
  expect((await agent.run("echo:taken")).output).toBe("taken");
});

test("an oversized prompt is refused with sizes before anything is sent", async () => {
  const { system } = await watch([controllable()], { python: { maxMessageBytes: 100_000 } });
  const agent = system.agent("ctl");
  const error = await rejection(agent.run(`echo:${"x".repeat(100_001)}`));
  expect(error).toMatchObject({ code: "message_too_large" });
  expect((error as CallerError).message).toMatch(/100006 bytes.*100000 bytes/);
  expect((await agent.run("echo:small")).incarnation).toBe(1);
});

test("an answer over the limit rejects as a run that has acted, and the agent lives on", async () => {
  const { system } = await watch([controllable()], { python: { maxMessageBytes: 100_000 } });
  const agent = system.agent("ctl");
  const error = await rejection(agent.run("big:200000"));
  expect(error).toMatchObject({ code: expect.stringMatching(/message_too_large|run_failed/) });
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ kind: "answer_too_large", retriable: false, usage: { requests: 1 } });
  expect((await agent.run("echo:small")).incarnation).toBe(1);
});

test("an answer is carried once: what fits into the limit is answered", async () => {
  const { system } = await watch([controllable()], { python: { maxMessageBytes: 100_000 } });
  const { output, newMessages } = await system.agent("ctl").run("big:98000");
  expect(output).toHaveLength(98_000);
  expect(newMessages).toHaveLength(2);
});

test("a stream that has delivered everything ends well, whatever the limit of a message is", async () => {
  const { system } = await watch([controllable()], { python: { maxMessageBytes: 100_000 } });
  const stream = system.agent("ctl").stream("big:350000");
  let text = "";
  for await (const piece of stream.text()) text += piece;
  const { output, newMessages } = await stream.result;
  expect([text.length, (output as string).length, newMessages.length]).toEqual([350_000, 350_000, 2]);
});

test("large messages pass both ways by default", async () => {
  const { system } = await watch([controllable()]);
  const text = "y".repeat(8 * 1024 * 1024);
  expect((await system.agent("ctl").run(`echo:${text}`)).output).toHaveLength(text.length);
});

test("abort: the caller learns at once and the Python handler is cancelled", async () => {
  const { system, logged } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const controller = new AbortController();
  const run = rejection(agent.run("sleep:30", { signal: controller.signal }));
  await system.agent("ctl").run("echo:the first is under way");
  controller.abort(new Error("the user left"));
  const error = await run;
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ code: "run_cancelled", kind: "cancelled" });
  await logged(({ msg }) => msg === "handler cancelled: sleep:30");
  // Whether the event loop is free again, it says itself.
  await agent.whenReady();
  expect(agent.state).toBe("ready");
});

test("timeoutMs: the caller gets a deadline error and the Python handler is cancelled", async () => {
  const { system, logged } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const error = await rejection(agent.run("sleep:29", { timeoutMs: 300 }));
  expect(error).toMatchObject({ code: "deadline_exceeded" });
  await logged(({ msg }) => msg === "handler cancelled: sleep:29");
});

test("leaving a stream's loop early cancels the Python handler", async () => {
  const { system, logged } = await watch([controllable()]);
  const agent = system.agent("ctl");
  const stream = agent.stream("stream:1000:10");
  for await (const event of stream) if (event.type === "text.delta") break;
  await logged(({ event, run_id }) => event === "run.cancelled" && run_id === stream.runId);
  expect(await rejection(stream.result)).toMatchObject({ code: "run_cancelled" });
  // Whether the event loop is free again, it says itself.
  await agent.whenReady();
  expect(agent.state).toBe("ready");
});

test("cancel() ends a stream with the cancelled event", async () => {
  const { system } = await watch([controllable()]);
  const stream = system.agent("ctl").stream("stream:1000:10");
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === "text.delta") stream.cancel("enough");
  }
  expect(types.at(-1)).toBe("cancelled");
  expect(types.filter((type) => type === "cancelled")).toHaveLength(1);
});

test("a run that waits leaves the queue when it is aborted or its time is up", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 1, maxQueue: 2 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const held = agent.run("sleep:0.5");
  const controller = new AbortController();
  const aborted = rejection(agent.run("echo:a", { signal: controller.signal }));
  const late = rejection(agent.run("echo:b", { timeoutMs: 50 }));
  controller.abort();
  expect(await aborted).toMatchObject({ code: "run_cancelled" });
  expect(await late).toMatchObject({ code: "deadline_exceeded" });
  expect((await agent.run("echo:c")).output).toBe("c");
  await held;
});

test.each([
  ["a prompt that is no text", 7, {}, "prompt"],
  ["a timeout of 0", "x", { timeoutMs: 0 }, "options.timeoutMs"],
  ["a signal that is none", "x", { signal: {} }, "options.signal"],
  ["an unknown option", "x", { timeout: 5 }, "options.timeout"],
  ["a history that is no list", "x", { messageHistory: "[]" }, "options.messageHistory"],
  ["metadata that is no text", "x", { metadata: { a: 1 } }, "options.metadata.a"],
])("%s is refused by field before anything is queued", async (_what, prompt, options, field) => {
  const { system } = await watch([controllable({ maxQueue: 0 })]);
  const error = await rejection(system.agent("ctl").run(prompt as string, options as never));
  expect(error).toMatchObject({ code: "invalid_argument", field });
});

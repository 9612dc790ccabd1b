import { expect, test } from "vitest";
import { createConversationStore } from "../../src/agent/conversation-store.ts";
import type { PausedRun } from "../../src/agent/paused-run.ts";
import type { RunEvent, RunOutcome } from "../../src/agent/run-result.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import type { FakeReply, FakeRun } from "../../src/testing/index.ts";
import { rejection, within } from "../rpc/agent-server.ts";
import { startPoet, until } from "./fleet.ts";
import { thrownBy } from "./values.ts";

const asks = [{ toolCallId: "c1", toolName: "erase", args: {} }];
const yes = { c1: true } as const;

/** An agent that asks before it erases. "hang" holds its worker. */
async function startEraser(spec: Partial<AgentSpec> = {}) {
  const erased: unknown[] = [];
  const given: FakeRun[] = [];
  const fails = { next: false };
  const answer = (run: FakeRun): FakeReply => {
    given.push(run);
    if (run.prompt === "hang") return { hang: true };
    if (run.prompt === "talk") return "we talk";
    if (run.answers === undefined && run.frontend === undefined) return { asks };
    const approved = run.frontend === undefined || JSON.stringify(run.frontend.body).includes("approval-responded");
    if (!approved) return { asks };
    erased.push(run.answers ?? "by the browser");
    if (fails.next) throw new Error("the model is down");
    return { chunks: ["it is ", "gone"] };
  };
  const fleet = await startPoet(spec, { script: { answer } });
  return { fleet, agent: fleet.agent(), erased, given, fails };
}

function paused(outcome: RunOutcome): PausedRun {
  if (outcome.status !== "paused") throw new Error("not paused");
  return outcome;
}

const approvals = { approvals: { c1: true }, calls: {} };

test("a paused run goes on as a stream, with the options of the run before under its own", async () => {
  const { agent, erased, given } = await startEraser();
  const { token, conversationId } = paused(await agent.run("x", { mayPause: true, deps: 1, model: "small" }));
  const stream = agent.stream({ paused: token, answers: yes }, { deps: 2 });
  const events: RunEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(events.map(({ type }) => type)).toEqual(["started", "text.delta", "text.delta", "completed"]);
  expect(await stream.result).toMatchObject({ output: "it is gone", runId: stream.runId });
  expect(given.at(-1)).toMatchObject({ deps: 2, model: "small", conversationId, answers: approvals, prompt: "" });
  expect(erased).toEqual([approvals]);
});

test("a paused run goes on as a run of the system, and may pause there again", async () => {
  const { fleet, agent, erased } = await startEraser();
  const { ledger } = fleet.environment;
  const first = agent.start("x", { mayPause: true });
  const stored = JSON.parse(JSON.stringify(paused(await first.result))) as PausedRun;
  const run = agent.start({ paused: stored, answers: yes }, { detached: true });
  expect(await run.result).toMatchObject({ output: "it is gone" });
  expect(ledger.get(run.runId)).toMatchObject({ state: "completed", lastSeq: 4 });
  expect(erased).toHaveLength(1);
});

test("a start under a known key is the run of the key, whatever has become of the token", async () => {
  const { agent, erased } = await startEraser();
  const { token } = paused(await agent.run("x", { mayPause: true }));
  const go = (answer: boolean) => agent.start({ paused: token, answers: { c1: answer } }, { idempotencyKey: "k" });
  const run = go(true);
  expect(go(true).runId).toBe(run.runId);
  await run.result;
  expect(go(true).runId).toBe(run.runId);
  expect(thrownBy(() => go(false))).toMatchObject({ code: "idempotency_conflict" });
  expect(erased).toHaveLength(1);
});

test("a token goes on once, whichever way it is asked for, at once or later, and the error says with which run", async () => {
  const { agent, erased } = await startEraser();
  const run = paused(await agent.run("x", { mayPause: true }));
  const { token } = run;
  const both = await Promise.allSettled([agent.resume(token, yes), agent.resume(token, yes)]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const [first] = both;
  const { runId } = (first as PromiseFulfilledResult<RunOutcome>).value;
  const facts = { code: "already_resumed", field: "paused", value: token, runId };
  for (const again of [token, run, structuredClone(run)]) {
    expect(await rejection(agent.resume(again, yes))).toMatchObject(facts);
    expect(thrownBy(() => agent.stream({ paused: again, answers: yes }))).toMatchObject(facts);
    expect(thrownBy(() => agent.start({ paused: again, answers: yes }))).toMatchObject(facts);
  }
  expect(await rejection(agent.resume("another", yes))).toMatchObject({ code: "not_found" });
  expect(erased).toHaveLength(1);
});

test("a token is good again where its run was refused, or has ended before a worker began with it, and not where one has", async () => {
  const { fleet, agent, erased, fails } = await startEraser({ maxConcurrency: 1, maxQueue: 1 });
  const { token } = paused(await agent.run("x", { mayPause: true }));
  const resumption = { paused: token, answers: yes };
  expect(await rejection(agent.resume(token, {}))).toMatchObject({ field: "answers.c1" });
  expect(thrownBy(() => agent.stream(resumption, { tools: 1 as never }))).toMatchObject({ code: "invalid_argument" });
  expect(thrownBy(() => agent.start(resumption, { conversationId: "c" } as object))).toMatchObject({
    field: "options.conversationId",
  });

  const held = agent.start("hang");
  await until("the worker is held", () => agent.inFlight === 1);
  const waiting = agent.start(resumption);
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "already_resumed", runId: waiting.runId });
  expect(thrownBy(() => agent.start("x"))).toMatchObject({ code: "queue_full" });
  waiting.cancel();
  expect(await rejection(waiting.result)).toMatchObject({ code: "run_cancelled" });
  const late = rejection(agent.resume(token, yes, { timeoutMs: 50 }));
  fleet.clock.advance(50);
  expect(await late).toMatchObject({ code: "deadline_exceeded" });
  agent.stream(resumption).cancel();
  await new Promise(setImmediate);
  const queued = agent.start("x");
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "queue_full" });
  queued.cancel();
  held.cancel();
  expect(erased).toEqual([]);

  fails.next = true;
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "run_failed" });
  expect(erased).toHaveLength(1);
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "already_resumed" });
});

test("a token is good again where nobody has read its stream when its signal is aborted or its time has passed", async () => {
  const { fleet, agent, erased } = await startEraser();
  const { token } = paused(await agent.run("x", { mayPause: true }));
  const resumption = { paused: token, answers: yes };
  const gone = new AbortController();
  agent.stream(resumption, { signal: gone.signal });
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "already_resumed" });
  gone.abort();
  await new Promise(setImmediate);
  const late = agent.stream(resumption, { timeoutMs: 50 });
  fleet.clock.advance(50);
  await new Promise(setImmediate);
  expect(await agent.resume(token, yes)).toMatchObject({ output: "it is gone" });
  expect(await rejection(late.result)).toMatchObject({ code: "deadline_exceeded" });
  expect([erased.length, agent.queueLength, agent.inFlight]).toEqual([1, 0, 0]);
});

test("a fake run that asks people is rejected where its host does not say that it may pause, as a real one", async () => {
  const { agent } = await startEraser();
  expect(await rejection(agent.run("x"))).toMatchObject({ code: "run_failed", kind: "user_error" });
  const events: RunEvent[] = [];
  for await (const event of agent.stream("x")) events.push(event);
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { kind: "user_error" } });
});

test("a fake output that has a field of the name is no run that pauses", async () => {
  const { agent } = await startPoet({}, { script: { answer: () => ({ output: { asks: [101], bids: [99] } }) } });
  expect(await agent().run("x", { mayPause: true })).toMatchObject({ output: { asks: [101], bids: [99] } });
});

test("a run of a conversation goes on in its turn in each of the ways, and what it adds is kept", async () => {
  const { agent, erased } = await startEraser();
  const conversation = agent.conversation("c");
  const pause = async () => paused(await conversation.run("x", { mayPause: true })).token;
  const streamed = await conversation.stream({ paused: await pause(), answers: yes });
  expect(await streamed.result).toMatchObject({ output: "it is gone", conversationId: "c" });
  const started = await conversation.start({ paused: await pause(), answers: yes });
  expect(await started.result).toMatchObject({ output: "it is gone" });
  expect(await conversation.resume(await pause(), yes)).toMatchObject({ output: "it is gone" });
  expect([erased.length, (await conversation.messages()).length]).toEqual([3, 12]);
});

test("what a conversation has gone on from in another way goes on no more", async () => {
  const { agent, erased } = await startEraser();
  const store = createConversationStore();
  const conversation = agent.conversation("c", { store });
  const run = paused(await conversation.run("x", { mayPause: true }));
  await conversation.run("talk");
  expect(await rejection(agent.resume(run.token, yes))).toMatchObject({
    code: "already_resumed",
    message: expect.stringContaining("its conversation is past it"),
  });
  // Another process that has the same store knows it by the messages alone.
  const other = (await startEraser()).agent.conversation("c", { store });
  const past = { code: "already_resumed", value: run.token };
  expect(await rejection(other.resume(run, yes))).toMatchObject(past);
  expect(await rejection(other.stream({ paused: run, answers: yes }))).toMatchObject(past);
  expect(await other.run("talk")).toMatchObject({ output: "we talk" });
  expect(erased).toEqual([]);
});

/** What useChat sends: a prompt, the approval of what was asked, or that and then something else. */
type Said = "prompt" | "approval" | "more";

function chat(what: Said) {
  const user = { id: "m1", role: "user", parts: [{ type: "text", text: "x" }] };
  const approval = { type: "tool-erase", toolCallId: "c1", state: "approval-responded", approval: { approved: true } };
  const assistant = { id: "m2", role: "assistant", parts: [approval] };
  const more = { id: "m3", role: "user", parts: [{ type: "text", text: "talk" }] };
  const messages = { prompt: [user], approval: [user, assistant], more: [user, assistant, more] }[what];
  const body = JSON.stringify({ id: "chat", trigger: "submit-message", messages });
  return new Request("http://host/", { method: "POST", body, headers: { "content-type": "application/json" } });
}

/** An agent whose chat waits for an approval. */
async function startChat(spec: Partial<AgentSpec> = {}) {
  const eraser = await startEraser(spec);
  const { agent, fleet } = eraser;
  const post = async (what: Said) => {
    const response = await agent.fetch(chat(what), { conversation: "server" });
    return { status: response.status, text: await within("an answer", response.text()) };
  };
  expect((await post("prompt")).status).toBe(200);
  const token = fleet.environment.ledger.list({ state: "paused" })[0]?.paused?.token as string;
  return { ...eraser, post, token };
}

test("what the browser's user has approved is not called again by agent.resume, nor the other way round", async () => {
  const first = await startChat();
  expect(await first.post("approval")).toMatchObject({ status: 200, text: expect.stringContaining("gone") });
  expect(await rejection(first.agent.resume(first.token, yes))).toMatchObject({ code: "already_resumed" });
  expect(first.erased).toEqual(["by the browser"]);

  const second = await startChat();
  await second.agent.resume(second.token, yes);
  const { status, text } = await second.post("approval");
  expect([status, JSON.parse(text).error]).toEqual([
    409,
    { code: "already_resumed", message: "What was asked here is answered already. Load the conversation anew." },
  ]);
  expect(second.erased).toEqual([approvals]);
  // What its user says then closes it, though the client says again what was approved; and so does what is said after that.
  expect(await second.post("more")).toMatchObject({ status: 200, text: expect.stringContaining("we talk") });
  expect(await second.post("more")).toMatchObject({ status: 200, text: expect.stringContaining("we talk") });
  expect(second.erased).toEqual([approvals]);
  expect(JSON.stringify(second.given.at(-1)?.frontend?.body)).not.toContain("approval-responded");

  const third = await startChat();
  await third.post("more");
  const seen = JSON.stringify(third.given.at(-1)?.frontend?.body);
  expect(seen).toContain("approval-responded"); // it was asked, and nobody else has answered
  expect(await rejection(third.agent.resume(third.token, yes))).toMatchObject({ code: "already_resumed" });
});

test("an approval whose run has failed after the call is not taken again, and one whose run never began is", async () => {
  const { fleet, agent, post, token, erased, fails } = await startChat({ maxConcurrency: 1 });
  const held = agent.start("hang");
  await until("the worker is held", () => agent.inFlight === 1);
  const late = agent.fetch(chat("approval"), { conversation: "server", timeoutMs: 50 });
  await until("the run waits", () => agent.queueLength === 1);
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "already_resumed" });
  fleet.clock.advance(50);
  expect((await late).status).toBe(504);
  held.cancel();
  fails.next = true;
  expect(await post("approval")).toMatchObject({ text: expect.stringContaining("The run has failed.") });
  expect(erased).toHaveLength(1);
  expect((await post("approval")).status).toBe(409);
  expect(await rejection(agent.resume(token, yes))).toMatchObject({ code: "already_resumed" });
});

import { expect, test } from "vitest";
import { createConversationStore } from "../../src/agent/conversation-store.ts";
import { tool } from "../../src/agent/tool.ts";
import type { FakeReply, FakeRun } from "../../src/testing/index.ts";
import { rejection, within } from "../rpc/agent-server.ts";
import { startFleet } from "./fleet.ts";

/** An agent that says how many messages it was given; "hold" waits until it is released or cancelled. */
async function open() {
  const begun: string[] = [];
  const held = Promise.withResolvers<void>();
  const answer = async (run: FakeRun): Promise<FakeReply> => {
    const { prompt, messageHistory, signal, deps, metadata, tools } = run;
    begun.push(prompt);
    if (prompt === "hold") {
      const cancelled = new Promise((resolve) => signal.addEventListener("abort", resolve));
      await Promise.race([held.promise, cancelled]);
    }
    const answered = `${prompt} after ${messageHistory.length}`;
    return deps === undefined ? answered : `${answered} ${JSON.stringify(deps)} ${JSON.stringify(metadata)} ${tools}`;
  };
  const fleet = await startFleet([{}], { script: { answer } });
  return { fleet, agent: fleet.agent(), begun, release: held.resolve };
}

test("what a run adds is what the next one is given, in runs and streams", async () => {
  const { agent } = await open();
  const conversation = agent.conversation("c1");
  const first = await conversation.run("one");
  expect(first).toMatchObject({ output: "one after 0", conversationId: "c1" });
  const stream = await conversation.stream("two");
  const words: string[] = [];
  for await (const word of stream.text()) words.push(word);
  expect(words.join("")).toBe("two after 2");
  // Another handle of the same id goes on with it.
  expect((await agent.conversation("c1").run("three")).output).toBe("three after 4");
  expect(await conversation.messages()).toHaveLength(6);
  expect((await agent.conversation("c2").run("other")).output).toBe("other after 0");
});

test("one run of a conversation runs at a time, the others wait in their order; other conversations do not wait", async () => {
  const { agent, begun, release } = await open();
  const conversation = agent.conversation("c1");
  const runs = ["hold", "second", "third"].map((prompt) => conversation.run(prompt));
  await agent.conversation("c2").run("elsewhere");
  expect(begun.toSorted()).toEqual(["elsewhere", "hold"]);
  release();
  expect((await Promise.all(runs)).map(({ output }) => output)).toEqual([
    "hold after 0",
    "second after 2",
    "third after 4",
  ]);
});

test("a run may reject instead of waiting, or interrupt the one that runs", async () => {
  const { agent } = await open();
  const conversation = agent.conversation("c1", { whenBusy: "reject" });
  const held = rejection(conversation.run("hold"));
  expect(await rejection(conversation.run("no"))).toMatchObject({ code: "conversation_busy" });
  const urgent = await conversation.run("urgent", { whenBusy: "interrupt" });
  expect(await held).toMatchObject({ code: "run_cancelled" });
  expect(urgent.output).toBe("urgent after 0"); // a cancelled run leaves the conversation as it was
});

test("a run that waits for its turn heeds its signal and its time", async () => {
  const { fleet, agent, begun, release } = await open();
  const conversation = agent.conversation("c1");
  const held = conversation.run("hold");
  const controller = new AbortController();
  const cancelled = rejection(conversation.run("a", { signal: controller.signal }));
  controller.abort("left");
  expect(await cancelled).toMatchObject({ code: "run_cancelled", cause: "left" });
  const late = rejection(conversation.run("b", { timeoutMs: 50 }));
  expect(await fleet.whileTimePasses(late)).toMatchObject({ code: "deadline_exceeded" });
  release();
  await held;
  expect(begun).toEqual(["hold"]);
});

test("a run whose store does not answer heeds its signal and its time, and holds nobody up", async () => {
  const { fleet, agent } = await open();
  const kept = createConversationStore();
  let answers = false;
  const read = (id: string) => (answers ? kept.read(id) : new Promise<never>(() => undefined));
  const conversation = agent.conversation("c1", { store: { ...kept, read } });
  const controller = new AbortController();
  const cancelled = rejection(conversation.run("a", { signal: controller.signal }));
  const late = rejection(conversation.run("b", { timeoutMs: 50 }));
  controller.abort("left");
  expect(await cancelled).toMatchObject({ code: "run_cancelled", cause: "left" });
  expect(await fleet.whileTimePasses(late)).toMatchObject({ code: "deadline_exceeded" });
  answers = true;
  expect((await conversation.run("c")).output).toBe("c after 0");
});

test("a store that does not say whether it has written is told so, and is no conflict", async () => {
  const { agent } = await open();
  const write = async () => undefined as never;
  const conversation = agent.conversation("c1", { store: { ...createConversationStore(), write } });
  const told = { code: "invalid_argument", field: "the answer of store.write", rule: "true or false" };
  expect(await rejection(conversation.run("a"))).toMatchObject(told);
  expect(await rejection(conversation.fork("c2"))).toMatchObject(told);
});

test("a conversation that somebody else has written meanwhile is not overwritten", async () => {
  const { agent, begun, release } = await open();
  const store = createConversationStore();
  const conversation = agent.conversation("c1", { store });
  const held = rejection(conversation.run("hold"));
  await expect.poll(() => begun).toEqual(["hold"]);
  await store.write("c1", { messages: ["theirs"], revision: 1 });
  release();
  expect(await within("the end of the run", held)).toMatchObject({ code: "conversation_conflict" });
  expect(await conversation.messages()).toEqual(["theirs"]);
  expect((await conversation.run("next")).output).toBe("next after 1");
});

test("a fork begins as its origin, or as its beginning, and goes its own way", async () => {
  const { agent } = await open();
  const origin = agent.conversation("c1");
  await origin.run("one");
  await origin.run("two");
  const fork = await origin.fork("c2", { messages: 2 });
  expect((await fork.run("other two")).output).toBe("other two after 2");
  expect(await origin.messages()).toHaveLength(4);
  expect((await (await origin.fork()).run("three")).output).toBe("three after 4");
  expect(await rejection(origin.fork("c2"))).toMatchObject({ code: "conversation_conflict" });
  await expect(origin.fork("c3", { messages: 5 })).rejects.toThrow(
    "options.messages is 5; it must be an integer from 0 to 4",
  );
  await fork.delete();
  expect(await fork.messages()).toEqual([]);
});

test("what a run is asked with is taken at the call, however long it waits for its turn", async () => {
  const { agent, release } = await open();
  const conversation = agent.conversation("c1");
  const held = conversation.run("hold");
  const deps = { tenant: "ours" };
  const metadata = { user: "anna" };
  const prompt = [{ type: "text" as const, text: "asked" }];
  const given: unknown[] = [];
  const look = tool({ description: "Says what it was given.", execute: (args) => given.push(args) });
  const tools = { look };
  const waiting = conversation.run(prompt, { deps, metadata, tools });
  const started = conversation.start(prompt, { deps, metadata });
  deps.tenant = "theirs";
  metadata.user = "eve";
  prompt[0] = { type: "text", text: "changed" };
  Object.assign(tools, { look: undefined });
  release();
  await held;
  expect((await waiting).output).toBe('asked after 2 {"tenant":"ours"} {"user":"anna"} look');
  expect((await (await started).result).output).toBe('asked after 4 {"tenant":"ours"} {"user":"anna"} ');
});

test("what cannot be sent is refused at the call, and interrupts nobody", async () => {
  const { agent, begun, release } = await open();
  const conversation = agent.conversation("c1", { whenBusy: "interrupt" });
  const held = conversation.run("hold");
  await expect.poll(() => begun).toEqual(["hold"]);
  for (const [options, field] of [
    [null, "options"],
    [{ deps: { amount: 1n } }, "options.deps.amount"],
    [{ messageHistory: [] }, "options.messageHistory"],
    [{ conversationId: "c2" }, "options.conversationId"],
    [{ usageLimits: { requestLimits: 1 } }, "options.usageLimits.requestLimits"],
    [{ tools: { f: {} } }, "options.tools.f.description"],
    [{ timeOutMs: 5 }, "options.timeOutMs"],
  ] as const) {
    const given = options as never;
    const refusals = [conversation.run("x", given), conversation.stream("x", given), conversation.start("x", given)];
    refusals.push(conversation.resume("token", {}, given));
    for (const refusal of refusals) expect(String(await rejection(refusal))).toContain(`${field} is`);
  }
  expect(await rejection(conversation.start("x", { detached: 1 as never }))).toMatchObject({
    field: "options.detached",
  });
  expect(await rejection(conversation.resume("token", undefined as never))).toMatchObject({ field: "answers" });
  release();
  expect((await held).output).toBe("hold after 0");
});

test("who changes the messages that it was given changes no conversation", async () => {
  const { agent } = await open();
  const conversation = agent.conversation("c1");
  const { newMessages } = await conversation.run("one");
  (newMessages as unknown[]).splice(0);
  ((await conversation.messages()) as unknown[]).splice(0);
  const [first] = (await conversation.messages()) as { parts: unknown[] }[];
  first?.parts.splice(0);
  expect(await conversation.messages()).toMatchObject([{ parts: [{ content: "one" }] }, {}]);
});

test.each([
  ["", undefined, "id"],
  [7, undefined, "id"],
  ["c2", null, "options"],
  ["c2", { message: 1 }, "options.message"],
  ["c2", { messages: "1" }, "options.messages"],
])("a fork %j with %j is refused, and nothing is written", async (id, options, field) => {
  const { agent } = await open();
  const written: unknown[] = [];
  const store = { ...createConversationStore(), write: async () => written.push(id) > 0 };
  const conversation = agent.conversation("c1", { store });
  expect(await rejection(conversation.fork(id as string, options as never))).toMatchObject({
    code: "invalid_argument",
    field,
  });
  expect(written).toEqual([]);
});

test("a run that fails before it begins gives its turn on", async () => {
  const { agent } = await open();
  const conversation = agent.conversation("c1");
  await expect(conversation.run("x", { model: 7 as never })).rejects.toThrow("options.model is 7");
  await expect(conversation.run("x", { whenBusy: "now" as never })).rejects.toThrow("options.whenBusy is");
  await expect(conversation.stream("x", { deps: Number.NaN })).rejects.toThrow("options.deps is NaN");
  expect((await conversation.run("y")).output).toBe("y after 0");
});

test.each<[unknown, object, string]>([
  ["", {}, 'id is ""; it must be a non-empty string'],
  ["c", { whenBusy: "never" }, 'options.whenBusy is "never"'],
  ["c", { store: {} }, "options.store is"],
  ["c", { stores: 1 }, "options.stores is"],
])("a conversation %j with %j is refused", async (id, options, said) => {
  const { agent } = await open();
  expect(() => agent.conversation(id as string, options)).toThrow(said);
});

test("a run that is started keeps what it adds, has the turn until its end, and goes on when its reader leaves", async () => {
  const { agent, begun, release } = await open();
  const conversation = agent.conversation("c1");
  const run = await conversation.start("hold");
  const second = conversation.run("second");
  for await (const event of run) if (event.type === "started") break;
  expect(begun).toEqual(["hold"]);
  release();
  expect(await within("the second", second)).toMatchObject({ output: "second after 2" });
  expect(await run.result).toMatchObject({ output: "hold after 0", conversationId: "c1" });
  expect(await conversation.messages()).toHaveLength(4);
});

test("a started run of a conversation has its key: the same run while it runs and later, whatever was added since", async () => {
  const { agent, begun, release, fleet } = await open();
  const conversation = agent.conversation("c1");
  const first = await conversation.start("hold", { idempotencyKey: "turn-1" });
  const again = await within("the same run", conversation.start("hold", { idempotencyKey: "turn-1" }));
  expect(again.runId).toBe(first.runId);
  // Two that wait for their turn with one key are one run too.
  const waiting = [1, 2].map(() => conversation.start("next", { idempotencyKey: "turn-2" }));
  release();
  const [one, two] = await within("the turns of both", Promise.all(waiting));
  expect(one?.runId).toBe(two?.runId);
  expect(await one?.result).toMatchObject({ output: "next after 2" });
  expect((await conversation.start("hold", { idempotencyKey: "turn-1" })).state).toBe("completed");
  expect(await conversation.run("last")).toMatchObject({ output: "last after 4" });
  expect(begun).toEqual(["hold", "next", "last"]);
  expect(fleet.environment.ledger.list().length).toBe(2);
});

test("a start that is refused leaves the turn to others", async () => {
  const { agent } = await open();
  const conversation = agent.conversation("c1");
  await (await conversation.start("one", { idempotencyKey: "k" })).result;
  expect(await rejection(conversation.start("other", { idempotencyKey: "k" }))).toMatchObject({
    code: "idempotency_conflict",
  });
  expect(await rejection(agent.conversation("c2").start("one", { idempotencyKey: "k" }))).toMatchObject({
    code: "idempotency_conflict",
  });
  expect(await rejection(conversation.start("x", { detached: 1 as never }))).toMatchObject({
    field: "options.detached",
  });
  expect(await conversation.run("two")).toMatchObject({ output: "two after 2" });
});

test("a started run may be interrupted, and leaves the conversation as it was", async () => {
  const { agent } = await open();
  const conversation = agent.conversation("c1", { whenBusy: "interrupt" });
  const held = await conversation.start("hold");
  const urgent = await conversation.start("urgent");
  expect(await rejection(held.result)).toMatchObject({ code: "run_cancelled" });
  expect(held.state).toBe("cancelled");
  expect(await urgent.result).toMatchObject({ output: "urgent after 0" });
});

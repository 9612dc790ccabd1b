import { expect, test } from "vitest";
import { defineAgent } from "../../src/index.ts";
import { watch } from "./support.ts";

const asking = defineAgent({ id: "asking", entry: "test/fixtures/agents/asking.py:agent" });
const call = (name: string, path: string) => JSON.stringify([[name, { path }]]);

test("a conversation pauses, goes on with the answers, and from there in a fork, over workers that come and go", async () => {
  const { system } = await watch([asking]);
  const agent = system.agent("asking");
  const conversation = agent.conversation("c1");
  await conversation.run(call("look", "/a"));
  const paused = await conversation.run(call("delete", "/b"), { mayPause: true });
  if (paused.status !== "paused") throw new Error("not paused");
  expect([paused.conversationId, (await conversation.messages()).length]).toEqual(["c1", 6]);
  await agent.restart();
  const resumed = await conversation.resume(paused.token, { "call-1": true });
  if (resumed.status === "paused") throw new Error("paused again");
  expect(JSON.parse(resumed.output as string)).toEqual({ told: [["success", "delete", "deleted /b"]], ran: ["/b"] });
  const before = await conversation.messages();
  const fork = await conversation.fork();
  const next = await fork.run(call("look", "/c"));
  expect(JSON.parse(next.output as string).told).toEqual([["success", "look", "looked at /c"]]);
  expect(await conversation.messages()).toEqual(before);
  expect((await fork.messages()).slice(0, before.length)).toEqual(before);
});

test("a plain prompt in place of the answers closes what was asked", async () => {
  const { system } = await watch([asking]);
  const conversation = system.agent("asking").conversation("c1");
  await conversation.run(call("delete", "/b"), { mayPause: true });
  const next = await conversation.run(call("look", "/c"));
  expect(JSON.parse(next.output as string)).toMatchObject({ ran: ["look /c"] });
});

import { expect, test } from "vitest";
import { createConversationStore } from "../../src/agent/conversation-store.ts";

test("a conversation is written only over the revision before it", async () => {
  const store = createConversationStore();
  expect(await store.read("c")).toBeUndefined();
  expect(await store.write("c", { messages: [1], revision: 2 })).toBe(false);
  expect(await store.write("c", { messages: [1], revision: 1 })).toBe(true);
  expect(await store.write("c", { messages: [2], revision: 1 })).toBe(false);
  expect(await store.write("c", { messages: [1, 2], revision: 2 })).toBe(true);
  expect(await store.read("c")).toEqual({ messages: [1, 2], revision: 2 });
  const read = await store.read("c");
  (read?.messages as unknown[] | undefined)?.push("not written");
  expect(await store.read("c")).toEqual({ messages: [1, 2], revision: 2 });
  await store.delete("c");
  expect(await store.read("c")).toBeUndefined();
});

import { expect, test } from "vitest";
import { defineAgent, tool } from "../../src/index.ts";
import { rejection, watch } from "./support.ts";

const caller = defineAgent({ id: "caller", entry: "test/fixtures/agents/caller.py:agent" });

test("a message that is sent into a run is told with the next request, or when the run would end", async () => {
  const { system } = await watch([caller]);
  const prompt = JSON.stringify([[["pause", {}]]]);
  const steer: (() => Promise<void>)[] = [];
  const pause = tool({ description: "", execute: () => steer[0]?.() });
  const stream = system.agent("caller").stream(prompt, { tools: { pause } });
  steer.push(async () => {
    await stream.send("last words", { priority: "when_idle" });
    await stream.send(["by the way", { type: "image", data: new Uint8Array([1]), mediaType: "image/png" }]);
  });
  const heard = JSON.parse((await stream.result).output as string) as unknown[][];
  expect(heard).toEqual([
    ["success", "pause", null],
    ["user-prompt", null, ["by the way", expect.objectContaining({ media_type: "image/png" })]],
    ["user-prompt", null, "last words"],
  ]);
  expect(await rejection(stream.send("too late"))).toMatchObject({ code: "not_found" });
});

test("a stream without tools is steered too, and a message before it begins waits for it", async () => {
  const { system } = await watch([caller]);
  const stream = system.agent("caller").stream("[]");
  const sent = stream.send("early", { priority: "when_idle" });
  const texts: string[] = [];
  for await (const event of stream) {
    if (event.type === "started") await sent;
    if (event.type === "text.delta") texts.push(event.text);
  }
  expect(texts.at(-1)).toBe('[["user-prompt",null,"early"]]');
});

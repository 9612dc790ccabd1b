import { expect, test } from "vitest";
import { defineAgent, tool } from "../../src/index.ts";
import { controllable, rejection, watch } from "./support.ts";

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
  const { system } = await watch([controllable()]);
  // Long enough to be steered while it sleeps; what it is told is then the prompt that it acts on.
  const stream = system.agent("ctl").stream("sleep:1");
  const sent = stream.send("echo:steered");
  for await (const event of stream) if (event.type === "started") await sent;
  expect((await stream.result).output).toBe("steered");
});

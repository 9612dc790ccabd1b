import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { start } from "../../../src/otp/start/start.ts";

const inner = createMachine({ id: "inner", initial: "idle", states: { idle: {} } });
const outer = createMachine({
  id: "outer",
  invoke: { id: "inner", src: inner },
  on: { poke: { actions: () => undefined } },
});

test("the actors of a runtime are those of its live processes and what their machines have made, each after its parent", async () => {
  const runtime = new LocalRuntime();
  const one = await start(outer, { runtime });
  const two = await start(outer, { runtime });
  const actors = () => [...runtime.actors()];
  const [, first, , second] = actors();
  expect(actors().map(({ id }) => id)).toEqual(["runtime", first?.id, "inner", second?.id, "inner"]);
  expect(first).toBe(one.actor);
  await stop(one);
  expect(actors().map(({ id }) => id)).toEqual(["runtime", second?.id, "inner"]);
  await stop(two);
});

test("an observer that comes later sees what happens from then on, until it is ended; while there is none nobody is inspected", async () => {
  const runtime = new LocalRuntime();
  const process = await start(outer, { runtime });
  expect(runtime.isInspected).toBe(false);
  const seen: string[] = [];
  const end = runtime.observe((event) => {
    if (event.type === "@xstate.event") seen.push(event.event.type);
  });
  expect(runtime.isInspected).toBe(true);
  send(process, { type: "poke" });
  await expect.poll(() => seen).toEqual(["poke"]);
  end();
  expect(runtime.isInspected).toBe(false);
  send(process, { type: "poke" });
  await stop(process);
  expect(seen.filter((type) => type === "poke")).toEqual(["poke"]);
});

import { expect, test } from "vitest";
import { defineAgent } from "../src/agent/define.ts";
import { defineSystem, isSystemDefinition } from "../src/define-system.ts";
import { defineSupervisor } from "../src/otp/supervisor/start.ts";
import { startSystem } from "../src/start-system.ts";
import { createFakeLauncher } from "../src/testing/fake-launcher.ts";

const agent = (id: string) => defineAgent({ id, entry: "a.py:agent" });

test("a definition is inert, frozen, and told from options", () => {
  const options = { name: "answers", children: [agent("chat")] };
  const definition = defineSystem(options);
  expect(definition).toMatchObject(options);
  expect(Object.isFrozen(definition)).toBe(true);
  expect(isSystemDefinition(definition)).toBe(true);
  for (const other of [options, undefined, null, "answers", defineSystem])
    expect(isSystemDefinition(other)).toBe(false);
});

test("startSystem starts a definition, and what is made of one", async () => {
  const launcher = createFakeLauncher();
  const definition = defineSystem({ name: "answers", children: [agent("chat")] });
  const parts = { launcher, interpreter: "python" };
  await using first = await startSystem(definition, parts);
  expect((await first.agent("chat").run("hello")).output).toBe("hello");
  await using second = await startSystem({ ...definition, name: "others" }, parts);
  expect(second.tree()).toMatchObject({ id: "others", children: [{ id: "chat" }] });
});

test.each([
  [{ maxCrashes: -1 }, "options.maxCrashes is -1; it must be an integer from 0 to 100,000"],
  [{ strategy: "some" as never }, "options.strategy is "],
  [{ children: [{}] as never }, "options.children[0].id is undefined"],
  [{ python: { cwd: "/nowhere" } }, 'options.python.cwd is "/nowhere"; it must be a directory'],
])("what startSystem would refuse is refused at once: %j", (options, message) => {
  expect(() => defineSystem(options)).toThrow(message);
});

test("an id that two agents have is refused, however far they are apart", () => {
  const inner = defineSupervisor({ id: "inner", children: [agent("chat")] });
  const outer = defineSupervisor({ id: "outer", children: [inner] });
  expect(() => defineSystem({ children: [agent("chat"), outer] })).toThrow(
    'options.children[1].spec.children[0].spec.children[0].id is "chat"; it must be unique among the agents of the system',
  );
});

import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { agentMachine } from "../../src/agent/machine.ts";
import { definitionText } from "../../src/inspect/definition-text.ts";

const definitionOf = (config: unknown) => JSON.parse(definitionText(config, "fallback")) as Record<string, unknown>;

test("a chart is told whole: every state, transition and name", () => {
  const { states } = definitionOf(agentMachine.config) as { states: Record<string, { on: object }> };
  const { states: written = {} } = agentMachine.config;
  expect(Object.keys(states)).toEqual(Object.keys(written));
  expect(Object.keys(states.ready?.on ?? {})).toEqual(Object.keys(written.ready?.on ?? {}));
});

test("secrets of its static context and data are not told, whatever they stand in", () => {
  const machine = createMachine({
    id: "leaky",
    context: { apiKey: "sk-live-0123456789abcdef", deep: { password: "hunter2" } },
    initial: "one",
    states: {
      one: {
        meta: { token: "leak-in-meta" },
        entry: { type: "greet", params: { secret: "leak-in-params" } },
        invoke: { src: "load", input: { authorization: "leak-in-input" } },
      },
    },
  });
  const text = definitionText(machine.config, "leaky");
  expect(text).toContain('"greet"');
  for (const leak of ["sk-live", "hunter2", "leak-in"]) expect(text).not.toContain(leak);
});

test("names of states and events are structure, even those that sound like secrets or data", () => {
  const config = {
    initial: "token",
    states: { token: { on: { password: "context", output: { target: "token" } } }, context: { initial: "secret" } },
  };
  expect(definitionOf(config)).toEqual(config);
});

test("functions are their names, and what is no chart is drawn as its id", () => {
  function isRich() {
    return true;
  }
  expect(definitionOf({ on: { buy: { guard: isRich } } })).toEqual({ on: { buy: { guard: { type: "isRich" } } } });
  expect(definitionOf(undefined)).toEqual({ id: "fallback" });
});

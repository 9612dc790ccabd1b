import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expectTypeOf, test } from "vitest";
import type {
  Agent,
  AgentDefinition,
  Conversation,
  Prompt,
  RunEvent,
  RunOptions,
  RunResult,
  System,
} from "../../src/index.ts";
import { defineAgent, isToolCall } from "../../src/index.ts";
import * as kinds from "../typegen/golden/kinds.ts";
import * as plain from "../typegen/golden/plain.ts";
import * as union from "../typegen/golden/union.ts";

declare const system: System;
declare const event: RunEvent;

// Types alone are tested here: nothing of this runs.
const types = (_check: () => void) => undefined;

test("a contract gives the definition, the agent and its results their types, and says where the agent is", () => {
  types(() => {
    const definition = defineAgent({ id: "k", contract: kinds.contract, maxConcurrency: 2 });
    expectTypeOf(definition).toEqualTypeOf<AgentDefinition<kinds.Output, kinds.Deps>>();
    const agent = system.agent(definition);
    expectTypeOf(agent).toEqualTypeOf<Agent<kinds.Output, kinds.Deps>>();
    expectTypeOf(agent.run("x")).resolves.toEqualTypeOf<RunResult<kinds.Output>>();
    expectTypeOf(agent.conversation("c")).toEqualTypeOf<Conversation<kinds.Output, kinds.Deps>>();
    expectTypeOf(system.startChild("system", definition)).resolves.toEqualTypeOf<Agent<kinds.Output, kinds.Deps>>();
    expectTypeOf(agent.stream("x").result).resolves.toHaveProperty("output").toEqualTypeOf<kinds.Output>();
    expectTypeOf<kinds.Input>().toEqualTypeOf<Prompt>();
    expectTypeOf<union.Event>().toEqualTypeOf<RunEvent<union.Output>>();
  });
});

test("deps are those of the contract, in every way to run", () => {
  types(() => {
    const agent = system.agent(defineAgent({ id: "k", contract: kinds.contract }));
    const pair = ["a", 1] as const;
    agent.run("x", { deps: { user: "me", pair, tags: [{ word: "w", parent: null }] } });
    agent.stream("x", { deps: { user: "me", pair, limit: undefined } });
    agent.conversation("c").run("x", { deps: { user: "me", pair } });
    expectTypeOf(agent.start("x", { deps: { user: "me", pair } }).result).resolves.toEqualTypeOf<
      RunResult<kinds.Output>
    >();
    agent.fetch(new Request("http://localhost"), { deps: { user: "me", pair } });
    // @ts-expect-error misspelt
    agent.start("x", { deps: { usr: "me", pair } });
    // @ts-expect-error misspelt
    agent.fetch(new Request("http://localhost"), { deps: { usr: "me", pair } });
    // @ts-expect-error misspelt
    agent.run("x", { deps: { usr: "me", pair } });
    // @ts-expect-error of another type
    agent.stream("x", { deps: { user: 1, pair } });
    // @ts-expect-error one is missing
    agent.conversation("c").run("x", { deps: { user: "me" } });
    // @ts-expect-error no such option
    agent.run("x", { dpes: {} });
    const none = system.agent(defineAgent({ id: "p", contract: plain.contract }));
    none.run("x", { timeoutMs: 1 });
    // @ts-expect-error it takes none
    none.run("x", { deps: {} });
    system.agent(defineAgent({ id: "u", contract: union.contract })).run("x", { deps: [1] });
    expectTypeOf<RunOptions["deps"]>().toEqualTypeOf<unknown>();
  });
});

test("a contract may stand beside a schema, which makes the output", () => {
  types(() => {
    const schema = {} as StandardSchemaV1<unknown, Date>;
    const definition = defineAgent({ id: "k", contract: kinds.contract, output: schema });
    expectTypeOf(definition).toEqualTypeOf<AgentDefinition<Date, kinds.Deps>>();
    const moved = defineAgent({ id: "k", entry: "other.py:agent", contract: plain.contract });
    expectTypeOf(moved).toEqualTypeOf<AgentDefinition<string, undefined>>();
    // @ts-expect-error without a contract it says where it is
    defineAgent({ id: "k" });
    // @ts-expect-error no such field
    defineAgent({ id: "k", contract: kinds.contract, maxConcurency: 2 });
  });
});

test("calls of the agent's own tools are told by their names, with their arguments", () => {
  types(() => {
    if (!isToolCall(event, kinds.contract)) return;
    expectTypeOf(event.toolName).toEqualTypeOf<"find" | "odd-name">();
    if (event.toolName === "find") expectTypeOf(event.args).toEqualTypeOf<kinds.ToolArguments["find"]>();
    expectTypeOf<kinds.ToolCall["toolName"]>().toEqualTypeOf<"find" | "odd-name">();
    expectTypeOf<plain.ToolCall>().toBeNever();
  });
});

test("an agent with types is an agent", () => {
  types(() => {
    const known = system.agent(defineAgent({ id: "k", contract: kinds.contract }));
    const any: Agent = known;
    return any;
  });
});

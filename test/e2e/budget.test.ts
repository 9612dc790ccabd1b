import { expect, test } from "vitest";
import { budget } from "../../src/index.ts";
import { testAgent, watch } from "./support.ts";

test("what pydantic-ai says that runs have used is a budget: at its limit runs of all agents wait, or go on with another model", async () => {
  const one = testAgent({ id: "one", entry: "python/agents/example_agent.py:agent" });
  const other = testAgent({ id: "other", entry: "python/agents/example_agent.py:agent" });
  const { system, reports } = await watch([one, other]);
  const [first, second] = [system.agent(one), system.agent(other)];
  // pydantic-ai's TestModel, which needs no key and counts tokens as any model; it has no price.
  const { usage } = await first.run("how much is that?", { model: "test" });
  expect([usage.totalTokens > 0, usage.cost]).toEqual([true, undefined]);
  const { totalTokens } = usage;

  // Room for one of those runs within the window.
  const shared = { tokens: 2 * totalTokens - 1, reserve: { tokens: totalTokens }, per: "tree" } as const;
  system.setPolicy(system.name, budget({ ...shared, windowMs: 400 }));
  const runs = [first, second, first, second].map((agent) => agent.run("how much is that?", { model: "test" }));
  const results = await Promise.all(runs);
  expect(results.map((result) => result.usage.totalTokens)).toEqual(Array.from(runs, () => totalTokens));
  const limited = reports.filter(({ type }) => type === "agent.limited");
  expect(limited.length).toBeGreaterThan(0);
  expect(limited).toMatchObject(limited.map(() => ({ by: "wait" })));

  system.setPolicy(system.name, budget({ ...shared, windowMs: 3_600_000, at: { model: "test" } }));
  const own = await first.run("and now?");
  const degraded = [await first.run("and now?"), await second.run("and now?")];
  expect([own, ...degraded].map(({ modelName }) => modelName === "test")).toEqual([false, true, true]);

  system.setPolicy(system.name, budget({ cost: 0.01, reserve: { cost: 0.01 }, windowMs: 3_600_000, at: "reject" }));
  await first.run("what does it cost?", { model: "test" });
  await expect(second.run("and this?")).resolves.toMatchObject({ modelName: own.modelName });
  await expect(first.run("and this?")).rejects.toMatchObject({
    code: "budget_exceeded",
    message: expect.stringContaining("(1 run of unknown usage or cost counted as reserved)"),
  });
});

import { expect, test } from "vitest";
import { containsAgent, defineAgent, longestStartMs } from "../../src/agent/define.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { CallerError } from "../../src/errors.ts";
import { defineSupervisor } from "../../src/otp/supervisor/start.ts";

const spec: AgentSpec = { id: "poet", entry: "poet.py:agent" };

function errorOf(changes: object): unknown {
  try {
    return defineAgent({ ...spec, ...changes });
  } catch (error) {
    return error;
  }
}

test("a definition is an inert child spec with every default filled in", () => {
  const definition = defineAgent(spec);
  expect(definition).toMatchObject({ id: "poet", type: "worker", restart: "permanent", shutdownMs: 6_000 });
  expect(definition.agent).toEqual({
    id: "poet",
    entry: "poet.py:agent",
    restart: "permanent",
    shutdownMs: 5_000,
    startTimeoutMs: 30_000,
    unresponsiveAfterMs: 5_000,
    hungAfterMs: 60_000,
    maxConcurrency: 8,
    maxQueue: 1_000,
    env: {},
    fetchUrls: false,
    mayWait: false,
    launcher: "auto",
    output: undefined,
  });
});

test("the supervisor's kill stays behind the agent's own grace", () => {
  expect(defineAgent({ ...spec, shutdownMs: 0 }).shutdownMs).toBe(1_000);
  expect(defineAgent({ ...spec, shutdownMs: 2_147_483_647 }).shutdownMs).toBe(2_147_483_647);
});

test.each([
  ["spec.restart", "always", { restart: "always" }],
  ["spec.shutdownMs", -1, { shutdownMs: -1 }],
])("a spec that breaks a rule is refused by field, value and rule: %s = %o", (field, value, changes) => {
  const error = errorOf(changes);
  expect(error).toBeInstanceOf(CallerError);
  expect(error).toMatchObject({ code: "invalid_argument", field, value });
  expect((error as CallerError).message).toContain((error as CallerError).rule);
});

test("containsAgent looks through nested supervisors", () => {
  const plain = { id: "plain", start: () => Promise.reject(new Error("never started")) };
  const nest = (child: Parameters<typeof containsAgent>[0]) => defineSupervisor({ id: "nest", children: [child] });
  expect(containsAgent(defineAgent(spec))).toBe(true);
  expect(containsAgent(nest(nest(defineAgent(spec))))).toBe(true);
  expect(containsAgent(nest(plain))).toBe(false);
  expect(containsAgent(plain)).toBe(false);
  let deep = plain as Parameters<typeof containsAgent>[0];
  for (let level = 0; level < 20_000; level += 1) deep = nest(deep);
  expect(containsAgent(deep)).toBe(false);
});

test("the longest start of a tree is that of the agent that may take longest", () => {
  const agent = (id: string, startTimeoutMs: number) => defineAgent({ ...spec, id, startTimeoutMs });
  const nested = defineSupervisor({ id: "sub", children: [agent("b", 60_000), agent("c", 1_000)] });
  expect(longestStartMs([agent("a", 5_000), nested, { id: "other", start: () => undefined }])).toBe(60_000);
  expect(longestStartMs([{ id: "other", start: () => undefined }])).toBe(0);
  expect(longestStartMs([])).toBe(0);
});

import { describe, expect, test } from "vitest";
import { type AgentSpec, containsAgent, defineAgent } from "../../src/agent/define.ts";
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
    maxConcurrency: 8,
    maxQueue: 1_000,
    env: {},
    output: undefined,
  });
});

test("the supervisor's kill stays behind the agent's own grace", () => {
  expect(defineAgent({ ...spec, shutdownMs: 0 }).shutdownMs).toBe(1_000);
  expect(defineAgent({ ...spec, shutdownMs: 2_147_483_647 }).shutdownMs).toBe(2_147_483_647);
});

test.each(["a.py:x", "dir/with space/a.py:agent", "package.module:agent_2", "C:/agents/a.py:_private"])(
  "the entry %s is taken",
  (entry) => {
    expect(defineAgent({ ...spec, entry }).agent.entry).toBe(entry);
  },
);

describe("a spec that breaks a rule is refused by field, value and rule", () => {
  test.each([
    ["spec.id", "", { id: "" }],
    ["spec.id", 7, { id: 7 }],
    ["spec.entry", "poet.py", { entry: "poet.py" }],
    ["spec.entry", ":agent", { entry: ":agent" }],
    ["spec.entry", "poet.py:9lives", { entry: "poet.py:9lives" }],
    ["spec.shutdownMs", -1, { shutdownMs: -1 }],
    ["spec.shutdownMs", 1.5, { shutdownMs: 1.5 }],
    ["spec.startTimeoutMs", 0, { startTimeoutMs: 0 }],
    ["spec.maxConcurrency", 0, { maxConcurrency: 0 }],
    ["spec.maxQueue", Number.NaN, { maxQueue: Number.NaN }],
    ["spec.maxQueue", 2 ** 31, { maxQueue: 2 ** 31 }],
    ["spec.env.KEY", 1, { env: { KEY: 1 } }],
    ["spec.launcher", "fork", { launcher: "fork" }],
    ["spec.restart", "always", { restart: "always" }],
    ["spec.timeout", 5, { timeout: 5 }],
  ])("%s = %o", (field, value, changes) => {
    const error = errorOf(changes);
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code: "invalid_argument", field, value });
    expect((error as CallerError).message).toContain((error as CallerError).rule);
  });

  test("an output that is no Standard Schema", () => {
    expect(errorOf({ output: { parse: () => 1 } })).toMatchObject({ field: "spec.output" });
    expect(errorOf({ output: null })).toMatchObject({ field: "spec.output" });
  });

  test("no spec at all", () => {
    expect(() => defineAgent(undefined as never)).toThrow(/\[invalid_argument\] spec is undefined/);
  });
});

test("containsAgent looks through nested supervisors", () => {
  const plain = { id: "plain", start: () => Promise.reject(new Error("never started")) };
  const nest = (child: Parameters<typeof containsAgent>[0]) => defineSupervisor({ id: "nest", children: [child] });
  expect(containsAgent(defineAgent(spec))).toBe(true);
  expect(containsAgent(nest(nest(defineAgent(spec))))).toBe(true);
  expect(containsAgent(nest(plain))).toBe(false);
  expect(containsAgent(plain)).toBe(false);
});

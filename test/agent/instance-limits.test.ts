import { expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";

const limitsOf = (instances: unknown) =>
  defineAgent({ id: "poet", entry: "poet.py:agent", instances } as AgentSpec).agent.instances;

test("a number is as many all the time", () => {
  expect(limitsOf(4)).toMatchObject({ min: 4, max: 4 });
  expect(limitsOf(undefined)).toBeUndefined();
});

test("bounds have defaults", () => {
  expect(limitsOf({})).toEqual({ min: 1, max: 1, scaleUpAfterMs: 1_000, idleMs: 60_000 });
  expect(limitsOf({ min: 0 })).toEqual({ min: 0, max: 1, scaleUpAfterMs: 1_000, idleMs: 60_000 });
  expect(limitsOf({ min: 3 })).toMatchObject({ min: 3, max: 3 });
  expect(limitsOf({ min: 1, max: 8, scaleUpAfterMs: 0, idleMs: 5 })).toEqual({
    min: 1,
    max: 8,
    scaleUpAfterMs: 0,
    idleMs: 5,
  });
});

test.each([
  [0, "spec.instances", 0, "an integer from 1 to 1,000"],
  [1.5, "spec.instances", 1.5, "an integer from 1 to 1,000"],
  [1_001, "spec.instances", 1_001, "an integer from 1 to 1,000"],
  ["4", "spec.instances", "4", "a number, or an object of min, max, scaleUpAfterMs, idleMs"],
  [null, "spec.instances", null, "a number, or an object of min, max, scaleUpAfterMs, idleMs"],
  [{ min: -1 }, "spec.instances.min", -1, "an integer from 0 to 1,000"],
  [{ min: "one" }, "spec.instances.min", "one", "an integer from 0 to 1,000"],
  [{ min: 3, max: 2 }, "spec.instances.max", 2, "an integer from 3 to 1,000"],
  [{ min: 0, max: 0 }, "spec.instances.max", 0, "an integer from 1 to 1,000"],
  [{ scaleUpAfterMs: -1 }, "spec.instances.scaleUpAfterMs", -1, "an integer from 0 to 2,147,483,647"],
  [{ idleMs: 0 }, "spec.instances.idleMs", 0, "an integer from 1 to 2,147,483,647"],
  [{ idle: 5 }, "spec.instances.idle", 5, "one of min, max, scaleUpAfterMs, idleMs"],
])("%j is refused with the field, the value and the rule", (instances, field, value, rule) => {
  let error: unknown;
  try {
    limitsOf(instances);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "invalid_argument", field, value, message: expect.stringContaining(rule) });
  expect(String(error)).toContain('agent "poet"');
});

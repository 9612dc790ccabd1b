import { describe, expect, test } from "vitest";
import { type AgentSpec, normalizeAgentSpec } from "../../src/agent/spec.ts";
import { CallerError } from "../../src/errors.ts";

const spec: AgentSpec = { id: "poet", entry: "poet.py:agent" };

function errorOf(changes: object): unknown {
  try {
    return normalizeAgentSpec({ ...spec, ...changes });
  } catch (error) {
    return error;
  }
}

test.each(["a.py:x", "dir/with space/a.py:agent", "package.module:agent_2", "C:/agents/a.py:_private"])(
  "the entry %s is taken",
  (entry) => {
    expect(normalizeAgentSpec({ ...spec, entry }).entry).toBe(entry);
  },
);

test("a worker is unresponsive before it is hung, whichever of both is given", () => {
  const { unresponsiveAfterMs, hungAfterMs } = normalizeAgentSpec({ ...spec, hungAfterMs: 700 });
  expect([unresponsiveAfterMs, hungAfterMs]).toEqual([700, 700]);
  expect(normalizeAgentSpec({ ...spec, hungAfterMs: "infinity" })).toMatchObject({
    unresponsiveAfterMs: 5_000,
    hungAfterMs: "infinity",
  });
});

test("variables are those of the moment of the definition", () => {
  const env: Record<string, string> = { KEY: "good" };
  const normal = normalizeAgentSpec({ ...spec, env });
  env.KEY = "a\0b";
  expect(normal.env).toEqual({ KEY: "good" });
});

describe("a spec that breaks a rule is refused by field, value and rule", () => {
  test.each([
    ["spec.id", "", { id: "" }],
    ["spec.id", 7, { id: 7 }],
    ["spec.entry", "poet.py", { entry: "poet.py" }],
    ["spec.entry", ":agent", { entry: ":agent" }],
    ["spec.deps", "deps.py", { deps: "deps.py" }],
    ["spec.fetchUrls", 1, { fetchUrls: 1 as never }],
    ["spec.mayWait", "yes", { mayWait: "yes" as never }],
    ["spec.entry", "poet.py:9lives", { entry: "poet.py:9lives" }],
    ["spec.watch", "yes", { watch: "yes" }],
    ["spec.recycle.maxRuns", 0, { recycle: { maxRuns: 0 } }],
    ["spec.shutdownMs", -1, { shutdownMs: -1 }],
    ["spec.shutdownMs", 1.5, { shutdownMs: 1.5 }],
    ["spec.startTimeoutMs", 0, { startTimeoutMs: 0 }],
    ["spec.unresponsiveAfterMs", 0, { unresponsiveAfterMs: 0 }],
    ["spec.unresponsiveAfterMs", "infinity", { unresponsiveAfterMs: "infinity" }],
    ["spec.hungAfterMs", 0, { hungAfterMs: 0 }],
    ["spec.hungAfterMs", 1.5, { hungAfterMs: 1.5 }],
    ["spec.hungAfterMs", "never", { hungAfterMs: "never" }],
    ["spec.maxConcurrency", 0, { maxConcurrency: 0 }],
    ["spec.maxQueue", Number.NaN, { maxQueue: Number.NaN }],
    ["spec.maxQueue", 2 ** 31, { maxQueue: 2 ** 31 }],
    ["spec.env.KEY", 1, { env: { KEY: 1 } }],
    ["spec.unsafeNumbers", "exact", { unsafeNumbers: "exact" }],
    ["spec.env", null, { env: null }],
    ["spec.env", "A=B", { env: { "A=B": "x" } }],
    ["spec.entry", "poet\0.py:agent", { entry: "poet\0.py:agent" }],
    ["spec.launcher", "fork", { launcher: "fork" }],
    ["spec.timeout", 5, { timeout: 5 }],
  ])("%s = %o", (field, value, changes) => {
    const error = errorOf(changes);
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code: "invalid_argument", field, value });
    expect((error as CallerError).message).toContain((error as CallerError).rule);
  });

  test("a variable with a NUL character, whose value is not quoted", () => {
    expect(errorOf({ env: { KEY: "a\0b" } })).toMatchObject({ code: "invalid_argument", field: "spec.env.KEY" });
  });

  test("an output that is no Standard Schema", () => {
    expect(errorOf({ output: { parse: () => 1 } })).toMatchObject({ field: "spec.output" });
    expect(errorOf({ output: null })).toMatchObject({ field: "spec.output" });
  });

  test("no spec at all", () => {
    expect(() => normalizeAgentSpec(undefined as never)).toThrow(/\[invalid_argument\] spec is undefined/);
  });
});

describe.runIf(process.platform === "linux")("memoryLimitBytes", () => {
  const limited = (memoryLimitBytes: unknown) =>
    normalizeAgentSpec({ id: "poet", entry: "poet.py:agent", memoryLimitBytes } as AgentSpec).memoryLimitBytes;

  test("is bytes", () => {
    expect(limited(undefined)).toBeUndefined();
    expect(limited(512 * 1024 * 1024)).toBe(536_870_912);
  });

  test.each([512, 134_217_727, 1e9 + 0.5, "512MB", Number.POSITIVE_INFINITY, null])("is not %j", (value) => {
    expect(() => limited(value)).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        field: "spec.memoryLimitBytes",
        value,
        message: expect.stringContaining("an integer from 134,217,728 bytes up"),
      }),
    );
  });
});

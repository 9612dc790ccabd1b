import { join } from "node:path";
import { inspect } from "node:util";
import { pino } from "pino";
import { describe, expect, test, vi } from "vitest";
import { defineAgent } from "../src/agent/define.ts";
import { checkRunOptions } from "../src/agent/run-options.ts";
import { CallerError } from "../src/errors.ts";
import { checkSystemOptions, workingDirectory } from "../src/system-options.ts";

const check = (options: unknown) => checkSystemOptions(options as never);

test("everything is optional, and everything together is taken", () => {
  check({});
  check({
    name: "orders",
    strategy: "one_for_all",
    maxRestarts: 0,
    periodMs: 1,
    children: [],
    logger: pino({ level: "silent" }),
    inspect: { next: () => undefined },
    policy: () => undefined,
    handleSignals: true,
    control: true,
    maxCrashes: 0,
    runs: { maxBytes: 1_024, maxBytesPerRun: 1_024, keepMs: 1, maxRuns: 1 },
    python: { interpreter: "python3", cwd: "/", env: { A: "b" }, maxMessageBytes: 1_024, tracebacks: false },
  });
  check({ inspect: () => undefined });
});

test.each([
  ["options", null],
  ["options.children_", { children_: [] }],
  ["options.name", { name: "" }],
  ["options.name", { name: 7 }],
  ["options.logger", { logger: console }],
  ["options.logger", { logger: null }],
  ["options.inspect", { inspect: {} }],
  ["options.inspect", { inspect: null }],
  ["options.handleSignals", { handleSignals: "SIGTERM" }],
  ["options.runs", { runs: 5 }],
  ["options.runs.keepMs", { runs: { keepMs: 0 } }],
  ["options.runs.keep", { runs: { keep: 1 } }],
  ["options.control", { control: "yes" }],
  ["options.maxCrashes", { maxCrashes: -1 }],
  ["options.maxCrashes", { maxCrashes: 1.5 }],
  ["options.maxCrashes", { maxCrashes: 100_001 }],
  ["options.python", { python: "python3" }],
  ["options.python", { python: null }],
  ["options.python.path", { python: { path: "/usr/bin/python3" } }],
  ["options.python.interpreter", { python: { interpreter: "" } }],
  ["options.python.interpreter", { python: { interpreter: "python\0" } }],
  ["options.python.cwd", { python: { cwd: 1 } }],
  ["options.python.preload", { python: { preload: "openai" } }],
  ["options.python.preload[1]", { python: { preload: ["my.tools", "my-tools"] } }],
  ["options.python.preload[0]", { python: { preload: [7] } }],
  ["options.python.cwd", { python: { cwd: "/nowhere/at/all" } }],
  ["options.python.cwd", { python: { cwd: "/etc/passwd" } }],
  ["options.python.cwd", { python: { cwd: "/etc/passwd/x" } }],
  ["options.python.cwd", { python: { cwd: "a\0b" } }],
  ["options.python.env.A", { python: { env: { A: 1 } } }],
  ["options.python.env.A", { python: { env: { A: "a\0b" } } }],
  ["options.python.env", { python: { env: { "A=B": "x" } } }],
  ["options.python.env", { python: { env: null } }],
  ["options.python.maxMessageBytes", { python: { maxMessageBytes: 1_023 } }],
  ["options.python.maxMessageBytes", { python: { maxMessageBytes: 2 ** 31 } }],
  ["options.python.maxMessageBytes", { python: { maxMessageBytes: 2_000.5 } }],
  ["options.python.tracebacks", { python: { tracebacks: "no" } }],
])("%s is refused by name: %o", (field, options) => {
  expect(() => check(options)).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
});

describe("no error shows", () => {
  const secret = "sk-the-key-of-this-test";
  test.each([
    ["an unknown option of a system", () => check({ environment: { KEY: secret } })],
    ["an unknown option of Python", () => check({ python: { environment: secret } })],
    ["a variable of the workers' environment", () => check({ python: { env: { KEY: [secret] } } })],
    [
      "an unknown field of an agent",
      () => defineAgent({ id: "a", entry: "a.py:agent", environment: { KEY: secret } } as never),
    ],
    [
      "a variable of an agent's environment",
      () => defineAgent({ id: "a", entry: "a.py:agent", env: { KEY: { secret } } } as never),
    ],
    ["an unknown option of a run", () => checkRunOptions("x", { apiKey: secret } as never, 1_000)],
  ])("the value of %s", (_what, make) => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CallerError);
    for (const shown of [String(error), JSON.stringify(error), inspect(error, { depth: 5 })])
      expect(shown).not.toContain(secret);
    // Whoever asks for it by name is given it.
    expect(JSON.stringify((error as CallerError).value)).toContain(secret);
    expect((error as CallerError).message).toContain((error as CallerError).rule);
  });
});

test("a working directory that is not there is named, with the rule and the system's word", () => {
  expect(() => workingDirectory("/nowhere/at/all")).toThrow(
    /^\[invalid_argument\] options\.python\.cwd is "\/nowhere\/at\/all"; it must be a directory: ENOENT/,
  );
});

test("a working directory that is none is told as such, and not as a missing interpreter", () => {
  expect(workingDirectory(undefined)).toBe(process.cwd());
  expect(workingDirectory("src")).toBe(join(process.cwd(), "src"));
  for (const cwd of ["no/such/folder", "package.json"]) {
    expect(() => workingDirectory(cwd)).toThrow(
      expect.objectContaining({
        field: "options.python.cwd",
        message: expect.stringContaining(join(process.cwd(), cwd)),
      }),
    );
  }
  const gone = vi.spyOn(process, "cwd").mockImplementation(() => {
    throw Object.assign(new Error("uv_cwd"), { code: "ENOENT" });
  });
  expect(() => workingDirectory(undefined)).toThrow(/this process's directory is gone/);
  gone.mockRestore();
});

import { pino } from "pino";
import { expect, test } from "vitest";
import { checkSystemOptions } from "../src/system-options.ts";

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
    python: { interpreter: "python3", cwd: "/", env: { A: "b" }, maxMessageBytes: 1_024 },
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
  ["options.python", { python: "python3" }],
  ["options.python", { python: null }],
  ["options.python.path", { python: { path: "/usr/bin/python3" } }],
  ["options.python.interpreter", { python: { interpreter: "" } }],
  ["options.python.cwd", { python: { cwd: 1 } }],
  ["options.python.env.A", { python: { env: { A: 1 } } }],
  ["options.python.maxMessageBytes", { python: { maxMessageBytes: 1_023 } }],
  ["options.python.maxMessageBytes", { python: { maxMessageBytes: 2 ** 31 } }],
  ["options.python.maxMessageBytes", { python: { maxMessageBytes: 2_000.5 } }],
])("%s is refused by name: %o", (field, options) => {
  expect(() => check(options)).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
});

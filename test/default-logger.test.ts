import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createDefaultLogger } from "../src/default-logger.ts";
import { RunError } from "../src/errors.ts";
import type { SystemLogger } from "../src/logger.ts";

const facts = { report: "agent.crashed", crash: { exitCode: 1, stderrTail: ["a", "b"] }, nothing: undefined };

/** What a logger writes of a piece of work, less the time. */
function written(work: (logger: SystemLogger) => void): unknown[] {
  const lines: string[] = [];
  work(createDefaultLogger("service", (line) => void lines.push(line)));
  return lines.map((line) => {
    const { time, ...rest } = JSON.parse(line);
    expect(typeof time).toBe("number");
    return rest;
  });
}

test("its lines are pino's own", () => {
  const theirs: unknown[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      const { time: _time, ...rest } = JSON.parse(String(chunk));
      theirs.push(rest);
      done();
    },
  });
  const work = (logger: SystemLogger) => {
    logger.error(facts, "a sentence");
    logger.child({ agent: "poet", incarnation: 2 }).warn({ stream: "stderr" }, 'of "the" worker');
    logger.child({ agent: "poet" }).child({ agent: "other" }).fatal({}, "");
  };
  work(pino({ name: "service", level: "warn" }, sink));
  expect(written(work)).toEqual(theirs);
});

test("what is below warn is not written", () => {
  expect(
    written((logger) => {
      logger.trace({}, "no");
      logger.debug({}, "no");
      logger.child({}).info({}, "no");
      logger.warn({}, "yes");
    }),
  ).toEqual([{ level: 40, pid: process.pid, hostname: hostname(), name: "service", msg: "yes" }]);
});

test("an error is shown with its type, message, stack and facts, and so is its cause", () => {
  const error = new RunError("run_failed", "the run failed", { agentId: "poet", cause: new TypeError("the cause") });
  const [line] = written((logger) => logger.error({ err: error }, "a listener threw"));
  expect(line).toMatchObject({
    err: {
      type: "RunError",
      message: "[run_failed] the run failed",
      stack: expect.stringContaining("default-logger.test.ts"),
      code: "run_failed",
      agentId: "poet",
      cause: { type: "TypeError", message: "the cause", stack: expect.any(String) },
    },
  });
});

test("a fact that JSON cannot hold is described, and the others stay", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const [line] = written((logger) => logger.warn({ circle, amount: 3n, agent: "poet" }, "odd"));
  expect(line).toMatchObject({ circle: "[object Object]", amount: "3n", agent: "poet", msg: "odd" });
});

test("unless it is told otherwise, it writes to stderr", () => {
  const program =
    'const { createDefaultLogger: create } = await import("./src/default-logger.ts"); create("a").warn({}, "b");';
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: resolve(import.meta.dirname, ".."),
    encoding: "utf8",
  });
  expect(stdout).toBe("");
  expect(JSON.parse(stderr)).toMatchObject({ level: 40, name: "a", msg: "b" });
});

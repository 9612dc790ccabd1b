import { pino } from "pino";
import { describe, expect, test, vi } from "vitest";
import { boundFields, guardLogger, isLogger, logWorkerLine } from "../../src/agent/guarded-logger.ts";
import type { SystemLogger } from "../../src/logger.ts";
import type { WorkerLogRecord } from "../../src/worker/launcher.ts";

/** A pino logger whose lines are kept, parsed and as text. */
function kept(options: object = {}) {
  const texts: string[] = [];
  const logger = pino({ level: "trace", ...options }, { write: (line: string) => void texts.push(line) });
  return { logger, texts, lines: () => texts.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const record = (fields: Record<string, unknown>): WorkerLogRecord => ({
  level: "info",
  stream: "stderr",
  message: "said",
  fields,
});

test("a logger is whatever has pino's levels and child()", () => {
  expect(isLogger(pino({ level: "silent" }))).toBe(true);
  for (const value of [undefined, null, {}, console, { child: () => undefined }, "pino"])
    expect(isLogger(value)).toBe(false);
});

describe("a guarded logger", () => {
  test("passes lines on, its children too", () => {
    const { logger, lines } = kept();
    guardLogger(logger).child({ agent: "poet" }).warn({ n: 1 }, "careful");
    expect(lines()).toMatchObject([{ level: 40, agent: "poet", n: 1, msg: "careful" }]);
  });

  test("never throws, and tells what was thrown once", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const broken = () => {
      throw new Error("the destination has ended");
    };
    const levels = { trace: broken, debug: broken, info: broken, warn: broken, error: broken, fatal: broken };
    const guarded = guardLogger({ ...levels, child: broken } as SystemLogger);
    guarded.info({}, "lost");
    guarded.child({ agent: "poet" }).error({}, "lost too");
    expect(warned.mock.calls).toEqual([[expect.stringContaining("the destination has ended"), "SynapseWarning"]]);
    warned.mockRestore();
  });
});

describe("a line of a worker", () => {
  test("keeps its fields, and takes none of the host's", () => {
    const { logger, texts, lines } = kept();
    const own = { level: "fatal", time: 1, pid: 2, hostname: "x", msg: "y", agent: "eve", stream: "z", name: "n" };
    logWorkerLine(
      logger.child({ agent: "poet", incarnation: 3 }),
      record({ ...own, event: "run.started", agent_id: "eve" }),
    );
    const [line] = lines();
    expect(line).toMatchObject({
      level: 30,
      pid: process.pid,
      msg: "said",
      agent: "poet",
      incarnation: 3,
      stream: "stderr",
    });
    expect(line).toMatchObject({ event: "run.started", worker_pid: 2, worker_agent: "eve", worker_level: "fatal" });
    expect(line).not.toHaveProperty("agent_id");
    for (const name of Object.keys(own))
      expect(texts[0]?.split(`"${name}":`)).toHaveLength(texts[0]?.includes(`"${name}":`) ? 2 : 1);
  });

  test("takes none of the fields that the host's own logger adds", () => {
    const { logger, lines } = kept();
    const ours = logger.child({ service: "shop" });
    const own = boundFields(guardLogger(ours));
    logWorkerLine(ours.child({ agent: "poet" }), record({ service: "evil", other: 1 }), own);
    expect(lines()[0]).toMatchObject({ service: "shop", worker_service: "evil", other: 1 });
  });

  test("of a logger that does not tell its fields is written all the same", () => {
    const bindings = () => {
      throw new Error("no telling");
    };
    const { logger } = kept();
    expect(boundFields({ ...guardLogger(logger), bindings } as SystemLogger)).toEqual(new Set());
    expect(boundFields({} as SystemLogger)).toEqual(new Set());
  });
});

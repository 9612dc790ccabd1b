import { describe, expect, test } from "vitest";
import type { OpenWait } from "../../src/agent/open-waits.ts";
import { RunLedger } from "../../src/agent/run-ledger.ts";
import { defaultRunLimits, type RunLimits } from "../../src/agent/run-limits.ts";
import type { LiveRun, RunRecord } from "../../src/agent/run-record.ts";
import type { RunEvent, RunOutcome } from "../../src/agent/run-result.ts";
import type { RunFilter } from "../../src/agent/runs.ts";
import { RunError, type SynapseError } from "../../src/errors.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import { rejection, within } from "../rpc/agent-server.ts";

const delta = (text: string): RunEvent => ({ type: "text.delta", seq: 0, step: 1, partIndex: 0, text });

/** A run that does what the test says. */
class ScriptedRun implements LiveRun<unknown> {
  readonly #result = Promise.withResolvers<RunOutcome>();
  readonly id: string;
  readonly result = this.#result.promise;
  working = false;
  attempts = 0;
  lastIncarnation = 0;
  waits: readonly OpenWait[] = [];
  readonly sent: unknown[] = [];
  record: RunRecord | undefined;

  constructor(id: string) {
    this.id = id;
    this.result.catch(() => undefined);
  }

  async send(content: unknown): Promise<void> {
    this.sent.push(content);
  }

  cancel(reason = "no reason"): void {
    const error = new RunError("run_cancelled", `cancelled: ${reason}`, { runId: this.id });
    this.record?.keep({ type: "cancelled", seq: 0, step: 1, reason }, { error });
    this.#result.reject(error);
  }

  fail(error: Error): void {
    this.record?.keep(
      { type: "failed", seq: 0, step: 1, error: error as SynapseError },
      { error: error as SynapseError },
    );
    this.#result.reject(error);
  }

  complete(output: unknown = "done"): void {
    const result = { output } as never;
    this.record?.keep({ type: "completed", seq: 0, step: 1, result }, { error: undefined });
    this.#result.resolve(result);
  }
}

/** A ledger with runs of which the test says what happens. */
function open(limits: Partial<RunLimits> = {}) {
  const clock = createVirtualClock(1_000_000);
  const ledger = new RunLedger(clock, { ...defaultRunLimits, ...limits });
  let runs = 0;
  const start = (
    facts: { agentId?: string; idempotencyKey?: string; detached?: boolean; givenBytes?: number } = {},
  ) => {
    runs += 1;
    const run = new ScriptedRun(`run-${runs}`);
    const record = ledger.add(run, {
      agentId: "poet",
      detached: true,
      idempotencyKey: undefined,
      fingerprint: "print",
      startedAtMs: clock.now(),
      givenBytes: 0,
      ...facts,
    });
    run.record = record;
    return run;
  };
  /** A run with so many events that has ended. */
  const ended = (events = 1, output?: unknown) => {
    const run = start();
    for (let count = 0; count < events; count += 1) run.record?.keep(delta("word "));
    run.complete(output);
    return run;
  };
  return { clock, ledger, start, ended };
}

describe("get", () => {
  test("tells a run by its id, in each of its states", () => {
    const { ledger, clock, start } = open();
    const run = start({ idempotencyKey: "key" });
    expect(ledger.get(run.id)).toEqual({
      runId: run.id,
      agentId: "poet",
      state: "queued",
      detached: true,
      idempotencyKey: "key",
      startedAtMs: 1_000_000,
      attempts: 0,
      incarnation: 0,
      firstSeq: 1,
      lastSeq: 0,
      bytes: 0,
    });
    Object.assign(run, { working: true, attempts: 1, lastIncarnation: 3 });
    run.record?.keep(delta("a"));
    expect(ledger.get(run.id)).toMatchObject({
      state: "running",
      attempts: 1,
      incarnation: 3,
      firstSeq: 1,
      lastSeq: 1,
    });
    clock.advance(50);
    run.complete("the output");
    const info = ledger.get(run.id);
    expect(info).toMatchObject({ state: "completed", attempts: 1, incarnation: 3, lastSeq: 2, endedAtMs: 1_000_050 });
    expect(info?.result).toEqual({ output: "the output" });
    expect(info).not.toHaveProperty("error");
  });

  test("has the error of a run that has failed or was cancelled, and the paused run", () => {
    const { ledger, start } = open();
    const [failed, cancelled, paused] = [start(), start(), start()];
    failed.fail(new RunError("run_failed", "this run of the ledger failed", { kind: "user_code" }));
    cancelled.cancel("enough");
    paused.record?.keep({ type: "paused", seq: 0, step: 1, paused: { token: "t" } as never }, { error: undefined });
    expect(ledger.get(failed.id)).toMatchObject({ state: "failed", error: { code: "run_failed" } });
    expect(ledger.get(cancelled.id)).toMatchObject({ state: "cancelled", error: { code: "run_cancelled" } });
    expect(ledger.get(paused.id)).toMatchObject({ state: "paused", paused: { token: "t" } });
  });

  test("answers undefined for an id that is not known, and refuses what is none", () => {
    const { ledger } = open();
    expect(ledger.get("nobody")).toBeUndefined();
    expect(() => ledger.get(7 as never)).toThrow(/runId is 7; it must be a run's id/);
  });
});

describe("list", () => {
  test("has the newest first, of one agent, in one state, at most so many", () => {
    const { ledger, start } = open();
    const [one, two, three] = [start(), start({ agentId: "other" }), start()];
    one.complete();
    const ids = (filter?: RunFilter) => ledger.list(filter).map(({ runId }) => runId);
    expect(ids()).toEqual([three.id, two.id, one.id]);
    expect(ids({ agent: "poet" })).toEqual([three.id, one.id]);
    expect(ids({ agent: { id: "other" } })).toEqual([two.id]);
    expect(ids({ state: "completed" })).toEqual([one.id]);
    expect(ids({ state: "queued", limit: 1 })).toEqual([three.id]);
    expect(ids({ limit: 0 })).toEqual([]);
  });

  test.each([
    [5, "filter"],
    [{ agents: "poet" }, "filter.agents"],
    [{ agent: 5 }, "filter.agent"],
    [{ agent: {} }, "filter.agent"],
    [{ state: "ended" }, "filter.state"],
    [{ limit: -1 }, "filter.limit"],
    [{ limit: 1.5 }, "filter.limit"],
  ])("refuses %j by name", (filter, field) => {
    expect(() => open().ledger.list(filter as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field }),
    );
  });
});

describe("attach", () => {
  test.each([
    [{ after: -1 }, "options.after"],
    [{ after: 1.5 }, "options.after"],
    [{ after: "1" }, "options.after"],
    [{ after: 3 }, "options.after"],
    [{ from: 1 }, "options.from"],
    [null, "options"],
  ])("refuses %j by name", (options, field) => {
    const { ledger, ended } = open();
    const { id } = ended();
    expect(() => ledger.attach(id, options as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field }),
    );
  });

  test("to a run that is not kept is refused with its id", () => {
    expect(() => open().ledger.attach("gone")).toThrow(
      expect.objectContaining({ code: "not_found", field: "runId", value: "gone" }),
    );
  });

  test("gives the text alone, the result, and the way into the run as long as it runs", async () => {
    const { ledger, start } = open();
    const run = start();
    run.record?.keep(delta("a "));
    const handle = ledger.attach(run.id);
    await handle.send("more");
    expect(run.sent).toEqual(["more"]);
    run.record?.keep(delta("b"));
    run.record?.keep({ type: "output.partial", seq: 0, step: 1, output: { half: true } });
    run.complete("a b");
    const texts: string[] = [];
    for await (const text of handle.text()) texts.push(text);
    const partials: unknown[] = [];
    for await (const partial of handle.partial()) partials.push(partial);
    expect([texts, partials, await handle.result]).toEqual([["a ", "b"], [{ half: true }], { output: "a b" }]);
    expect(await rejection(handle.send("too late"))).toMatchObject({ code: "not_found", field: "content" });
    handle.cancel();
    expect(handle.state).toBe("completed");
  });

  test("to a run that has failed: the text is thrown at its end with the run's error, the result rejects with it", async () => {
    const { ledger, start } = open();
    const run = start();
    run.record?.keep(delta("a "));
    run.fail(new RunError("run_failed", "this text had an end", { kind: "user_code" }));
    const handle = ledger.attach(run.id);
    const texts: string[] = [];
    const reading = async () => {
      for await (const text of handle.text()) texts.push(text);
    };
    expect(await rejection(reading())).toMatchObject({ code: "run_failed" });
    expect(texts).toEqual(["a "]);
    expect(await rejection(handle.result)).toMatchObject({ code: "run_failed" });
  });
});

describe("a run that is not detached", () => {
  test("is cancelled when the last of its readers leaves, and not before", async () => {
    const { ledger, start } = open();
    const run = start({ detached: false });
    run.record?.keep(delta("a"));
    const readers = [1, 2].map(() => ledger.attach(run.id)[Symbol.asyncIterator]());
    for (const reader of readers) await reader.next();
    await readers[0]?.return?.();
    await readers[0]?.return?.();
    expect(ledger.get(run.id)?.state).toBe("queued");
    await readers[1]?.return?.();
    expect(ledger.get(run.id)).toMatchObject({ state: "cancelled", detached: false });
  });

  test("goes on while nobody has read it, and when its readers have read it to the end", async () => {
    const { ledger, start } = open();
    const run = start({ detached: false });
    ledger.attach(run.id);
    expect(ledger.get(run.id)?.state).toBe("queued");
    const reading = (async () => {
      for await (const _event of ledger.attach(run.id));
    })();
    run.complete();
    await within("the end of the reader", reading);
    expect(ledger.get(run.id)?.state).toBe("completed");
  });
});

describe("cancel", () => {
  test("ends a run once, and answers whether it ran", () => {
    const { ledger, start } = open();
    const run = start();
    expect(ledger.cancel(run.id, "by the user")).toBe(true);
    expect(ledger.get(run.id)).toMatchObject({
      state: "cancelled",
      error: { message: expect.stringContaining("by the user") },
    });
    expect(ledger.cancel(run.id)).toBe(false);
  });

  test("refuses an id that is not kept, and a reason that is no text", () => {
    const { ledger, start } = open();
    expect(() => ledger.cancel("gone")).toThrow(expect.objectContaining({ code: "not_found" }));
    expect(() => ledger.cancel(start().id, 5 as never)).toThrow(/reason is 5/);
  });
});

describe("time", () => {
  test("an ended run is kept for keepMs after its end, and a run that runs as long as it does", () => {
    const { ledger, clock, start } = open({ keepMs: 1_000 });
    const [short, long, key] = [start(), start(), start({ idempotencyKey: "k" })];
    short.complete();
    clock.advance(500);
    key.complete();
    clock.advance(499);
    expect(ledger.list().length).toBe(3);
    clock.advance(1);
    expect(ledger.list().map(({ runId }) => runId)).toEqual([key.id, long.id]);
    expect(ledger.ofKey("poet", "k")?.runId).toBe(key.id);
    clock.advance(500);
    expect([ledger.ofKey("poet", "k"), ledger.get(key.id), clock.pending]).toEqual([undefined, undefined, 0]);
    clock.advance(1_000_000);
    expect(ledger.get(long.id)?.state).toBe("queued");
  });

  test("is taken from the clock that does not run backwards, and one timer waits at most", () => {
    const { ledger, clock, ended } = open({ keepMs: 1_000 });
    for (let count = 0; count < 5; count += 1) ended();
    expect(clock.pending).toBe(1);
    clock.step(-1_000_000);
    clock.advance(999);
    expect(ledger.kept.ended).toBe(5);
    clock.step(5_000_000);
    expect(ledger.kept.ended).toBe(5);
    clock.advance(1);
    expect([ledger.kept, clock.pending]).toEqual([{ live: 0, ended: 0, bytes: 0 }, 0]);
  });

  test("a reader that waits when its run is forgotten has its end; one that is behind is told", async () => {
    const { ledger, clock, start } = open({ keepMs: 10 });
    const run = start();
    run.record?.keep(delta("a"));
    const pace = ledger.attach(run.id, { after: 1 })[Symbol.asyncIterator]();
    const behind = ledger.attach(run.id)[Symbol.asyncIterator]();
    const waiting = pace.next();
    run.complete();
    clock.advance(10);
    expect(await waiting).toMatchObject({ value: { type: "completed", seq: 2 } });
    expect(await rejection(behind.next())).toMatchObject({ code: "events_expired", firstSeq: 2 });
    expect(ledger.get(run.id)).toBeUndefined();
  });

  test("after the close no timer waits, runs that run still are ended, and what is kept is read as long as it would have been", () => {
    const { ledger, clock, start, ended } = open({ keepMs: 1_000 });
    const before = ended();
    const still = start();
    ledger.close();
    expect(clock.pending).toBe(0);
    expect(ledger.get(still.id)).toMatchObject({ state: "failed", error: { code: "agent_stopped", runId: still.id } });
    expect(ledger.get(before.id)?.state).toBe("completed");
    clock.advance(1_000);
    expect([ledger.list(), clock.pending]).toEqual([[], 0]);
  });
});

describe("room", () => {
  test("of more than maxRuns ended runs those that ended first are forgotten, whenever they began", () => {
    const { ledger, start } = open({ maxRuns: 2 });
    const [one, two, three, four] = [start(), start(), start(), start()];
    for (const run of [three, one, four]) run.complete();
    expect(ledger.list().map(({ runId }) => runId)).toEqual([four.id, two.id, one.id]);
    expect(ledger.kept).toMatchObject({ live: 1, ended: 2 });
  });

  test("events of ended runs go first, oldest end first, and outcomes stay", () => {
    const { ledger, ended } = open({ maxBytes: 10_000 });
    const first = ended(100);
    const second = ended(100);
    expect(ledger.get(first.id)).toMatchObject({ firstSeq: 1 });
    while (ledger.get(first.id)?.firstSeq === 1) ended(100);
    expect(ledger.get(first.id)).toMatchObject({ firstSeq: 101, lastSeq: 101, result: { output: "done" } });
    expect(ledger.get(second.id)).toMatchObject({ firstSeq: 1 });
    expect(() => ledger.attach(first.id)).toThrow(expect.objectContaining({ code: "events_expired", firstSeq: 101 }));
    expect(ledger.kept.bytes).toBeLessThanOrEqual(10_000);
  });

  test("outcomes go when there is nothing else of ended runs, oldest first, and the last one stays whatever it takes", () => {
    const { ledger, ended } = open({ maxBytes: 10_000 });
    const small = ended(1, "small");
    const large = ended(1, "x".repeat(4_000));
    expect(ledger.get(small.id)?.state).toBe("completed");
    const larger = ended(1, "x".repeat(4_000));
    expect([ledger.get(small.id), ledger.get(large.id)]).toEqual([undefined, undefined]);
    expect(ledger.get(larger.id)).toMatchObject({ state: "completed" });
    const huge = ended(1, "x".repeat(40_000));
    expect(ledger.list().map(({ runId }) => runId)).toEqual([huge.id]);
  });

  test("what a run was given counts with its outcome", () => {
    const { ledger, start } = open();
    const run = start({ givenBytes: 5_000 });
    expect(ledger.get(run.id)?.bytes).toBe(0);
    run.complete();
    expect(ledger.get(run.id)?.bytes).toBeGreaterThan(5_000);
  });

  test("of runs that run the oldest events go last of all, of those that have most", () => {
    const { ledger, start, ended } = open({ maxBytes: 40_000 });
    const done = ended(1);
    const [small, one, other] = [start(), start(), start()];
    for (let count = 0; count < 300; count += 1) small.record?.keep(delta("word "));
    for (let count = 0; count < 3_000; count += 1) for (const run of [one, other]) run.record?.keep(delta("word "));
    expect(ledger.kept.bytes).toBeLessThanOrEqual(40_000);
    expect(ledger.get(done.id)).toBeDefined();
    expect(ledger.get(small.id)).toMatchObject({ firstSeq: 1, lastSeq: 300 });
    const sizes = [one, other].map(({ id }) => ledger.get(id)?.bytes ?? 0);
    expect(Math.min(...sizes)).toBeGreaterThan(Math.max(...sizes) / 2);
    for (const { id } of [one, other]) expect(ledger.get(id)?.firstSeq).toBeGreaterThan(1);
  });

  test("bytes are the sum of those of the runs, whatever was forgotten, and none when nothing is kept", () => {
    const { ledger, clock, start, ended } = open({
      maxBytes: 20_000,
      maxBytesPerRun: 6_000,
      maxRuns: 3,
      keepMs: 1_000,
    });
    const runs: ScriptedRun[] = [];
    for (let round = 0; round < 40; round += 1) {
      ended(round * 7, "x".repeat(round * 20));
      const run = start();
      runs.push(run);
      for (let count = 0; count < 60; count += 1) for (const one of runs.slice(-4)) one.record?.keep(delta("word "));
      if (round % 2 === 0) runs.shift()?.complete();
      const sum = ledger.list().reduce((bytes, info) => bytes + info.bytes, 0);
      expect(ledger.kept.bytes).toBe(sum);
      clock.advance(100);
    }
    for (const run of runs) run.cancel();
    clock.advance(1_000);
    expect(ledger.kept).toEqual({ live: 0, ended: 0, bytes: 0 });
  });
});

import { expect, test } from "vitest";
import { OpenWaits } from "../../src/agent/open-waits.ts";
import { CallerError } from "../../src/errors.ts";
import type { WaitRequest } from "../../src/rpc/host-requests.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

const owner = { agentId: "poet", maxMessageBytes: 200 };
const approval = { kind: "approval", toolCallId: "c1", toolName: "pay", args: {}, metadata: undefined } as const;

function ask(token: string, facts: Partial<WaitRequest> = {}): WaitRequest {
  return { type: "wait", token, name: "colour", requests: undefined, timeLeftMs: undefined, ...facts };
}

function setUp() {
  const clock = createVirtualClock();
  const waits = new OpenWaits();
  const run = { id: "r1", answered: false };
  const session = new AbortController();
  const open = (request: WaitRequest) => waits.open(request, run, clock, session.signal);
  return { clock, waits, run, session, open };
}

function thrown(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const text = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown;

test("a wait is listed until it is answered, and goes on with the value", async () => {
  const { clock, waits, open } = setUp();
  const answered = open(ask("t1", { timeLeftMs: 5_000 }));
  const open2 = open(ask("t2", { requests: [approval] }));
  const sinceMs = clock.now();
  expect(waits.all).toEqual([
    { token: "t1", runId: "r1", name: "colour", sinceMs, deadlineAtMs: sinceMs + 5_000 },
    { token: "t2", runId: "r1", name: "colour", requests: [approval], sinceMs },
  ]);
  expect([waits.of("r1").length, waits.of("r2").length]).toEqual([2, 0]);
  waits.answer("t1", { is: "red" }, owner);
  const reply = await answered;
  expect(reply.type === "wait.answered" && text(reply.valueJson)).toEqual({ is: "red" });
  expect(waits.all.map(({ token }) => token)).toEqual(["t2"]);
  waits.decline("t2", "nobody is in", owner);
  expect(await open2).toEqual({ type: "wait.declined", reason: "nobody is in" });
});

test("a token is answered once, and one that nothing waits with is not found", () => {
  const { waits, open } = setUp();
  void open(ask("t1"));
  waits.answer("t1", null, owner);
  for (const work of [
    () => waits.answer("t1", null, owner),
    () => waits.decline("t1", "late", owner),
    () => waits.answer("never", 1, owner),
  ]) {
    expect(thrown(work)).toMatchObject({ code: "not_found", field: "token" });
  }
  expect(thrown(() => waits.answer(undefined as unknown as string, 1, owner))).toMatchObject({
    code: "invalid_argument",
  });
});

test("what does not fit is refused before anything is sent, and the wait stays open", async () => {
  const { waits, open } = setUp();
  void open(ask("t1"));
  const answered = open(ask("t2", { requests: [approval] }));
  const refused: [string, unknown, string, string][] = [
    ["t1", undefined, "invalid_argument", "value"],
    ["t1", Number.NaN, "invalid_argument", "value"],
    ["t1", "x".repeat(200), "message_too_large", "value"],
    ["t2", true, "invalid_argument", "answers"],
    ["t2", {}, "invalid_argument", "answers.c1"],
    ["t2", { c1: true, c2: true }, "invalid_argument", "answers.c2"],
    ["t2", { c1: { result: 1 } }, "invalid_argument", "answers.c1"],
  ];
  for (const [token, value, code, field] of refused) {
    const error = thrown(() => waits.answer(token, value, owner));
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code, field });
  }
  expect(thrown(() => waits.decline("t1", 7 as unknown as string, owner))).toMatchObject({ field: "reason" });
  expect(waits.all).toHaveLength(2);
  waits.answer("t2", { c1: { approve: true, args: { amount: 1 } } }, owner);
  const reply = await answered;
  expect(reply.type === "wait.answered" && text(reply.valueJson)).toEqual({
    approvals: { c1: { kind: "tool-approved", override_args: { amount: 1 } } },
    calls: {},
  });
});

test("a wait ends with its time, however long that is", async () => {
  const { clock, waits, open } = setUp();
  const days = 24 * 60 * 60 * 1_000;
  const soon = open(ask("t1", { timeLeftMs: 1_000 }));
  const late = open(ask("t2", { timeLeftMs: 60 * days }));
  clock.advance(999);
  expect(waits.all).toHaveLength(2);
  clock.advance(1);
  expect(await soon).toEqual({ type: "timed_out" });
  expect(thrown(() => waits.answer("t1", 1, owner))).toMatchObject({ code: "not_found" });
  clock.advance(59 * days);
  expect(waits.all.map(({ token }) => token)).toEqual(["t2"]);
  clock.advance(days);
  expect(await late).toEqual({ type: "timed_out" });
});

test("with the session, or the answer to its caller, a run waits no more", async () => {
  const { waits, run, session, open } = setUp();
  void open(ask("t1"));
  run.answered = true;
  expect([waits.all, waits.of("r1")]).toEqual([[], []]);
  expect(thrown(() => waits.answer("t1", 1, owner))).toMatchObject({ code: "not_found" });
  run.answered = false;
  session.abort();
  expect(waits.all).toEqual([]);
});

test("a token of the next attempt outlives the end of the one before", () => {
  const { clock, waits, run, session, open } = setUp();
  void open(ask("t1"));
  void waits.open(ask("t1"), run, clock, new AbortController().signal);
  session.abort();
  expect(waits.all.map(({ token }) => token)).toEqual(["t1"]);
});

test("each run has its own waits, and one that is asked again under its token is one wait", () => {
  const { clock, waits, run, session, open } = setUp();
  const of = (runId: string) => waits.of(runId).map(({ token }) => token);
  const other = { id: "r2", answered: false };
  void open(ask("t1"));
  void waits.open(ask("t2"), other, clock, session.signal);
  void open(ask("t3"));
  expect([of("r1"), of("r2"), of("r3")]).toEqual([["t1", "t3"], ["t2"], []]);
  const again = new AbortController();
  void waits.open(ask("t3", { name: "shape" }), run, clock, again.signal);
  session.abort();
  expect([of("r1"), of("r2"), waits.of("r1")[0]?.name]).toEqual([["t3"], [], "shape"]);
  run.answered = true;
  expect(of("r1")).toEqual([]);
  again.abort();
  expect(waits.all).toEqual([]);
});

import { expect, test } from "vitest";
import type { FetchOptions } from "../../src/agent/fetch-options.ts";
import { type AgentSpec, defineAgent, type RunEvent, startSystem } from "../../src/index.ts";
import { createFakeLauncher, createVirtualClock, type FakeRun } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";

async function serve(answer: (run: FakeRun) => Promise<string>, spec: Partial<AgentSpec> = {}) {
  const definition = defineAgent({ id: "clerk", entry: "clerk.py:agent", shutdownMs: 100, ...spec });
  const clock = createVirtualClock();
  const launcher = createFakeLauncher({ clock, script: { answer } });
  const system = await startSystem({ children: [definition] }, { launcher, clock, interpreter: "none" });
  return { clock, launcher, system, clerk: system.agent("clerk") };
}

const waits = async ({ prompt, waitFor }: FakeRun) => JSON.stringify(await waitFor(prompt));

/** Reads until the run waits; what came, the last one being the wait. */
async function untilAsked(events: AsyncIterable<RunEvent>) {
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const step = await iterator.next();
    if (step.done === true) throw new Error("the run has ended");
    if (step.value.type === "input.requested") return { asked: step.value, iterator };
  }
}

test("a run that belongs to the system shows what it waits for, and goes on in the same stream", async () => {
  const { system, clerk } = await serve(waits);
  const run = clerk.start("colour", { mayWait: true });
  const { asked, iterator } = await untilAsked(run);
  const token = `${asked.token}`;
  expect(asked).toMatchObject({ name: "colour", token: expect.stringContaining("|event|colour#1") });
  expect([run.state, clerk.state, clerk.inFlight]).toEqual(["waiting", "busy", 1]);
  expect(system.runs.list({ state: "waiting" })).toMatchObject([{ runId: run.runId, waits: [{ token }] }]);
  expect(clerk.waits).toMatchObject([{ token, name: "colour" }]);
  await clerk.answer(token, { is: "red" });
  expect((await iterator.next()).value).toMatchObject({ type: "input.answered", token, outcome: "answered" });
  expect((await run.result).output).toBe('{"is":"red"}');
  expect([system.runs.get(run.runId)?.waits, clerk.waits]).toEqual([undefined, []]);
  expect(await rejection(clerk.answer(token, 1))).toMatchObject({ code: "not_found", field: "token" });
  await system.stop();
});

test("a wait about calls is found at the agent, and its answers are checked by the ids of the calls", async () => {
  const asks = [{ toolCallId: "c1", toolName: "pay", args: { amount: 5 } }];
  const { system, clerk } = await serve(async ({ waitFor }) => JSON.stringify(await waitFor("pay", { asks })));
  const run = clerk.start("", { mayWait: true });
  await untilAsked(run);
  const [wait] = clerk.waits;
  expect(wait?.requests).toMatchObject([{ kind: "approval", toolCallId: "c1", args: { amount: 5 } }]);
  expect(await rejection(clerk.answer(wait?.token ?? "", { c2: true }))).toMatchObject({ field: "answers.c2" });
  await clerk.answer(wait?.token ?? "", { c1: { approve: false, message: "too much" } });
  expect((await run.result).output).toContain('"tool-denied","message":"too much"');
  await system.stop();
});

test("a wait ends with its time, with a word that nobody answers, or with its run", async () => {
  const { system, clerk, clock } = await serve(async ({ prompt, waitFor }) => {
    const limit = prompt === "time" ? { timeoutMs: 1_000 } : {};
    return waitFor(prompt, limit).then(String, (error: Error) => error.message);
  });
  const late = clerk.start("time", { mayWait: true });
  const { asked, iterator } = await untilAsked(late);
  clock.advance(1_000);
  expect((await iterator.next()).value).toMatchObject({ type: "input.answered", outcome: "timed_out" });
  expect((await late.result).output).toBe("no answer came in time");
  expect(asked.deadlineAtMs).toBeTypeOf("number");

  const declined = clerk.start("word", { mayWait: true });
  await clerk.decline((await untilAsked(declined)).asked.token, "nobody is in");
  expect((await declined.result).output).toBe("nobody is in");

  const cancelled = clerk.start("end", { mayWait: true });
  const { asked: open } = await untilAsked(cancelled);
  cancelled.cancel();
  expect(await rejection(clerk.answer(open.token, 1))).toMatchObject({ code: "not_found" });
  expect(await rejection(cancelled.result)).toMatchObject({ code: "run_cancelled" });
  await system.stop();
});

test("a worker that dies takes its waits with it", async () => {
  const { system, clerk, launcher } = await serve(waits);
  const run = clerk.start("colour", { mayWait: true });
  const { asked } = await untilAsked(run);
  launcher.worker("clerk").crash({ signal: "SIGKILL" });
  expect(await rejection(run.result)).toMatchObject({ code: "worker_exited" });
  expect([clerk.waits, await rejection(clerk.answer(asked.token, 1))]).toMatchObject([[], { code: "not_found" }]);
  await system.stop();
});

test("a run that may not wait is rejected by name of the option, and the option is checked", async () => {
  const { system, clerk } = await serve(waits);
  expect(await rejection(clerk.run("colour"))).toMatchObject({ message: expect.stringContaining("mayWait: true") });
  const wrong = clerk.run("colour", { mayWait: 1 as unknown as boolean });
  expect(await rejection(wrong)).toMatchObject({ code: "invalid_argument", field: "options.mayWait" });
  await system.stop();
});

test("a definition says it for its runs, each of which may say otherwise", async () => {
  const { system, clerk } = await serve(waits, { mayWait: true });
  const streamed = clerk.stream("colour");
  const { asked, iterator } = await untilAsked(streamed);
  await clerk.answer(asked.token, "red");
  expect((await iterator.next()).value).toMatchObject({ type: "input.answered" });
  await iterator.return?.();
  const open = Promise.withResolvers<string>();
  system.onReport((report) => report.type === "run.waiting" && open.resolve(report.token));
  const run = clerk.run("colour");
  await clerk.answer(await open.promise, "blue");
  expect((await run).output).toBe('"blue"');
  const told = { message: expect.stringContaining("mayWait: true") };
  expect(await rejection(clerk.run("colour", { mayWait: false }))).toMatchObject(told);
  await system.stop();
});

test.each<[string, Partial<AgentSpec>, FetchOptions]>([
  ["its request", {}, { mayWait: true }],
  ["its definition", { mayWait: true }, {}],
])(
  "a run of a front end waits where %s says that it may, and is read again meanwhile",
  async (_whose, spec, options) => {
    const { system, clerk } = await serve(waits, spec);
    const open = Promise.withResolvers<string>();
    system.onReport((report) => report.type === "run.waiting" && open.resolve(report.token));
    const messages = [{ id: "m", role: "user", parts: [{ type: "text", text: "colour" }] }];
    const body = JSON.stringify({ id: "chat", trigger: "submit-message", messages });
    const headers = { "content-type": "application/json" };
    const response = await clerk.fetch(new Request("http://host/", { method: "POST", body, headers }), options);
    const answered = response.text();
    const token = await open.promise;
    expect(system.runs.list({ state: "waiting" })).toMatchObject([{ waits: [{ token, name: "colour" }] }]);
    const again = await clerk.fetch(new Request("http://host/chat/stream"));
    expect(again.status).toBe(200);
    await clerk.answer(token, "red");
    expect(await answered).toContain(JSON.stringify('"red"'));
    expect(await again.text()).toBe(await answered);
    await system.stop();
  },
);

test("a run that is tried again asks again under the same token", async () => {
  const { system, clerk, launcher } = await serve(waits);
  const tokens: string[] = [];
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  system.onReport((report) => {
    if (report.type === "run.waiting") asked[tokens.push(report.token) - 1]?.resolve();
  });
  const result = clerk.run("colour", { mayWait: true, idempotent: true, retry: { onWorkerExit: "if_idempotent" } });
  await asked[0]?.promise;
  launcher.worker("clerk").crash();
  await asked[1]?.promise;
  expect(new Set(tokens).size).toBe(1);
  expect(clerk.waits.map(({ token }) => token)).toEqual([tokens[0]]);
  await clerk.answer(tokens[0] ?? "", "red");
  expect(await result).toMatchObject({ output: '"red"', attempts: 2 });
  await system.stop();
});

test("a run of a conversation may wait, and the next one waits for its turn meanwhile", async () => {
  const { system, clerk } = await serve(waits);
  const conversation = clerk.conversation("c1");
  const asked = Promise.withResolvers<string>();
  system.onReport((report) => {
    if (report.type === "run.waiting" && report.name === "first") asked.resolve(report.token);
  });
  const first = conversation.run("first", { mayWait: true });
  const second = conversation.start("second", { mayWait: true });
  await clerk.answer(await asked.promise, 1);
  expect((await first).output).toBe("1");
  const { asked: next } = await untilAsked(await second);
  await clerk.answer(next.token, 2);
  expect((await (await second).result).output).toBe("2");
  await system.stop();
});

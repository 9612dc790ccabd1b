import { expect, test } from "vitest";
import { defineAgent, type PausedRun, type RunEvent, type RunOutcome, tool } from "../../src/index.ts";
import { rejection, watch } from "./support.ts";

const asking = defineAgent({ id: "asking", entry: "test/fixtures/agents/asking.py:agent" });
const calls = (...given: [string, object][]) => JSON.stringify(given);

function paused(outcome: RunOutcome): PausedRun {
  if (outcome.status !== "paused") throw new Error(`not paused: ${JSON.stringify(outcome)}`);
  return outcome;
}

function told(outcome: RunOutcome): { told: unknown[]; ran: string[] } {
  if (outcome.status === "paused") throw new Error("still paused");
  return JSON.parse(outcome.output as string) as { told: unknown[]; ran: string[] };
}

test("a run pauses for approvals and outside results, holds no worker, and goes on once with the answers", async () => {
  const { system } = await watch([asking]);
  const agent = system.agent("asking");
  const prompt = calls(
    ["look", { path: "/a" }],
    ["delete", { path: "/b" }],
    ["delete", { path: "/c" }],
    ["delete", { path: "/d" }],
    ["ticket", { title: "t" }],
  );
  const run = paused(await agent.run(prompt, { mayPause: true }));
  expect(run.requests).toEqual([
    { kind: "approval", toolCallId: "call-2", toolName: "delete", args: { path: "/b" }, metadata: undefined },
    { kind: "approval", toolCallId: "call-3", toolName: "delete", args: { path: "/c" }, metadata: undefined },
    { kind: "approval", toolCallId: "call-4", toolName: "delete", args: { path: "/d" }, metadata: undefined },
    { kind: "external", toolCallId: "call-5", toolName: "ticket", args: { title: "t" }, metadata: { title: "t" } },
  ]);
  expect([agent.inFlight, agent.queueLength, run.agentId]).toEqual([0, 0, "asking"]);
  await agent.restart("the worker that asked is gone");
  const answers = {
    "call-2": true,
    "call-3": { approve: true, args: { path: "/elsewhere" } },
    "call-4": { approve: false, message: "not that one" },
    "call-5": { result: { id: 7 } },
  } as const;
  const wrong = await rejection(agent.resume(run.token, { ...answers, "call-5": true }));
  expect(wrong).toMatchObject({ code: "invalid_argument", field: "answers.call-5" });
  const outcome = told(await agent.resume(run.token, answers));
  expect(outcome.told.sort()).toEqual([
    ["denied", "delete", "not that one"],
    ["success", "delete", "deleted /b"],
    ["success", "delete", "deleted /elsewhere"],
    ["success", "look", "looked at /a"],
    ["success", "ticket", { id: 7 }],
  ]);
  // In the new worker: what the first one had called is not called again.
  expect(outcome.ran.sort()).toEqual(["/b", "/elsewhere"]);
  expect(await rejection(agent.resume(run.token, answers))).toMatchObject({ code: "already_resumed" });
});

test("a stream ends with paused, and a paused run that was stored as JSON goes on in another system", async () => {
  const first = await watch([asking]);
  const stream = first.system.agent("asking").stream(calls(["delete", { path: "/x" }]), { mayPause: true });
  const events: RunEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(events.at(-1)).toMatchObject({ type: "paused", paused: { requests: [{ toolCallId: "call-1" }] } });
  const stored = JSON.stringify(paused(await stream.result));
  await first.system.stop();
  const { system } = await watch([asking]);
  const outcome = await system.agent("asking").resume(JSON.parse(stored) as PausedRun, { "call-1": true });
  expect(told(outcome).told).toEqual([["success", "delete", "deleted /x"]]);
  expect(outcome.conversationId).toBe((JSON.parse(stored) as PausedRun).conversationId);
});

test("a tool in TypeScript may need approval, and the tools of the run go on with it", async () => {
  const ran: unknown[] = [];
  const pay = tool({
    description: "Pays.",
    parameters: { type: "object", properties: { amount: { type: "number" } } },
    needsApproval: true,
    execute: (args) => {
      ran.push(args);
      return "paid";
    },
  });
  const { system } = await watch([asking]);
  const agent = system.agent("asking");
  const run = paused(await agent.run(calls(["pay", { amount: 5 }]), { mayPause: true, tools: { pay } }));
  expect([run.requests, ran]).toEqual([[expect.objectContaining({ toolName: "pay", args: { amount: 5 } })], []]);
  const resumption = { paused: run.token, answers: { "call-1": { approve: true, args: { amount: 3 } } } } as const;
  // What its worker refuses has begun nothing.
  const refused = await rejection(agent.resume(run.token, resumption.answers, { tools: { look: pay } }));
  expect(refused).toMatchObject({ kind: "validation" });
  const stream = agent.stream(resumption);
  const events: RunEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(["started", "tool.result", "completed"]));
  expect(told(await stream.result).told).toEqual([["success", "pay", "paid"]]);
  expect(ran).toEqual([{ amount: 3 }]);
  expect(() => agent.start(resumption)).toThrow(`run "${stream.runId}" goes on with it`);
});

test("a run that may not pause is rejected when a tool asks", async () => {
  const { system } = await watch([asking]);
  const error = await rejection(system.agent("asking").run(calls(["delete", { path: "/x" }])));
  expect(error).toMatchObject({ code: "run_failed", kind: "user_error" });
});

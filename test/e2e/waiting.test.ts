import { expect, test } from "vitest";
import { defineAgent, type RunEvent, tool } from "../../src/index.ts";
import { rejection, watch } from "./support.ts";

const asking = defineAgent({ id: "asking", entry: "test/fixtures/agents/asking.py:agent", shutdownMs: 500 });
const calls = (...given: [string, object][]) => JSON.stringify(given);
const told = (output: unknown) => (JSON.parse(output as string) as { told: unknown[] }).told;
type Asked = Extract<RunEvent, { type: "input.requested" }>;

/** The next so many waits of a run. */
async function asked(events: AsyncIterable<RunEvent>, count = 1): Promise<Asked[]> {
  const found: Asked[] = [];
  for await (const event of events) {
    if (event.type === "input.requested" && found.push(event) === count) return found;
  }
  throw new Error(`the run has ended after ${found.length} waits`);
}

test("a live run asks people for approvals and outside results, and its code for values, and goes on with the answers", async () => {
  const { system } = await watch([asking]);
  const agent = system.agent("asking");
  const paid: unknown[] = [];
  const pay = tool({
    description: "Pays.",
    parameters: { type: "object", properties: { amount: { type: "number" } } },
    needsApproval: true,
    execute: (args) => paid.push(args),
  });
  const run = agent.start(
    calls(
      ["wait", { name: "colour" }],
      ["wait", { name: "colour" }],
      ["delete", { path: "/b" }],
      ["delete", { path: "/c" }],
      ["pay", { amount: 5 }],
      ["ticket", { title: "t" }],
    ),
    { mayWait: true, tools: { pay } },
  );
  // Two at once, out of one response, before people are asked about the rest of it; whose thread is first is told first.
  const [one, two] = (await asked(run, 2)).toSorted((a, b) => a.token.localeCompare(b.token));
  const worker = agent.pid;
  expect([one?.token, two?.token]).toEqual([`${run.runId}|event|colour#1`, `${run.runId}|event|colour#2`]);
  expect([run.state, agent.state, agent.health.loop]).toEqual(["waiting", "busy", "responsive"]);
  expect(system.runs.get(run.runId)?.waits).toHaveLength(2);
  await agent.answer(two?.token ?? "", { is: "blue" });
  await agent.answer(one?.token ?? "", null);
  expect(await rejection(agent.answer(one?.token ?? "", 1))).toMatchObject({ code: "not_found" });

  const about = (await asked(run, 3))[2];
  expect(about?.name).toBe("deferred_tool_calls");
  expect(about?.requests?.map(({ kind, toolCallId, toolName }) => [kind, toolCallId, toolName])).toEqual([
    ["approval", "call-3", "delete"],
    ["approval", "call-4", "delete"],
    ["approval", "call-5", "pay"],
    ["external", "call-6", "ticket"],
  ]);
  const answers = {
    "call-3": { approve: true, args: { path: "/elsewhere" } },
    "call-4": { approve: false, message: "not that one" },
    "call-5": true,
    "call-6": { result: { id: 7 } },
  };
  const wrong = await rejection(agent.answer(about?.token ?? "", { ...answers, "call-7": true }));
  expect(wrong).toMatchObject({ code: "invalid_argument", field: "answers.call-7" });
  await agent.answer(about?.token ?? "", answers);
  const { output } = await run.result;
  const expected = [
    ["denied", "delete", "not that one"],
    ["success", "delete", "deleted /elsewhere"],
    ["success", "pay", 1],
    ["success", "ticket", { id: 7 }],
    ["success", "wait", null],
    ["success", "wait", { is: "blue" }],
  ];
  expect(
    told(output)
      .map((each) => JSON.stringify(each))
      .sort(),
  ).toEqual(expected.map((each) => JSON.stringify(each)));
  expect([paid, agent.pid, agent.waits]).toEqual([[{ amount: 5 }], worker, []]);

  const text = calls(["wait", { name: "colour" }], ["delete", { path: "/f" }]);
  const messages = [{ id: "m1", role: "user", parts: [{ type: "text", text }] }];
  const body = JSON.stringify({ id: "chat", trigger: "submit-message", messages });
  const headers = { "content-type": "application/json" };
  const post = new Request("http://localhost/", { method: "POST", headers, body });
  const response = await agent.fetch(post, { mayWait: true, conversation: "server" });
  const page = response.text();
  const [open] = await asked(system.runs.attach(response.headers.get("synapse-run-id") ?? ""));
  await agent.answer(open?.token ?? "", "red");
  expect(await page).toMatch(/"output":"red".*"type":"tool-approval-request"/s);
});

test("a wait ends with its time, its run, the run's time and its worker", async () => {
  const { system } = await watch([asking]);
  const agent = system.agent("asking");
  const wait = (facts: object) => calls(["wait", { name: "n", ...facts }]);
  const late = agent.start(wait({ timeout_ms: 30 }), { mayWait: true });
  expect(told((await late.result).output)).toEqual([
    ["success", "wait", "none: No resolution arrived within 0:00:00.030000."],
  ]);

  const cancelled = agent.start(wait({}), { mayWait: true });
  const [open] = await asked(cancelled);
  cancelled.cancel("nobody wants it");
  expect(await rejection(agent.answer(open?.token ?? "", 1))).toMatchObject({ code: "not_found" });
  expect(await rejection(cancelled.result)).toMatchObject({ code: "run_cancelled" });

  const timely = agent.stream(wait({}), { mayWait: true, timeoutMs: 300 });
  expect(await rejection(timely.result)).toMatchObject({ code: "deadline_exceeded" });
  expect(agent.waits).toEqual([]);

  const lost = agent.start(wait({}), { mayWait: true });
  const [orphan] = await asked(lost);
  process.kill(agent.pid as number, "SIGKILL");
  expect(await rejection(lost.result)).toMatchObject({ code: "worker_exited" });
  expect(await rejection(agent.answer(orphan?.token ?? "", 1))).toMatchObject({ code: "not_found" });

  const plain = await rejection(agent.run(wait({})));
  expect(plain).toMatchObject({ code: "run_failed", kind: "user_error", message: expect.stringContaining("mayWait") });
});

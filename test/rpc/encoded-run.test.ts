import { expect, test } from "vitest";
import { describeRun } from "../../src/rpc/encoded-run.ts";
import { encodedRun } from "./agent-server.ts";

test("an attempt adds whom it is for and how much time is left", () => {
  const run = encodedRun({ incarnation: 0 });
  run.address(3, 250);
  expect(run.message).toMatchObject({ incarnation: 3, timeLeftMs: 250n, prompt: "hello" });
  run.address(4, undefined);
  expect([run.message.incarnation, run.message.timeLeftMs]).toEqual([4, undefined]);
});

test("it names itself as errors do", () => {
  expect(describeRun(encodedRun({ runId: "r7", agentId: "ode" }))).toBe('run "r7" of agent "ode"');
});

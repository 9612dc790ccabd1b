import { expect, test } from "vitest";
import { instanceRules } from "../../src/agent/instance-policy.ts";
import { type ChildExit, type PassingPolicy, restartIntensity } from "../../src/otp/policy/restart-policy.ts";

const intensity = restartIntensity({ maxRestarts: 1, periodMs: 1_000 });
const exit = (childId: string): ChildExit =>
  ({ childId, restart: "permanent", reason: "boom", incarnation: 1, failedStarts: 0, charged: true }) as ChildExit;

test("each instance has a state of its own, and is asked about by the agent's id", () => {
  const asked: string[] = [];
  const policy: PassingPolicy<number> = (count = 0, { childId }) => {
    asked.push(childId);
    return { decision: { type: "restart", delayMs: count, because: "so" }, state: count + 1 };
  };
  const rules = instanceRules("poet", { policy: policy as PassingPolicy, intensity });
  const delays: number[] = [];
  let state: unknown;
  for (const id of ["poet/1", "poet/1", "poet/2", "poet/1"]) {
    const answer = rules.policy(state, exit(id), 0);
    state = answer.state;
    if (answer.decision.type === "restart") delays.push(answer.decision.delayMs);
  }
  expect(delays).toEqual([0, 1, 0, 2]);
  expect(new Set(asked)).toEqual(new Set(["poet"]));
});

test("the intensity counts each instance alone", () => {
  const rules = instanceRules("poet", { policy: undefined, intensity });
  let state: unknown;
  const types = ["poet/1", "poet/2", "poet/3", "poet/2"].map((id) => {
    const answer = rules.intensity(state, exit(id), 0);
    state = answer.state;
    return answer.decision.type;
  });
  expect(types).toEqual(["restart", "restart", "restart", "give_up"]);
});

test("without a policy of the supervisor's, it passes; one that is set later is asked", () => {
  const later = { policy: undefined as PassingPolicy | undefined, intensity };
  const rules = instanceRules("poet", later);
  expect(rules.policy(undefined, exit("poet/1"), 0).decision.type).toBe("pass");
  later.policy = (state) => ({ decision: { type: "leave", because: "no" }, state });
  expect(rules.policy(undefined, exit("poet/1"), 0).decision.type).toBe("leave");
});

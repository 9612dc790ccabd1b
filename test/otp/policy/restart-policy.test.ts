import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChildExit, restartIntensity, wantsRestart } from "../../../src/otp/policy/restart-policy.ts";

const crash = (childId = "a"): ChildExit => ({
  childId,
  restart: "permanent",
  reason: new Error("crash"),
  incarnation: 1,
});

describe("wantsRestart", () => {
  const clean = ["normal", "shutdown", { shutdown: "done" }] as const;
  const abnormal = [new Error("x"), "killed", "noproc", "died", { code: 1 }] as const;
  test.each([
    ...clean.map((reason) => ["permanent", reason, true] as const),
    ...abnormal.map((reason) => ["permanent", reason, true] as const),
    ...clean.map((reason) => ["transient", reason, false] as const),
    ...abnormal.map((reason) => ["transient", reason, true] as const),
    ...clean.map((reason) => ["temporary", reason, false] as const),
    ...abnormal.map((reason) => ["temporary", reason, false] as const),
  ])("%s child after %o: restart is %s", (restart, reason, expected) => {
    expect(wantsRestart(restart, reason)).toBe(expected);
  });
});

describe("restartIntensity", () => {
  test("allows maxRestarts within the period and gives up at the next", () => {
    const policy = restartIntensity({ maxRestarts: 2, periodMs: 1_000 });
    const first = policy(undefined, crash(), 0);
    const second = policy(first.state, crash(), 500);
    const third = policy(second.state, crash(), 1_000);
    expect([first, second, third].map(({ decision }) => decision.type)).toEqual(["restart", "restart", "give_up"]);
  });

  test.each([
    ["options", null],
    ["options.maxRestarts", {}],
    ["options.maxRestarts", { maxRestarts: "3", periodMs: 1_000 }],
    ["options.periodMs", { maxRestarts: 3, periodMs: Number.NaN }],
    ["options.intensity", { maxRestarts: 3, periodMs: 1_000, intensity: 3 }],
  ])("%s is refused by name: %o", (field, options) => {
    expect(() => restartIntensity(options as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field }),
    );
  });

  test("a start that failed is tried again after a pause that doubles, up to 30 s, and takes no place in the window", () => {
    const policy = restartIntensity({ maxRestarts: 1, periodMs: 1_000 });
    const failed = (failedStarts: number): ChildExit => ({ ...crash(), failedStarts });
    const pauses: unknown[] = [];
    let state: unknown;
    for (const starts of [1, 2, 3, 9, 10, 5_000]) {
      const answer = policy(state, failed(starts), 0);
      state = answer.state;
      pauses.push(answer.decision.type === "restart" ? answer.decision.delayMs : answer.decision.type);
    }
    expect(pauses).toEqual([100, 200, 400, 25_600, 30_000, 30_000]);
    const after = policy(state, crash(), 0);
    expect(after.decision).toMatchObject({ type: "restart", delayMs: 0 });
    expect(policy(after.state, failed(1), 0).decision.type).toBe("restart");
    expect(policy(after.state, crash(), 0).decision.type).toBe("give_up");
    expect(policy(undefined, { ...failed(1), restart: "temporary" }, 0).decision.type).toBe("leave");
  });

  test("an exit that is not charged is restarted after at once, and takes no place in the window", () => {
    const policy = restartIntensity({ maxRestarts: 1, periodMs: 1_000 });
    let state: unknown;
    for (let exit = 0; exit < 5; exit += 1) {
      const answer = policy(state, { ...crash(), charged: false }, 0);
      expect(answer.decision).toMatchObject({ type: "restart", delayMs: 0 });
      state = answer.state;
    }
    const charged = policy(state, { ...crash(), charged: true }, 0);
    expect(charged.decision.type).toBe("restart");
    expect(policy(charged.state, crash(), 0).decision.type).toBe("give_up");
    expect(policy(undefined, { ...crash(), restart: "temporary", charged: false }, 0).decision.type).toBe("leave");
  });

  test("an exit is no failed start because of what its reason is", () => {
    const policy = restartIntensity({ maxRestarts: 1, periodMs: 1_000 });
    const { decision } = policy(undefined, { ...crash(), reason: { failedStarts: 3 } }, 0);
    expect(decision).toMatchObject({ type: "restart", delayMs: 0 });
  });

  test("a restart exactly one period ago still counts, one millisecond more and it does not", () => {
    const policy = restartIntensity({ maxRestarts: 1, periodMs: 1_000 });
    const { state } = policy(undefined, crash(), 0);
    expect(policy(state, crash(), 1_000).decision.type).toBe("give_up");
    expect(policy(state, crash(), 1_001).decision.type).toBe("restart");
  });

  test("maxRestarts 0 gives up at the first", () => {
    expect(restartIntensity({ maxRestarts: 0, periodMs: 1 })(undefined, crash(), 0).decision.type).toBe("give_up");
  });

  test("the decision says why, with numbers", () => {
    const { decision } = restartIntensity({ maxRestarts: 0, periodMs: 5_000 })(undefined, crash(), 0);
    expect(decision.because).toBe("restart 1 within 5000 ms exceeds maxRestarts 0");
  });

  test("never allows more than maxRestarts in any window, whatever the times", () => {
    const schedule = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60, size: "max" });
    fc.assert(
      fc.property(
        schedule,
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 1_000 }),
        (gaps, maxRestarts, periodMs) => {
          const policy = restartIntensity({ maxRestarts, periodMs });
          let state: unknown;
          let now = 0;
          const restarts: number[] = [];
          for (const gap of gaps) {
            now += gap;
            const step = policy(state, crash(), now);
            state = step.state;
            if (step.decision.type === "restart") restarts.push(now);
            else expect(restarts.filter((at) => at >= now - periodMs)).toHaveLength(maxRestarts);
          }
          for (const at of restarts) {
            expect(restarts.filter((other) => other >= at - periodMs && other <= at).length).toBeLessThanOrEqual(
              maxRestarts,
            );
          }
        },
      ),
    );
  });
});

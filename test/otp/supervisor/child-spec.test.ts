import { describe, expect, test } from "vitest";
import { CallerError } from "../../../src/errors.ts";
import {
  type ChildSpec,
  normalizeChildSpec,
  normalizeChildSpecs,
  type RunningChild,
} from "../../../src/otp/supervisor/child-spec.ts";

const start = (): RunningChild => {
  throw new Error("never started here");
};

describe("normalizeChildSpec", () => {
  test("a worker is permanent with 5,000 ms to stop, a supervisor has no limit", () => {
    expect(normalizeChildSpec({ id: "a", start })).toMatchObject({
      restart: "permanent",
      shutdownMs: 5_000,
      type: "worker",
    });
    expect(normalizeChildSpec({ id: "a", start, type: "supervisor" })).toMatchObject({ shutdownMs: "infinity" });
  });

  test.each([0, 1, 1_000, "infinity", "brutal_kill"] as const)("shutdownMs %s is legal", (shutdownMs) => {
    expect(normalizeChildSpec({ id: "a", start, shutdownMs }).shutdownMs).toBe(shutdownMs);
  });

  test.each([
    ["spec", "nonsense", "spec"],
    ["no id", { start }, "spec.id"],
    ["an empty id", { id: "", start }, "spec.id"],
    ["no start", { id: "a" }, "spec.start"],
    ["a start that is no function", { id: "a", start: 1 }, "spec.start"],
    ["logic that is none", { id: "a", logic: {} }, "spec.start"],
    ["a misspelt restart", { id: "a", start, restart: "always" }, "spec.restart"],
    ["a negative shutdown", { id: "a", start, shutdownMs: -10 }, "spec.shutdownMs"],
    ["a fraction as shutdown", { id: "a", start, shutdownMs: 1.5 }, "spec.shutdownMs"],
    ["a misspelt type", { id: "a", start, type: "boss" }, "spec.type"],
  ])("%s is refused by field", (_name, spec, field) => {
    try {
      normalizeChildSpec(spec as unknown as ChildSpec);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CallerError);
      expect(error).toMatchObject({ code: "invalid_argument", field });
    }
  });
});

test("two children of one id are refused by index", () => {
  expect(() =>
    normalizeChildSpecs([
      { id: "a", start },
      { id: "a", start },
    ]),
  ).toThrow('[invalid_argument] children[1].id is "a"; it must be unique among its siblings');
});

import { describe, expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { childSpec } from "../../../src/otp/supervisor/made-spec.ts";
import { defineSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createWorld, recorder } from "../scripted.ts";
import { listed } from "../support.ts";

const server = fromGenServer({ name: "server", init: () => ({ state: 0 }) });

describe("childSpec", () => {
  test("makes a specification of logic and what is said of it", () => {
    const { logic } = recorder();
    expect(childSpec(server)).toEqual({ logic: server });
    expect(childSpec(logic, { id: "a", input: [1], restart: "transient", shutdownMs: 7 })).toEqual({
      logic,
      id: "a",
      input: [1],
      restart: "transient",
      shutdownMs: 7,
    });
  });

  test("makes a specification of another one, whose fields it replaces; the other stays as it was", () => {
    const one = childSpec(server, { id: "one", restart: "temporary" });
    expect(childSpec(one, { id: "two", name: "two" })).toEqual({
      logic: server,
      id: "two",
      name: "two",
      restart: "temporary",
    });
    expect(one).toEqual({ logic: server, id: "one", restart: "temporary" });
    const nested = defineSupervisor({ id: "nested", children: [one] });
    expect(childSpec(nested, { id: "again", restart: "transient", shutdownMs: 5 })).toEqual({
      ...nested,
      id: "again",
      restart: "transient",
      shutdownMs: 5,
    });
  });

  test("makes children of one logic that differ in what they are told", async () => {
    const { supervise } = createWorld();
    const { logic, inputs } = recorder();
    const base = childSpec(logic, { restart: "transient" });
    const supervisor = await supervise({
      children: ["a", "b"].map((id) => childSpec(base, { id, input: `input of ${id}` })),
    });
    expect([listed(supervisor), inputs]).toEqual([
      ["b ref", "a ref"],
      ["input of a", "input of b"],
    ]);
    expect((supervisor.whichChild("a").ref as Process).alive).toBe(true);
    await supervisor.stop();
  });

  test.each([
    ["nothing", [undefined], "spec"],
    ["an object that is neither logic nor a specification", [{ id: "a" }], "spec"],
    ["a list", [[]], "spec"],
    ["overrides that are none", [server, "temporary"], "overrides"],
  ])("refuses %s", (_what, given, field) => {
    expect(() => (childSpec as (...args: unknown[]) => unknown)(...given)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field }),
    );
  });
});

import { describe, expect, test } from "vitest";
import { createMachine } from "xstate";
import { CallerError } from "../../../src/errors.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { type ChildSpec, normalizeChildSpec, normalizeChildSpecs } from "../../../src/otp/supervisor/child-spec.ts";
import type { RunningChild } from "../../../src/otp/supervisor/running-child.ts";
import { createWorld } from "../scripted.ts";
import { listed } from "../support.ts";

const logic = fromGenServer({ name: "the server", init: () => ({ state: 0 }) });
const registry = Registry.start({ keys: "unique" });

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
    ["logic that nobody has named", { logic: fromGenServer({ init: () => ({ state: 0 }) }) }, "spec.id"],
    ["a machine that nobody has named", { logic: createMachine({}) }, "spec.id"],
    ["a key that is no string", { logic: createMachine({}), name: { via: registry, key: 7 } }, "spec.id"],
    ["an empty name", { id: "a", logic, name: "" }, "spec.name"],
    ["a name of the wrong kind", { id: "a", logic, name: { key: "a" } }, "spec.name"],
    ["a negative start timeout", { id: "a", logic, startTimeoutMs: -1 }, "spec.startTimeoutMs"],
    ["a fraction as start timeout", { id: "a", logic, startTimeoutMs: 0.5 }, "spec.startTimeoutMs"],
    ["a mailbox without a limit", { id: "a", logic, mailbox: {} }, "spec.mailbox.maxMessages"],
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

describe("the id of a child that has none of its own", () => {
  test.each<[string, ChildSpec, string]>([
    ["its name", { logic, name: "by name" }, "by name"],
    ["the key of its name", { logic, name: { via: registry, key: "by key" } }, "by key"],
    ["the name of its server", { logic }, "the server"],
    ["the id of its machine", { logic: createMachine({ id: "the machine" }) }, "the machine"],
    ["the name of the server when its key is no string", { logic, name: { via: registry, key: ["a"] } }, "the server"],
  ])("is %s", (_what, spec, id) => {
    expect(normalizeChildSpec(spec).id).toBe(id);
    expect(normalizeChildSpec({ ...spec, id: "own" }).id).toBe("own");
  });

  test("has to be unique like any other", () => {
    expect(() => normalizeChildSpecs([{ logic, name: "a" }, { logic }, { logic }])).toThrow(
      '[invalid_argument] children[2].id is "the server"; it must be unique among its siblings',
    );
  });

  test("is what siblings, paths and reports call it, and what a dynamic supervisor's reports call it", async () => {
    const { supervise, superviseDynamic, reports } = createWorld();
    const supervisor = await supervise({ id: "root", children: [{ logic }, { logic, name: "named" }] });
    expect(listed(supervisor)).toEqual(["named ref", "the server ref"]);
    await supervisor.terminateChild("named");
    const dynamic = await superviseDynamic();
    await dynamic.startChild({ logic, name: "named" });
    await dynamic.startChild({ logic: fromGenServer({ init: () => ({ state: 0 }) }) });
    const told = reports.flatMap((report) => (report.type === "child.started" ? [report.offender] : []));
    expect(told.map(({ childId, path }) => [childId, path])).toEqual([
      ["the server", "root/the server"],
      ["named", "root/named"],
      ["named", "dynamic_supervisor/1"],
      ["child", "dynamic_supervisor/2"],
    ]);
    await Promise.all([supervisor.stop(), dynamic.stop()]);
  });
});

test("what a dynamic supervisor's prepare makes is checked, and may be of any kind", async () => {
  const { superviseDynamic } = createWorld();
  const given: unknown[] = [];
  const answers: unknown[] = [undefined, { logic, restart: "always" }, { logic }];
  const prepare = (spec: ChildSpec) => {
    given.push(spec);
    return answers.shift() as ChildSpec;
  };
  const supervisor = await superviseDynamic({ prepare });
  await expect(supervisor.startChild({ logic })).rejects.toMatchObject({ code: "invalid_argument", field: "spec" });
  await expect(supervisor.startChild({ logic })).rejects.toMatchObject({ field: "spec.restart" });
  expect((await supervisor.startChild({ logic })).alive).toBe(true);
  expect(given).toEqual(Array(3).fill({ id: "child", logic }));
  await supervisor.stop();
});

test("two children of one id are refused by index", () => {
  expect(() =>
    normalizeChildSpecs([
      { id: "a", start },
      { id: "a", start },
    ]),
  ).toThrow('[invalid_argument] children[1].id is "a"; it must be unique among its siblings');
});

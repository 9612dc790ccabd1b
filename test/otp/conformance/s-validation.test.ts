/** Conformance rows S51 to S70: what is refused before anything starts, and how it is named. */

import { describe, expect, test } from "vitest";
import type { RestartType, Shutdown } from "../../../src/otp/report/supervisor-report.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { AutoShutdown, Strategy } from "../../../src/otp/supervisor/spec.ts";
import {
  checkChildSpecs,
  defineDynamicSupervisor,
  defineSupervisor,
  startDynamicSupervisor,
  startSupervisor,
} from "../../../src/otp/supervisor/start.ts";
import { createWorld } from "../scripted.ts";
import { listed, rejection } from "../support.ts";

const start = () => undefined;

/** What a list of specifications is refused with. */
function refusal(specs: unknown, autoShutdown?: AutoShutdown): unknown {
  try {
    checkChildSpecs(specs as ChildSpec[], autoShutdown);
  } catch (error) {
    return error;
  }
  return "accepted";
}

const refused = (field: string, value: unknown) => expect.objectContaining({ code: "invalid_argument", field, value });

describe("child specifications", () => {
  test.each([
    [
      "S51 a start that is no function is refused (adapted: a function, not module, function and arguments)",
      { start: "mfa" },
      "start",
      "mfa",
    ],
    ["S51 so is logic that is none (adapted: XState logic)", { start: undefined, logic: {} }, "start", undefined],
    ["S52 a misspelt restart type is refused", { restart: "prmanent" }, "restart", "prmanent"],
    ["S53 a negative shutdown time is refused", { shutdownMs: -10 }, "shutdownMs", -10],
    ["S53 so is one that is not whole", { shutdownMs: 0.5 }, "shutdownMs", 0.5],
    [
      "S53 so is a number without end",
      { shutdownMs: Number.POSITIVE_INFINITY },
      "shutdownMs",
      Number.POSITIVE_INFINITY,
    ],
    ["S53 so is another word", { shutdownMs: "kill" }, "shutdownMs", "kill"],
    ["S54 a misspelt type is refused", { type: "wroker" }, "type", "wroker"],
    ["S62 a significant that is not true or false is refused", { significant: "yes" }, "significant", "yes"],
  ])("%s", async (_title, part, field, value) => {
    const spec = { id: "child", start, ...part } as unknown as ChildSpec;
    expect(refusal([spec])).toEqual(refused(`children[0].${field}`, value));
    const { supervise, superviseDynamic } = createWorld();
    const supervisor = await supervise({});
    const dynamic = await superviseDynamic();
    expect(await rejection(supervisor.startChild(spec))).toEqual(refused(`spec.${field}`, value));
    expect(await rejection(dynamic.startChild(spec))).toEqual(refused(`spec.${field}`, value));
    expect([listed(supervisor), listed(dynamic)]).toEqual([[], []]);
    await Promise.all([supervisor.stop(), dynamic.stop()]);
  });

  test("S56 a specification where a list belongs is refused", () => {
    const spec = { id: "child", start };
    expect(refusal(spec)).toEqual(refused("children", spec));
  });

  const restarts: RestartType[] = ["permanent", "transient", "temporary"];
  const shutdowns: Shutdown[] = [0, 1_000, "infinity", "brutal_kill"];

  test("S57 every combination of restart, shutdown and type is accepted", () => {
    const specs = restarts.flatMap((restart) =>
      shutdowns.flatMap((shutdownMs) =>
        (["worker", "supervisor"] as const).map((type) => {
          return { id: `${restart} ${shutdownMs} ${type}`, start, restart, shutdownMs, type };
        }),
      ),
    );
    expect(specs).toHaveLength(24);
    expect(refusal(specs)).toBe("accepted");
  });

  test("S58 an id that stands twice is refused, in a list and in a supervisor", async () => {
    const { script, supervise, log } = createWorld();
    const specs = [script("twice").spec, script("twice").spec];
    expect(refusal(specs)).toEqual(refused("children[1].id", "twice"));
    expect(await rejection(supervise({ children: specs }))).toEqual(refused("spec.children[1].id", "twice"));
    expect(log).toEqual([]);
  });

  test.each(["one_for_one", "one_for_all", "rest_for_one"] satisfies Strategy[])(
    "S59 under %s a bad specification among good ones starts none",
    async (strategy) => {
      const { script, supervise, log, runtime } = createWorld();
      const bad = { id: "bad", start, shutdownMs: -1 };
      const error = await rejection(
        supervise({ strategy, children: [script("good").spec, bad, script("after").spec] }),
      );
      expect(error).toEqual(refused("spec.children[1].shutdownMs", -1));
      expect([log, runtime.processCount]).toEqual([[], 0]);
    },
  );

  test.each([
    [[]],
    [[{ id: "a", start }]],
    [
      [
        { id: "a", start },
        { id: "b", start },
      ],
    ],
  ])(
    "S60 a dynamic supervisor takes no list of children: %j (adapted: DynamicSupervisor has no template)",
    async (children) => {
      const { runtime } = createWorld();
      const spec = { children } as object;
      expect(await rejection(startDynamicSupervisor(spec, { runtime }))).toEqual(refused("spec.children", children));
      expect(runtime.processCount).toBe(0);
    },
  );

  test.each([
    ["S61 without anything the id is missed first", {}, "id"],
    ["S61 with an id the start is missed", { id: "child" }, "start"],
    ["S61 with a start the id is missed", { start }, "id"],
  ])("%s", (_title, spec, field) => {
    expect(refusal([spec])).toEqual(refused(`children[0].${field}`, undefined));
  });

  const autos: (AutoShutdown | undefined)[] = [undefined, "never", "any_significant", "all_significant"];
  const cases = autos.flatMap((autoShutdown) =>
    [undefined, ...restarts].flatMap((restart) =>
      [undefined, true, false].map((significant) => ({ autoShutdown, restart, significant })),
    ),
  );

  test.each(cases)(
    "S63 autoShutdown $autoShutdown, restart $restart, significant $significant",
    ({ autoShutdown, restart, significant }) => {
      const found = refusal([{ id: "child", start, restart, significant }], autoShutdown);
      if (significant !== true) expect(found).toBe("accepted");
      else if (autoShutdown === "never") expect(found).toMatchObject({ rule: expect.stringContaining("never") });
      else if (restart === undefined || restart === "permanent") {
        expect(found).toMatchObject({ rule: expect.stringContaining("permanent") });
      } else expect(found).toBe("accepted");
    },
  );
});

describe("flags", () => {
  const flags: [title: string, flag: string, values: unknown[]][] = [
    ["S65 an unknown strategy is refused", "strategy", ["none_for_one", "simple_one_for_one", 1, null]],
    ["S66 an intensity that is no natural number is refused", "maxRestarts", ["infinity", -1, 1.5, Number.NaN, null]],
    [
      "S67 a period that is not above zero is refused (adapted: milliseconds)",
      "periodMs",
      [0, "infinity", -5, 0.5, null],
    ],
    ["S68 an unknown autoShutdown is refused", "autoShutdown", ["some_significant", true, null]],
    ["S69 children that are no list are refused", "children", [{ id: "child", start }, "children", 7]],
    ["S69 so is a policy that is no function", "policy", ["one_for_one", {}]],
  ];

  test.each(flags)("%s", async (_title, flag, values) => {
    const { runtime } = createWorld();
    for (const value of values) {
      const field = flag === "children" ? "spec.children" : `spec.${flag}`;
      const spec = { id: "sup", [flag]: value };
      expect(await rejection(startSupervisor(spec as never, { runtime }))).toEqual(refused(field, value));
      expect(() => defineSupervisor(spec as never)).toThrow(refused(field, value));
    }
    expect(runtime.processCount).toBe(0);
  });

  test("S66 an intensity of 0 is legal", async () => {
    const { supervise } = createWorld();
    await (await supervise({ maxRestarts: 0 })).stop();
  });

  test.each([undefined, null, "one_for_one", ["one_for_one", 2, 3_600]])(
    "S69 flags of the wrong shape are refused: %j",
    (spec) => {
      expect(() => defineSupervisor(spec as never)).toThrow(refused("spec", spec));
      expect(() => defineDynamicSupervisor(spec as never)).toThrow(refused("spec", spec));
    },
  );

  test("S70 an unknown flag is ignored (adapted: the compiler refuses it in a literal)", async () => {
    const { supervise, superviseDynamic } = createWorld();
    const supervisor = await supervise({ ...{ faulty: "flag" }, maxRestarts: 1 });
    const dynamic = await superviseDynamic({ ...{ faulty: "flag" }, maxRestarts: 1 });
    expect([supervisor.process.alive, dynamic.process.alive]).toEqual([true, true]);
    await Promise.all([supervisor.stop(), dynamic.stop()]);
  });

  test("a dynamic supervisor's flags are checked when it is defined, before its parent starts", () => {
    expect(() => defineDynamicSupervisor({ id: "pool", maxRestarts: -1 })).toThrow(refused("spec.maxRestarts", -1));
    expect(() => defineDynamicSupervisor({ id: "pool", maxChildren: -1 })).toThrow(refused("spec.maxChildren", -1));
  });
});

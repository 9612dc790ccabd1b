import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import { type GroupMessage, Groups } from "../../../src/otp/registry/groups.ts";
import { send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { createPlace, leftovers } from "../in-process.ts";

function create() {
  const place = createPlace();
  return { ...place, groups: Groups.start<string>({ name: "scope", runtime: place.runtime }) };
}

describe("members", () => {
  test("a group has who joined it, as often as they did, and exists while it has members", async () => {
    const { groups, run, idle } = create();
    const other = idle();
    await run(({ self }) => {
      expect([groups.members("g"), groups.whichGroups()]).toEqual([[], []]);
      groups.join("g");
      groups.join("g", other);
      groups.join("g", [self, other]);
      groups.join("h", [self, self]);
      groups.join("empty", []);
      expect(groups.members("g")).toEqual([self, self, other, other]);
      expect(groups.whichGroups()).toEqual(["g", "h"]);
      groups.leave("g");
      expect(groups.members("g")).toEqual([self, other, other]);
      groups.leave("g", [self, other, other]);
      expect([groups.members("g"), groups.whichGroups()]).toEqual([[], ["h"]]);
    });
  });

  test("leaving a group as nobody's member throws, and members who leave with strangers leave", async () => {
    const { groups, idle } = create();
    const [member, stranger] = [idle(), idle()];
    groups.join("g", member);
    const refused = expect.objectContaining({ code: "not_found", field: "group", value: "g" });
    expect(() => groups.leave("g", stranger)).toThrow(refused);
    groups.leave("g", [stranger, member]);
    expect(() => groups.leave("g", member)).toThrow(refused);
  });

  test("a dead process cannot join, and nobody joins with it", async () => {
    const { groups, idle } = create();
    const [alive, dead] = [idle(), idle()];
    exit(dead, "kill");
    expect(() => groups.join("g", [alive, dead])).toThrow(expect.objectContaining({ code: "noproc" }));
    expect(groups.members("g")).toEqual([]);
    expect(alive.exitHooks?.size ?? 0).toBe(0);
  });

  test("a process that ends has left all groups before links and monitors are told", async () => {
    const { groups, run, idle } = create();
    const [dying, other] = [idle(), idle()];
    groups.join("g", [dying, dying, other]);
    groups.join("h", dying);
    await run(async ({ receive }) => {
      monitor(dying);
      exit(dying, "kill");
      expect([groups.members("g"), groups.whichGroups()]).toEqual([[other], ["g"]]);
      expect(await receive()).toMatchObject({ type: "DOWN", process: dying });
    });
    groups.leave("g", other);
    expect(other.exitHooks?.size ?? 0).toBe(0);
  });

  test("groups of different scopes are different", () => {
    const { groups, runtime, idle } = create();
    const other = Groups.start<string>({ runtime });
    groups.join("g", idle());
    expect(other.members("g")).toEqual([]);
  });
});

describe("monitors", () => {
  test("who monitors a group is told of joins and leaves from then on, those by an end too", async () => {
    const { groups, run, idle } = create();
    const [before, later] = [idle(), idle()];
    groups.join("g", before);
    await run(async (context) => {
      const { monitor: watch, members } = groups.monitor("g");
      expect(members).toEqual([before]);
      groups.join("g", [later, later]);
      groups.join("other", later);
      groups.leave("g", before);
      exit(later, "kill");
      const about = (type: GroupMessage["type"], processes: unknown[]) => ({
        type,
        monitor: watch,
        group: "g",
        processes,
      });
      expect(await leftovers(context)).toEqual([
        about("group.join", [later, later]),
        about("group.leave", [before]),
        about("group.leave", [later, later]),
      ]);
    });
  });

  test("who monitors the scope is told of all groups", async () => {
    const { groups, run, idle } = create();
    const process = idle();
    groups.join("g", process);
    await run(async (context) => {
      const { monitor: watch, groups: seen } = groups.monitorScope();
      expect([...seen]).toEqual([["g", [process]]]);
      groups.join("h", process);
      exit(process, "kill");
      expect(await leftovers(context)).toMatchObject([
        { type: "group.join", monitor: watch, group: "h" },
        { type: "group.leave", monitor: watch, group: "g" },
        { type: "group.leave", monitor: watch, group: "h" },
      ]);
    });
  });

  test("demonitor takes messages that wait back; a second time it answers false", async () => {
    const { groups, run, idle } = create();
    await run(async (context) => {
      const hooks = context.self.exitHooks?.size ?? 0;
      const [one, all] = [groups.monitor("g").monitor, groups.monitorScope().monitor];
      groups.join("g", idle());
      expect([groups.demonitor(one), groups.demonitor(all), groups.demonitor(one)]).toEqual([true, true, false]);
      groups.join("g", idle());
      expect(await leftovers(context)).toEqual([]);
      expect(context.self.exitHooks?.size ?? 0).toBe(hooks);
    });
  });

  test("a monitor ends with its process", async () => {
    const { groups, run, idle, reports } = create();
    await run(() => void groups.monitor("g"));
    groups.join("g", idle());
    expect(reports).toEqual([]);
  });
});

describe("a scope", () => {
  test("is found by its name while it lives", async () => {
    const { groups, run } = create();
    await run(async ({ self }) => {
      expect(Groups.of("scope")).toBe(groups);
      expect(Groups.of(groups.process)).toBe(groups);
      await stop("scope");
      const unknown = expect.objectContaining({ code: "invalid_argument", field: "groups" });
      for (const target of ["scope", groups.process, self]) expect(() => Groups.of(target)).toThrow(unknown);
    });
  });

  test("that ends is empty, takes nobody, and leaves nothing on its members", async () => {
    const { groups, idle, run } = create();
    const process = idle();
    groups.join("g", process);
    await run(async ({ self }) => {
      const hooks = self.exitHooks?.size ?? 0;
      groups.monitor("g");
      groups.monitorScope();
      exit(groups.process, "shutdown");
      expect(self.exitHooks?.size ?? 0).toBe(hooks);
      expect(() => groups.monitor("g")).toThrow(expect.objectContaining({ code: "noproc" }));
    });
    expect([groups.members("g"), process.alive, process.exitHooks?.size ?? 0]).toEqual([[], true, 0]);
    expect(() => groups.join("g", process)).toThrow(expect.objectContaining({ code: "noproc" }));
  });

  test("that is started with startLink is linked to the process that starts it", async () => {
    const { runtime, run } = createPlace();
    await run(({ self }) => {
      const scope = Groups.startLink();
      expect(self.links?.has(scope.process)).toBe(true);
      expect(scope.process.runtime).toBe(runtime);
    });
  });
});

test("a hundred thousand memberships of one group end with their processes", async () => {
  const { groups, idle } = create();
  const processes = Array.from({ length: 20_000 }, () => idle());
  for (let times = 0; times < 5; times += 1) groups.join("g", processes);
  expect(groups.members("g")).toHaveLength(100_000);
  for (const process of processes) exit(process, "kill");
  expect(groups.whichGroups()).toEqual([]);
});

test("a monitor is taken back beside messages that throw when they are looked at", async () => {
  const { groups, run } = create();
  await run(async (context) => {
    const thorny = Object.defineProperty({}, "monitor", {
      get() {
        throw new Error("asked for its monitor");
      },
    });
    const { monitor: watch } = groups.monitor("g");
    for (const message of [thorny, null, undefined, "text"]) send(context.self, message);
    groups.join("g");
    expect(groups.demonitor(watch)).toBe(true);
    expect(await leftovers(context)).toEqual([thorny, null, undefined, "text"]);
  });
});

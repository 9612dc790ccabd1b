/** Conformance rows S178 to S189: kills, parents, strangers, junk, start functions that misbehave, edges of autoShutdown. */

import { describe, expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { exit, unlink } from "../../../src/otp/process/link.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn, spawnLink } from "../../../src/otp/start/spawn.ts";
import { defineSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet, type Script, until, type World } from "../scripted.ts";

const specs = (...scripts: Script[]) => scripts.map(({ spec }) => spec);

describe("S178 a nested supervisor is killed", () => {
  async function killed(options: Parameters<World["script"]>[1], how: "brutal_kill" | "exit") {
    const world = createWorld();
    const [plain, trapping] = [world.script("plain", { plain: true }), world.script("trapping", options)];
    const shutdownMs = how === "brutal_kill" ? { shutdownMs: "brutal_kill" as const } : {};
    const inner = defineSupervisor({ id: "inner", ...shutdownMs, children: specs(plain, trapping) });
    const outer = await world.supervise({ maxRestarts: 0, children: [inner] });
    const { process } = outer.whichChild("inner").ref as Supervisor;
    if (how === "brutal_kill") await outer.terminateChild("inner");
    else exit(process, "kill");
    await quiet();
    return { world, outer, plain, trapping, process };
  }

  test.each(["brutal_kill", "exit"] as const)(
    "S178 by %s: its children end with killed, those that trap exits run terminate with killed (adapted: the runtime cascades)",
    async (how) => {
      const { world, outer, plain, trapping, process } = await killed({}, how);
      expect([process, plain.ref, trapping.ref].map(({ exitReason }) => exitReason)).toEqual(Array(3).fill("killed"));
      expect(world.log.slice(2)).toEqual(["stop trapping killed"]);
      await outer.stop();
      expect(world.runtime.processCount).toBe(0);
    },
  );

  test("S178 a grandchild that does not leave is killed after its shutdownMs (adapted: nothing outlives its supervisor)", async () => {
    const { world, outer, trapping } = await killed({ stopMs: "infinity", shutdownMs: 200 }, "exit");
    // What follows of its supervisor's end waits for it: the outer one has not given up yet.
    expect([trapping.ref.alive, outer.process.alive]).toEqual([true, true]);
    world.clock.advance(200);
    expect(trapping.ref.exitReason).toBe("killed");
    expect(world.clock.pending).toBe(0);
    expect(await outer.ended).toBe("shutdown");
    expect(world.runtime.processCount).toBe(0);
  });
});

describe("S179 the process that started a supervisor ends", () => {
  test.each([["normal"], ["foo"]])(
    "S179 with %s: the supervisor stops its children and ends with the same reason",
    async (reason) => {
      const world = createWorld();
      const [a, b] = [world.script("a"), world.script("b")];
      const started = Promise.withResolvers<Supervisor>();
      const parent = spawn(
        async ({ receive }) => {
          started.resolve(await startSupervisor({ children: specs(a, b) }, { link: true }));
          const why = await receive<{ reason: ExitReason }>();
          throw new Exit(why.reason);
        },
        { runtime: world.runtime },
      );
      const supervisor = await started.promise;
      world.log.length = 0;
      send(parent, { reason });
      expect(await supervisor.ended).toBe(reason);
      expect(world.log).toEqual(["stop b", "stop a"]);
      expect(world.runtime.processCount).toBe(0);
    },
  );
});

test("S180 an exit signal from a stranger is ignored", async () => {
  const world = createWorld();
  const a = world.script("a");
  const supervisor = await world.supervise({ children: [a.spec] });
  await world.inProcess(() => exit(supervisor.process, "foo"));
  exit(supervisor.process, "shutdown");
  await quiet();
  expect([supervisor.process.alive, a.ref.alive]).toEqual([true, true]);
  await supervisor.stop();
});

test.each([["junk"], [{ type: "junk" }], [undefined], [7]])(
  "S181 the unexpected message %j is reported and dropped",
  async (message) => {
    const world = createWorld();
    const supervisor = await world.supervise({});
    send(supervisor.process, message);
    await quiet();
    expect(supervisor.process.alive).toBe(true);
    expect(world.reports).toContainEqual(expect.objectContaining({ type: "dead_letter", message, why: "unhandled" }));
    await supervisor.stop();
  },
);

test("S182 an unexpected call is refused and an unexpected cast reported; the supervisor lives on (adapted: in OTP both crash it)", async () => {
  const world = createWorld();
  const a = world.script("a");
  const supervisor = await world.supervise({ children: [a.spec] });
  await expect(call(supervisor.process, "which_children")).rejects.toMatchObject({ code: "exited", reason: "refused" });
  cast(supervisor.process, "cast junk");
  await quiet();
  const letter = expect.objectContaining({ type: "dead_letter", message: "cast junk", why: "unhandled" });
  expect(world.reports).toContainEqual(letter);
  expect([supervisor.process.alive, a.ref.alive]).toEqual([true, true]);
  await supervisor.stop();
});

test("S183 a child that nobody is linked to is watched all the same (adapted: no link is needed)", async () => {
  const world = createWorld();
  let starts = 0;
  const code = async ({ receive }: { receive(): Promise<unknown> }) => {
    throw new Exit((await receive()) as string);
  };
  const unlinked = {
    id: "unlinked",
    start: () => {
      starts += 1;
      return spawn(code);
    },
  };
  const linked = {
    id: "linked",
    start: () => {
      const ref = spawnLink(code);
      unlink(ref);
      return ref;
    },
  };
  const supervisor = await world.supervise({ children: [unlinked, linked] });
  for (const id of ["unlinked", "linked"]) {
    const first = supervisor.whichChild(id).ref as Script["ref"];
    send(first, "died");
    await exited(first);
    await quiet();
    expect(supervisor.whichChild(id)).toMatchObject({ status: "running" });
    expect(supervisor.whichChild(id).ref).not.toBe(first);
  }
  expect([starts, supervisor.countChildren().active]).toEqual([2, 2]);
  await supervisor.stop();
  expect(world.runtime.processCount).toBe(0);
});

test("S184 an exit that is queued before terminateChild is handled first", async () => {
  const world = createWorld();
  const a = world.script("a");
  const supervisor = await world.supervise({ maxRestarts: 0, children: [a.spec] });
  const opened = Promise.withResolvers<undefined>();
  const busy = supervisor.startChild({ id: "slow", start: () => opened.promise });
  exit(a.ref, "kill");
  const terminated = supervisor.terminateChild("a");
  opened.resolve(undefined);
  expect(await busy).toBeUndefined();
  await expect(terminated).rejects.toMatchObject({ code: "stopped" });
  expect(await supervisor.ended).toBe("shutdown");
});

describe("S185 a start function that misbehaves", () => {
  const bad: [string, () => never | Promise<never>, unknown][] = [
    [
      "throws an error",
      () => {
        throw new Error("raised by S185");
      },
      { message: "raised by S185" },
    ],
    ["rejects", () => Promise.reject(new Error("rejected by S185")), { message: "rejected by S185" }],
    [
      "exits",
      () => {
        throw new Exit("exit of S185");
      },
      "exit of S185",
    ],
    [
      "throws a value",
      () => {
        throw "value of S185";
      },
      { cause: "value of S185" },
    ],
    ["answers junk", () => 7 as never, { name: "TypeError" }],
  ];
  test.each(bad)(
    "S185 one that %s: the start fails with that reason, nothing is kept, the supervisor lives (adapted: a throw or rejection is an error)",
    async (_how, start, reason) => {
      const world = createWorld();
      const supervisor = await world.supervise({});
      const error = await supervisor.startChild({ id: "bad", start }).catch((thrown: unknown) => thrown);
      const failed = { type: "failed_to_start_child", childId: "bad", reason };
      expect(error).toMatchObject({ code: "start_failed", reason: { shutdown: failed } });
      expect([supervisor.whichChildren(), supervisor.process.alive]).toEqual([[], true]);
      await supervisor.stop();
    },
  );
});

describe("edges of autoShutdown", () => {
  const significant = { restart: "transient", significant: true } as const;

  test("S186 a significant child that is being restarted counts as active", async () => {
    const world = createWorld();
    const [a, b] = [world.script("a", significant), world.script("b", significant)];
    const spec = { autoShutdown: "all_significant", maxRestarts: 1_000_000, children: specs(a, b) } as const;
    const supervisor = await world.supervise(spec);
    a.fail = Number.POSITIVE_INFINITY;
    await a.kill();
    expect(supervisor.whichChild("a").status).toBe("restarting");
    await b.end("normal");
    expect(supervisor.process.alive).toBe(true);
    a.fail = 0;
    await until(() => a.refs.length === 2, "the restart of a");
    await a.end("normal");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("S187 all_significant: terminateChild of the last significant child triggers nothing, a later end by itself does", async () => {
    const world = createWorld();
    const [a, b] = [world.script("a", significant), world.script("b", significant)];
    const supervisor = await world.supervise({ autoShutdown: "all_significant", children: [a.spec] });
    await supervisor.terminateChild("a");
    await quiet();
    expect(supervisor.process.alive).toBe(true);
    await supervisor.startChild(b.spec);
    await b.end("normal");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("S188 a significant child that crashes beyond the intensity ends the supervisor by giving up", async () => {
    const world = createWorld();
    const a = world.script("a", significant);
    const supervisor = await world.supervise({ autoShutdown: "any_significant", maxRestarts: 0, children: [a.spec] });
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(world.reports.map(({ type }) => type)).toContain("supervisor.gave_up");
  });

  test("S189 autoShutdown stops the others in reverse start order, and { shutdown } triggers like normal", async () => {
    const world = createWorld();
    const [a, b, c] = [world.script("a", significant), world.script("b"), world.script("c")];
    const supervisor = await world.supervise({ autoShutdown: "any_significant", children: specs(a, b, c) });
    world.log.length = 0;
    await a.end({ shutdown: "x" });
    expect(await supervisor.ended).toBe("shutdown");
    expect(world.log).toEqual(["end a", "stop c", "stop b"]);
    expect(world.reports.map(({ type }) => type)).not.toContain("supervisor.gave_up");
  });
});

describe("a supervisor that is killed while it works", () => {
  test("a start that hangs is given up, and what it starts after all is ended", async () => {
    const world = createWorld();
    const supervisor = await world.supervise({});
    const late = world.script("late");
    const opened = Promise.withResolvers<void>();
    const slow = { id: "slow", start: () => opened.promise.then(() => startSupervisor({ children: [late.spec] })) };
    const starting = supervisor.startChild(slow).catch((error: unknown) => error);
    exit(supervisor.process, "kill");
    expect(await starting).toMatchObject({ code: "start_failed", cause: { reason: "killed" } });
    opened.resolve();
    await quiet();
    expect([late.refs.length, world.runtime.processCount]).toEqual([1, 0]);
  });

  test("its first start rejects, and its children are gone", async () => {
    const world = createWorld();
    const [a, b] = [world.script("a"), world.script("b")];
    const killing = {
      id: "killing",
      start: async () => {
        await quiet();
        exit(self(), "kill");
        return undefined;
      },
    };
    const started = world.supervise({ children: [a.spec, killing, b.spec] });
    await expect(started).rejects.toMatchObject({ code: "start_failed" });
    await quiet();
    expect([a.ref.alive, b.refs.length, world.runtime.processCount]).toEqual([false, 0, 0]);
  });
});

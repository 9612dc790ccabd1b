/** Rows P26 to P40: monitors and aliases. */

import { expect, test } from "vitest";
import { createAlias, unalias } from "../../../src/otp/process/alias.ts";
import { exit, link } from "../../../src/otp/process/link.ts";
import { demonitor, type Monitor, monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call, cast, reply, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive, register } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

/** Ends with the reason it is sent. */
const mortal = async ({ receive }: ProcessContext) => {
  throw new Exit((await receive()) as string);
};

/** Nothing has come and nothing comes. */
async function silence({ receive }: ProcessContext): Promise<void> {
  await quiet();
  expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
}

test("P26 monitors: a foreign demonitor does nothing, one's own ends it, DOWN has the reason, of the dead it is noproc, by name it has the name", async () => {
  const { run } = createKernel();
  await run(async (me) => {
    const target = spawn(mortal);
    const kept = monitor(target);
    const given = monitor(target);
    expect(await new Promise((resolve) => spawn(() => resolve(demonitor(kept))))).toBe(false);
    expect(demonitor(given)).toBe(true);
    send(target, "bye");
    expect(await me.receive()).toEqual({ type: "DOWN", monitor: kept, process: target, reason: "bye" });
    const dead = monitor(target);
    expect(await me.receive()).toEqual({ type: "DOWN", monitor: dead, process: target, reason: "noproc" });
    const table = createTable();
    for (const name of ["p26", { via: table, key: 26 }]) {
      const named = spawn(mortal, { name });
      const byName = monitor(name);
      send(named, "bye");
      expect(await me.receive()).toEqual({ type: "DOWN", monitor: byName, process: name, reason: "bye" });
    }
    await silence(me);
  });
});

test("P27 a monitor of oneself is allowed and never fires", async () => {
  const { run } = createKernel();
  await run(async (me) => {
    const mine = monitor(me.self);
    await silence(me);
    expect(demonitor(mine)).toBe(true);
  });
});

test("P28 no DOWN is there after a demonitor that flushes, although the exit signal came before it", async () => {
  const { run } = createKernel();
  await run(async (me) => {
    const target = spawn(idle);
    const made = monitor(target);
    exit(target, "signal");
    expect(demonitor(made, { flush: true })).toBe(true);
    await silence(me);
  });
});

test("P29 DOWN has the reason of a live target, noproc of a dead one, and the name of a named one", async () => {
  const { run } = createKernel();
  await run(async ({ receive }) => {
    for (const reason of ["normal", "frop"]) {
      const target = spawn(mortal);
      const made = monitor(target);
      send(target, reason);
      expect(await receive()).toEqual({ type: "DOWN", monitor: made, process: target, reason });
      expect(monitor(target)).not.toBe(made);
      expect(await receive()).toMatchObject({ reason: "noproc" });
    }
    const named = spawn(mortal, { name: "p29" });
    monitor("p29");
    monitor(named);
    send(named, "frop");
    expect(await receive()).toMatchObject({ process: "p29", reason: "frop" });
    expect(await receive()).toMatchObject({ process: named, reason: "frop" });
    monitor("p29");
    expect(await receive()).toMatchObject({ process: "p29", reason: "noproc" });
  });
});

test("P30 a target that is none is the caller's mistake, a demonitor of another's or a used monitor is harmless (adapted: errors say the field)", async () => {
  const { run } = createKernel();
  for (const nothing of [7, {}, null, true]) {
    await run(async () => {
      expect(await failure(() => monitor(nothing as never))).toMatchObject({
        code: "invalid_argument",
        field: "target",
      });
    });
  }
  expect(() => monitor("outside")).toThrow(/invalid_argument/);
  await run(async (me) => {
    const dead = monitor("nobody");
    await me.receive();
    expect(demonitor(dead)).toBe(false);
    const others = await new Promise<Monitor>((resolve) =>
      spawn(async (other) => {
        resolve(monitor(me.self));
        await idle(other);
      }),
    );
    demonitor(others);
    expect(processInfo(me.self)?.monitoredBy).toEqual([others.owner]);
  });
});

test("P31 demonitor twice, and demonitor before the end: true each time, and no DOWN", async () => {
  const { run } = createKernel();
  await run(async (me) => {
    const target = spawn(idle);
    const made = monitor(target);
    expect([demonitor(made), demonitor(made)]).toEqual([true, true]);
    exit(target, "gone");
    await silence(me);
  });
});

test("P32 a flushed DOWN never shows, before the end or after; a plain demonitor afterwards leaves its DOWN in the queue", async () => {
  const { run } = createKernel();
  await run(async (me) => {
    const target = spawn(idle);
    const monitors = Array.from({ length: 4 }, () => monitor(target)) as [Monitor, Monitor, Monitor, Monitor];
    expect(demonitor(monitors[0], { flush: true })).toBe(true);
    exit(target, "gone");
    // One of them has been handed over already, the others wait.
    await quiet();
    expect(demonitor(monitors[1], { flush: true })).toBe(true);
    expect(demonitor(monitors[2])).toBe(false);
    expect(await me.receive()).toMatchObject({ monitor: monitors[2] });
    expect(await me.receive()).toMatchObject({ monitor: monitors[3] });
    await silence(me);
  });
});

test("P33 of 10,000 monitors each demonitor is true, and then no DOWN comes, or false, and then one is there", async () => {
  const { run } = createKernel();
  await run(async ({ receive }) => {
    const targets = Array.from({ length: 100 }, () => spawn(idle));
    const monitors = Array.from({ length: 10_000 }, (_, index) => monitor(targets[index % 100] as Process));
    const answers = new Map<Monitor, boolean>();
    for (const [index, made] of monitors.entries()) {
      if (index % 150 === 0) exit(targets[(index / 150) % 100] as Process, "gone");
      answers.set(made, demonitor(made));
    }
    const downs = new Set<Monitor>();
    const fallen = [...answers.values()].filter((never) => !never).length;
    expect(fallen).toBeGreaterThan(0);
    expect(fallen).toBeLessThan(10_000);
    for (let index = 0; index < fallen; index += 1) downs.add((await receive<{ monitor: Monitor }>()).monitor);
    expect([...answers].every(([made, never]) => never !== downs.has(made))).toBe(true);
    expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    for (const target of targets) expect(target.watchers?.size ?? 0).toBe(0);
  });
});

test("P34 a monitored process that kills the one that monitors it harms nobody; a demonitor by the target is a mistake without effect", async () => {
  const { run, runtime } = createKernel();
  const watcher = spawn(
    async (me) => {
      monitor(spawn(() => exit(me.self, "kill")));
      await idle(me);
    },
    { runtime },
  );
  expect(await exited(watcher)).toBe("killed");
  await run(async ({ receive }) => {
    const made = Promise.withResolvers<Monitor>();
    const target = spawn(async () => void demonitor(await made.promise));
    made.resolve(monitor(target));
    expect(await receive()).toEqual({ type: "DOWN", monitor: await made.promise, process: target, reason: "normal" });
  });
  expect(runtime.processCount).toBe(0);
});

test("P36 a name is free before DOWN or EXIT is delivered: who reacts to them can register it", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive, self: me }) => {
      const table = createTable();
      for (const name of ["p36", { via: table, key: 36 }]) {
        const holder = spawn(mortal, { name });
        monitor(name);
        const heir = Promise.withResolvers<unknown>();
        // An exit hook is told earlier still.
        holder.addExitHook(() =>
          heir.resolve(spawn(idle, { name: typeof name === "string" ? "heir" : { ...name, key: "heir" } })),
        );
        link(holder);
        send(holder, "gone");
        expect(await receive()).toMatchObject({ type: "EXIT", reason: "gone" });
        const takes = spawn(idle, { name });
        expect(await receive()).toMatchObject({ type: "DOWN", reason: "gone" });
        exit(takes, "kill");
        const next = (await heir.promise) as Process;
        exit(next, "kill");
        if (typeof name === "string") register(name, me);
      }
      expect(processInfo(me)?.name).toBe("p36");
    },
    { trapExit: true },
  );
});

test("P37 a monitor's tag takes the place of the word DOWN (adapted: as the type of its message)", async () => {
  const { run } = createKernel();
  await run(async ({ receive }) => {
    const target = spawn(mortal);
    const made = monitor(target, { tag: "worker.down" });
    send(target, "bye");
    expect(await receive()).toEqual({ type: "worker.down", monitor: made, process: target, reason: "bye" });
    const flushed = monitor(target, { tag: "worker.down" });
    expect(demonitor(flushed, { flush: true })).toBe(true);
  });
});

test("P38 after demonitor the alias of a monitor is dead: a message through it is dropped, and no DOWN comes", async () => {
  const { run, letters } = createKernel();
  await run(async (me) => {
    for (const mode of ["demonitor", "reply_demonitor"] as const) {
      const target = spawn(idle);
      const made = monitor(target, { alias: mode });
      demonitor(made);
      if (made.alias !== undefined) send(made.alias, `through ${mode}`);
      exit(target, "gone");
      await silence(me);
    }
    const ended = monitor(
      spawn(() => undefined),
      { alias: "demonitor" },
    );
    expect(await me.receive()).toMatchObject({ type: "DOWN", reason: "normal" });
    expect(ended.alias?.open).toBe(false);
    expect(letters()).toEqual(
      ["demonitor", "reply_demonitor"].map((mode) => ({ message: `through ${mode}`, why: "late" })),
    );
  });
});

test("P39 an explicit alias stays until it is taken back, a taken one drops, a reply alias takes one message", async () => {
  const { run, letters } = createKernel();
  await run(async (me) => {
    const ponger = () =>
      spawn(async ({ receive }) => {
        const { to } = await receive<{ to: Parameters<typeof send>[0] }>();
        send(to, "pong 1");
        send(to, "pong 2");
      });
    const explicit = monitor(ponger(), { alias: "explicit" });
    send(explicit.object as Process, { to: explicit.alias });
    expect([await me.receive(), await me.receive()]).toEqual(["pong 1", "pong 2"]);
    expect(await me.receive()).toMatchObject({ type: "DOWN", monitor: explicit });
    expect(explicit.alias?.open).toBe(true);

    const taken = createAlias();
    expect([unalias(taken), unalias(taken)]).toEqual([true, false]);
    send(ponger(), { to: taken });
    await silence(me);

    const oneShot = createAlias({ reply: true });
    send(ponger(), { to: oneShot });
    expect(await me.receive()).toBe("pong 1");
    await silence(me);

    const both = monitor(ponger(), { alias: "reply_demonitor" });
    send(both.object as Process, { to: both.alias });
    expect(await me.receive()).toBe("pong 1");
    await silence(me);
    expect(letters().map(({ message }) => message)).toEqual(["pong 1", "pong 2", "pong 2", "pong 2"]);

    const mine = createAlias();
    await new Promise<void>((resolve) =>
      spawn(() => {
        expect(unalias(mine)).toBe(false);
        resolve();
      }),
    );
    expect(mine.open).toBe(true);
  });
});

test("P40 a monitor of a name that nobody has answers noproc with the name under its tag, and its alias works until it is taken back (adapted: names without nodes)", async () => {
  const { run } = createKernel();
  await run(async (me) => {
    const made = monitor("p40", { tag: "gone", alias: "explicit" });
    expect(await me.receive()).toEqual({ type: "gone", monitor: made, process: "p40", reason: "noproc" });
    const alias = made.alias ?? expect.unreachable();
    send(alias, "through");
    expect(await me.receive()).toBe("through");
    unalias(alias);
    send(alias, "dropped");
    await silence(me);
  });
});

test("an alias is an address like any other: for calls, casts and stops, until it is closed or its process has ended", async () => {
  const { run } = createKernel();
  await run(async () => {
    const logic = fromGenServer({
      init: (_input: undefined) => ({ state: [] as unknown[] }),
      handleCall: (message: "alias" | "seen", state, from) => {
        if (message === "seen") return { reply: state };
        reply(from, createAlias());
        return { noreply: true };
      },
      handleCast: (message: string, state) => ({ state: [...state, message] }),
    });
    const ref = await start(logic);
    const alias = (await call(ref, "alias")) as unknown as ReturnType<typeof createAlias>;
    cast(alias as never, "cast" as never);
    expect(await call(alias as never, "seen" as never)).toEqual(["cast"]);
    await stop(alias);
    expect([isAlive(ref), alias.open]).toEqual([false, false]);
    expect(await failure(stop(alias))).toMatchObject({ code: "noproc" });
  });
});

test("a process that ends leaves no monitor behind on those it has monitored", async () => {
  const { run } = createKernel();
  await run(async ({ self: me }) => {
    for (let times = 0; times < 100; times += 1) await exited(spawn(() => void monitor(me)));
    expect(me.watchers?.size ?? 0).toBe(0);
  });
});

/** Rows G1 to G13: how a server is started, and what its name does. */

import { describe, expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import type { InitResult } from "../../../src/otp/server/definition.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive, whereis } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start, startLink, startMonitor } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

const server = fromGenServer({
  init: (init: () => InitResult<string> = () => ({ state: "state" })) => init(),
  handleCall: (message: "started_p" | "stop", state) =>
    message === "stop" ? { stop: "stopped", reply: "ok", state } : { reply: "ok" },
  handleCast: (_message: string, state) => ({ state }),
});

test("G1 an anonymous server answers, stops with a reply, and a call to the dead one is noproc, not timeout", async () => {
  const { runtime } = createKernel();
  const ref = await start(server, { runtime });
  expect(await call(ref, "started_p")).toBe("ok");
  expect(await call(ref, "stop")).toBe("ok");
  expect(await exited(ref)).toBe("stopped");
  expect(await failure(call(ref, "started_p", { timeoutMs: 1 }))).toMatchObject({ code: "noproc", reason: "noproc" });
});

test("G3 a start whose init ignores rejects as ignored, and no process is left", async () => {
  const { runtime, reports } = createKernel();
  const error = await failure(start(server, { runtime, input: () => ({ ignore: true }) }));
  expect(error).toMatchObject({ code: "ignored" });
  expect(runtime.processCount).toBe(0);
  expect(reports).toEqual([]);
});

test("G4 an init that answers an error fails the start and ends its process normal, in silence", async () => {
  const { runtime, reports } = createKernel();
  let inside: Process | undefined;
  const logic = fromGenServer({ init: () => ({ error: "foobar" }) });
  const watched = start(logic, { runtime, name: "g4" });
  inside = runtime.names.get("g4");
  expect(await failure(watched)).toMatchObject({ code: "start_failed", reason: "foobar" });
  expect(inside).toBeUndefined();
  expect(reports).toEqual([]);
  const slow = fromGenServer({ init: async () => ({ error: "foobar" }) });
  const failed = failure(start(slow, { runtime, name: "g4" }));
  inside = runtime.names.get("g4");
  expect(await failed).toMatchObject({ reason: "foobar" });
  expect(inside?.exitReason).toBe("normal");
  expect(reports).toEqual([]);
});

test("G6 a linked start gives its caller, which traps exits, EXIT with the reason of the stop", async () => {
  const { run } = createKernel();
  const got = await run(
    async ({ receive }) => {
      const ref = await startLink(server);
      await call(ref, "stop");
      return [await receive(), ref];
    },
    { trapExit: true },
  );
  expect(got[0]).toEqual({ type: "EXIT", from: got[1], reason: "stopped" });
});

test("G7 a monitored start gives one DOWN and no link", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive, self }) => {
      const { ref, monitor } = await startMonitor(server);
      expect(processInfo(self)?.links).toEqual([]);
      await call(ref, "stop");
      expect(await receive()).toEqual({ type: "DOWN", monitor, process: ref, reason: "stopped" });
      await quiet();
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

describe.each(["local", "via"])("under a %s name", (kind) => {
  const naming = () => (kind === "local" ? "g8" : { via: createTable(), key: "g8" });

  test.each(["start", "startLink", "startMonitor"] as const)(
    "G8 %s under a name that is taken fails with its holder, which is free for use again at once after the stop",
    async (how) => {
      const { run } = createKernel();
      const starts = {
        start,
        startLink,
        startMonitor: async (...args: Parameters<typeof start<typeof server>>) => (await startMonitor(...args)).ref,
      };
      const name = naming();
      await run(
        async ({ receive }) => {
          const first = await starts[how](server, { name });
          expect(await failure(starts[how](server, { name }))).toMatchObject({ code: "already_started", value: first });
          expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
          await call(first, "stop");
          await exited(first);
          const second = await starts[how](server, { name });
          expect(whereis(name)).toBe(second);
          expect(await call(name, "started_p")).toBe("ok");
        },
        { trapExit: true },
      );
    },
  );

  test("G12 a start that is refused has freed its name when it settles, a hundred times over", async () => {
    const { runtime } = createKernel();
    const name = naming();
    for (let times = 0; times < 100; times += 1) {
      for (const answer of [{ ignore: true }, { stop: "no" }, { error: "no" }] as const) {
        await failure(start(server, { runtime, name, input: () => answer }));
        expect(whereis(typeof name === "string" ? (runtime.names.get(name) ?? "free") : name)).toBeUndefined();
        const slow = fromGenServer({ init: async () => answer });
        await failure(start(slow, { runtime, name }));
      }
    }
    expect(isAlive(await start(server, { runtime, name }))).toBe(true);
  });
});

const timeouts = fromGenServer({
  init: (after: { timeoutMs: number; timeoutMessage?: unknown; continue?: unknown }) => ({
    state: [] as unknown[],
    ...after,
  }),
  handleCall: (_message: "seen", state) => ({ reply: state }),
  handleContinue: (after, state) => ({ state, ...(after as { timeoutMs: number }) }),
  handleInfo: (message, state) => ({ state: [...state, message] }),
});

test.each([
  ["init", { timeoutMs: 500, timeoutMessage: "late" }],
  ["continue", { timeoutMs: 0, continue: { timeoutMs: 500, timeoutMessage: "late" } }],
])(
  "G9 a timeout that %s sets comes once, and never when a call is handled before (adapted: times are relative, and there is no hibernation)",
  async (_from, input) => {
    const { runtime, clock } = createKernel();
    const undisturbed = await start(timeouts, { runtime, input });
    await quiet();
    clock.advance(500);
    expect(await call(undisturbed, "seen")).toEqual(["late"]);
    clock.advance(5_000);
    expect(await call(undisturbed, "seen")).toEqual(["late"]);

    const disturbed = await start(timeouts, { runtime, input });
    await quiet();
    clock.advance(499);
    expect(await call(disturbed, "seen")).toEqual([]);
    clock.advance(5_000);
    expect(await call(disturbed, "seen")).toEqual([]);
  },
);

const failingInits = {
  stop: { init: () => ({ stop: "reason" }) as const, expected: { code: "start_failed", reason: "reason" } },
  ignore: { init: () => ({ ignore: true }) as const, expected: { code: "ignored" } },
  junk: {
    init: () => "junk" as never,
    expected: { code: "start_failed", reason: { reason: { type: "bad_return_value", value: "junk" } } },
  },
  raise: {
    init: () => {
      throw new TypeError("raised in init");
    },
    expected: {
      code: "start_failed",
      reason: { message: "raised in init", stack: expect.stringContaining("g-start") },
    },
  },
  exit: {
    init: () => {
      throw new Exit("left in init");
    },
    expected: { code: "start_failed", reason: "left in init" },
  },
} as const;

describe.each(["start", "startLink", "startMonitor"] as const)("%s", (how) => {
  const starts = { start, startLink, startMonitor };

  test.each(Object.entries(failingInits))(
    "G11 an init that fails by %s fails the start when its process is gone, five times in a row",
    async (_kind, { init, expected }) => {
      const { run, runtime } = createKernel();
      // Owned by the process of the server: a second start clashes while the first is not gone.
      const table = createTable();
      const logic = fromGenServer({ init });
      const slow = fromGenServer({ init: async () => init() });
      await run(
        async ({ receive }) => {
          for (let times = 0; times < 5; times += 1) {
            for (const each of [logic, slow]) {
              const error = await failure(starts[how](each, { name: { via: table, key: "owned" } }));
              expect(error).toMatchObject(expected);
              expect(table.size).toBe(0);
              expect(runtime.processCount).toBe(1);
            }
          }
          await quiet();
          expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
        },
        { trapExit: true },
      );
    },
  );

  test("G11 an init that takes longer than it may fails the start with timeout, and its process is killed", async () => {
    const { run, clock, runtime } = createKernel();
    const stuck = fromGenServer({ init: () => new Promise<{ state: number }>(() => undefined) });
    await run(
      async ({ receive }) => {
        for (let times = 0; times < 5; times += 1) {
          const starting = failure(starts[how](stuck, { name: "stuck", timeoutMs: 20 }));
          const halfStarted = runtime.names.get("stuck");
          clock.advance(20);
          expect(await starting).toMatchObject({ code: "timeout", reason: "timeout" });
          expect(halfStarted?.exitReason).toBe("killed");
          expect(runtime.processCount).toBe(1);
        }
        expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
        expect(clock.pending).toBe(0);
      },
      { trapExit: true },
    );
  });
});

test("G13 logic without init fails the start, and its trapping caller receives nothing (adapted: it is a TypeError)", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const logic = fromGenServer({} as { init: () => { state: number } });
      for (const how of [start, startLink]) {
        expect(await failure(how(logic))).toMatchObject({ code: "start_failed", reason: expect.any(TypeError) });
      }
      await quiet();
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

describe("names and starts", () => {
  test.each(["", 7, ["x"], { via: "x" }, { key: 1 }])(
    "G86 the name %j is the caller's mistake, which names it, and nothing is started",
    async (name) => {
      const { runtime } = createKernel();
      const error = await failure(start(server, { runtime, name: name as string }));
      expect(error).toMatchObject({ code: "invalid_argument", field: "options.name", value: name });
      expect(runtime.processCount).toBe(0);
    },
  );

  test("G87 a server started under a local name or a registry's key answers to it", async () => {
    const { run } = createKernel();
    await run(async () => {
      for (const name of ["g87", { via: createTable(), key: { any: "key" } }]) {
        const ref = await start(server, { name });
        expect(await call(name, "started_p")).toBe("ok");
        expect(whereis(name)).toBe(ref);
      }
    });
  });

  test("G88 a server started under the name undefined has none", async () => {
    const { runtime } = createKernel();
    const ref = await start(server, { runtime, name: undefined });
    expect(processInfo(ref)?.name).toBeUndefined();
    expect(runtime.names.size).toBe(0);
  });

  test("G89 a plain start makes no link to its caller", async () => {
    const { run } = createKernel();
    await run(async ({ self }) => {
      const ref = await start(server);
      expect(processInfo(self)?.links).toEqual([]);
      expect(processInfo(ref)?.links).toEqual([]);
      await call(ref, "stop");
      await exited(ref);
      await quiet();
      expect(isAlive(self)).toBe(true);
    });
  });

  test("G91 whereis finds a server by local name, by ref and by key, and nobody by a name that is not taken", async () => {
    const { run } = createKernel();
    await run(async () => {
      const table = createTable();
      const local = await start(server, { name: "g91" });
      const keyed = await start(server, { name: { via: table, key: 91 } });
      expect(whereis("g91")).toBe(local);
      expect(whereis(local)).toBe(local);
      expect(whereis({ via: table, key: 91 })).toBe(keyed);
      expect([whereis("nobody"), whereis({ via: table, key: "nobody" })]).toEqual([undefined, undefined]);
      await call(local, "stop");
      await exited(local);
      expect([whereis("g91"), whereis(local)]).toEqual([undefined, undefined]);
    });
  });
});

test("P44 a start settles when init has finished and not before, linked or not", async () => {
  const { run } = createKernel();
  for (const how of [start, startLink]) {
    await run(async () => {
      const acknowledge = Promise.withResolvers<{ state: number }>();
      let settled = false;
      const starting = how(fromGenServer({ init: () => acknowledge.promise }));
      void starting.then(() => {
        settled = true;
      });
      await quiet();
      expect(settled).toBe(false);
      acknowledge.resolve({ state: 1 });
      expect(isAlive(await starting)).toBe(true);
    });
  }
});

test("P45 an init that raises before it has acknowledged fails every kind of start at once and the same way", async () => {
  const { run, clock } = createKernel();
  const logic = fromGenServer({
    init: async (): Promise<{ state: number }> => {
      throw new RangeError("raised before it was ready");
    },
  });
  await run(async () => {
    const errors = [
      await failure(start(logic)),
      await failure(start(logic, { timeoutMs: 1_000 })),
      await failure(startLink(logic)),
      await failure(startMonitor(logic)),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: "start_failed", reason: { message: "raised before it was ready" } });
    }
    expect(clock.now()).toBe(0);
  });
});

test("a message sent before init has finished is handled after it", async () => {
  const { runtime } = createKernel();
  const seen: unknown[] = [];
  const ready = Promise.withResolvers<{ state: number }>();
  const logic = fromGenServer({
    init: () => ready.promise,
    handleInfo: (message, state: number) => {
      seen.push(message);
      return { state };
    },
    handleCast: (message: string, state) => {
      seen.push(message);
      return { state };
    },
    handleCall: (_message: "seen", _state) => ({ reply: seen }),
  });
  const starting = start(logic, { runtime, name: "early" });
  const half = runtime.names.get("early") as Process;
  send(half, "first");
  cast(half, "second");
  ready.resolve({ state: 0 });
  expect(await call(await starting, "seen")).toEqual(["first", "second"]);
});

test("a process that has ended starts no linked process", async () => {
  const { runtime } = createKernel();
  const late = Promise.withResolvers<Error>();
  const gone = spawn(
    async () => {
      setImmediate(async () => late.resolve(await failure(startLink(server))));
    },
    { runtime },
  );
  expect(await exited(gone)).toBe("normal");
  expect(await late.promise).toMatchObject({ code: "noproc" });
  expect(runtime.processCount).toBe(0);
});

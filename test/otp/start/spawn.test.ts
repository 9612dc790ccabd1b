import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { demonitor } from "../../../src/otp/process/monitor.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn, spawnMonitor } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

test("receive answers messages in the order they came, or the first that matches", async () => {
  const { run } = createKernel();
  await run(async ({ self, receive }) => {
    for (const message of [1, "a", 2, "b", undefined, null]) send(self, message);
    expect(await receive((message) => typeof message === "string")).toBe("a");
    await quiet();
    expect(await receive((message) => message === "b")).toBe("b");
    expect([await receive(), await receive(), await receive(), await receive()]).toEqual([1, 2, undefined, null]);
  });
});

test("a message that matches a waiting receive goes past those that do not", async () => {
  const { run } = createKernel();
  await run(async ({ self, receive }) => {
    const waiting = receive((message) => message === "wanted");
    send(self, "other");
    send(self, "wanted");
    expect(await waiting).toBe("wanted");
    expect(processInfo(self)?.queueLength).toBe(1);
    expect(await receive()).toBe("other");
  });
});

test("receives that wait at the same time are served in their order", async () => {
  const { run } = createKernel();
  await run(async ({ self, receive }) => {
    const [any, number, later] = [receive(), receive((message) => typeof message === "number"), receive()];
    for (const message of ["first", "second", 3]) send(self, message);
    expect([await any, await number, await later]).toEqual(["first", 3, "second"]);
  });
});

test("a receive times out by the clock, and what comes later is there for the next", async () => {
  const { run, clock } = createKernel();
  await run(async ({ self, receive }) => {
    const waiting = failure(receive(undefined, { timeoutMs: 100 }));
    const patient = receive(undefined, { timeoutMs: 200 });
    clock.advance(100);
    expect(await waiting).toMatchObject({ code: "timeout", reason: "timeout" });
    send(self, "late");
    expect(await patient).toBe("late");
    expect(clock.pending).toBe(0);
    for (const timeoutMs of [-1, 0.5, "long"]) {
      expect(await failure(() => receive(undefined, { timeoutMs: timeoutMs as number }))).toMatchObject({
        code: "invalid_argument",
      });
    }
  });
});

test("a receive with the timeout 0 sees what has arrived in this very turn", async () => {
  const { run } = createKernel();
  await run(async ({ self, receive }) => {
    send(self, "here");
    send(self, undefined);
    expect(await receive(undefined, { timeoutMs: 0 })).toBe("here");
    expect(await receive(undefined, { timeoutMs: 0 })).toBeUndefined();
    expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
  });
});

test("code that waits outside the runtime hears of its end through signal, with the reason", async () => {
  const { run } = createKernel();
  await run(async () => {
    const heard = Promise.withResolvers<unknown>();
    const working = spawn(({ signal }) => {
      signal.addEventListener("abort", () => heard.resolve(signal.reason));
      return new Promise(() => undefined);
    });
    await quiet();
    exit(working, "kill");
    expect(await heard.promise).toBe("killed");
  });
});

test("code begins after its spawner holds its ref, and ends normal with whatever it returns", async () => {
  const { run, reports } = createKernel();
  await run(async () => {
    const order: string[] = [];
    const ref = spawn(() => {
      order.push("runs");
      return "a value";
    });
    order.push("has its ref");
    expect(await exited(ref)).toBe("normal");
    expect(order).toEqual(["has its ref", "runs"]);
    expect(reports).toEqual([]);
  });
});

test("a loop that starts one process after another leaves the event loop its turns", async () => {
  const { run } = createKernel();
  await run(async () => {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    let started = 0;
    for (; !turned && started < 100_000; started += 1) await exited(spawn(() => undefined));
    expect({ turned, soon: started < 10_000 }).toEqual({ turned: true, soon: true });
  });
});

test("a process that is killed before its turn never begins", async () => {
  const { run } = createKernel();
  await run(async () => {
    let begun = false;
    const ref = spawn(() => {
      begun = true;
    });
    exit(ref, "kill");
    await quiet();
    expect([begun, await exited(ref)]).toEqual([false, "killed"]);
  });
});

test("spawnMonitor answers the ref and a monitor of it, which misses no end, however soon", async () => {
  const { run } = createKernel();
  await run(async ({ receive }) => {
    const fails = () => {
      throw new Exit("at once");
    };
    const { ref, monitor } = spawnMonitor(fails, { name: "watched" });
    expect(await receive()).toEqual({ type: "DOWN", monitor, process: ref, reason: "at once" });
    const killed = spawnMonitor(({ receive }) => receive());
    exit(killed.ref, "kill");
    expect(await receive()).toMatchObject({ monitor: killed.monitor, reason: "killed" });
    const { ref: kept, monitor: taken } = spawnMonitor(({ receive }) => receive());
    demonitor(taken);
    exit(kept, "kill");
    await quiet();
    expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    expect(() => spawnMonitor(fails, { name: "" })).toThrow(expect.objectContaining({ field: "options.name" }));
  });
});

test("spawnMonitor is for a process that lives", async () => {
  const { run, runtime } = createKernel();
  expect(() => spawnMonitor(() => undefined, { runtime })).toThrow(expect.objectContaining({ field: "self" }));
  const refused = Promise.withResolvers<unknown>();
  await run(async () => {
    const ended = spawn(({ self }) => {
      exit(self, "kill");
      refused.resolve(failure(() => spawnMonitor(() => undefined)));
    });
    expect(await exited(ended)).toBe("killed");
  });
  expect(await refused.promise).toMatchObject({ code: "noproc" });
  expect(runtime.processCount).toBe(0);
});

test("a predicate that throws ends the process that waits with it", async () => {
  const { run } = createKernel();
  await run(async () => {
    const picky = spawn(({ receive }) =>
      receive(() => {
        throw new Error("raised by a predicate");
      }),
    );
    await quiet();
    send(picky, "x");
    expect(await exited(picky)).toMatchObject({ message: "raised by a predicate" });
  });
});

test("a stop ends waiting plain code, and its unread mail is told", async () => {
  const { run, letters } = createKernel();
  await run(async () => {
    const picky = spawn(({ receive }) => receive(() => false));
    await quiet();
    send(picky, "unread");
    await quiet();
    await stop(picky, "asked");
    expect(letters()).toEqual([{ message: "unread", why: "noproc" }]);
  });
});

test("a promise that is sent is received in a message, and not waited for", async () => {
  const { runtime } = createKernel();
  const refused = Promise.reject(new Error("of nobody's"));
  refused.catch(() => undefined);
  // biome-ignore lint/suspicious/noThenProperty: what acts like a promise
  const sent = [refused, { then: () => undefined }, new Promise(() => undefined), Promise.resolve(1)];
  const got: unknown[] = [];
  const code = spawn(
    async ({ receive }) => {
      const isOurs = (message: unknown) => (message as { type?: unknown }).type === "message";
      for (let count = 0; count < 3; count += 1) got.push(await receive(isOurs));
      got.push(await receive(isOurs, { timeoutMs: 0 }));
    },
    { runtime },
  );
  for (const message of sent) send(code, message);
  await quiet();
  expect(got.map((message) => (message as { message: unknown }).message)).toEqual(sent);
  expect(code.exitReason).toBe("normal");
});

test("what XState's side sends to the actor of plain code is a message", async () => {
  const { runtime, letters } = createKernel();
  const got: unknown[] = [];
  const code = spawn(
    async ({ receive }) => {
      for (let count = 0; count < 2; count += 1) got.push(await receive());
    },
    { runtime },
  );
  code.actor.send({ type: "tick" });
  code.actor.send({ type: "xstate.stop" });
  await quiet();
  expect([got, code.exitReason]).toEqual([[{ type: "tick" }, { type: "xstate.stop" }], "normal"]);
  code.actor.send({ type: "too late" });
  expect(letters()).toEqual([{ message: { type: "too late" }, why: "noproc" }]);
});

test("a receive, a stop and a wait for a task take an absolute deadline", async () => {
  const { run, clock } = createKernel();
  await run(async ({ receive }) => {
    const stubborn = await start(
      fromGenServer({ init: () => ({ state: 0 }), terminate: () => new Promise<void>(() => undefined) }),
    );
    const deadlineAtMs = clock.now() + 100;
    const late = Promise.all(
      [
        receive(undefined, { deadlineAtMs }),
        stop(stubborn, "normal", { deadlineAtMs }),
        Task.await(
          Task.async(({ receive: next }) => next()),
          { deadlineAtMs },
        ),
      ].map((waiting) => failure(waiting)),
    );
    await quiet();
    clock.advance(99);
    await quiet();
    clock.advance(1);
    expect(await late).toMatchObject([{ code: "timeout" }, { code: "timeout" }, { code: "timeout" }]);
    exit(stubborn, "kill");
  });
});

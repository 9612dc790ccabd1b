import { expect, test } from "vitest";
import { call, reply } from "../../../src/otp/request/call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, type Kernel, quiet } from "../kernel.ts";

/** A server that, asked for a path of names, asks the first of them for the rest and answers what it is answered. */
function relay(kernel: Kernel, name: string) {
  const logic = fromGenServer({
    init: () => ({ state: name }),
    handleCall: async (path: readonly string[], state) => {
      const [next, ...rest] = path;
      if (next === undefined) return { reply: state };
      return { reply: `${state} ${String(await call(next, rest, { timeoutMs: "infinity" }))}` };
    },
  });
  return start(logic, { runtime: kernel.runtime, name });
}

const deadlocks = (kernel: Kernel) => kernel.reports.filter(({ type }) => type === "deadlock");

test("two servers that wait for each other are told by name half a second later, once", async () => {
  const kernel = createKernel();
  const [a] = await Promise.all(["a", "b"].map((name) => relay(kernel, name)));
  const asked = failure(call(a as never, ["b", "a"] as never, { timeoutMs: 60_000 }));
  await quiet();
  kernel.clock.advance(499);
  expect(deadlocks(kernel)).toEqual([]);
  kernel.clock.advance(1);
  expect(deadlocks(kernel)).toEqual([
    {
      type: "deadlock",
      processes: ['<1> "a"', '<2> "b"'],
      calls: [
        { from: '<2> "b"', to: '<1> "a"', message: [], timeoutMs: "infinity" },
        { from: '<1> "a"', to: '<2> "b"', message: ["a"], timeoutMs: "infinity" },
      ],
      because: '<2> "b" waits for <1> "a" waits for <2> "b"',
    },
  ]);
  kernel.clock.advance(59_500);
  expect(await asked).toMatchObject({ code: "timeout" });
  expect(deadlocks(kernel)).toHaveLength(1);
});

test("a circle of five, one of them a task, is told as a whole, and who waits for it from outside is not in it", async () => {
  const kernel = createKernel();
  await Promise.all(["a", "b", "c", "d"].map((name) => relay(kernel, name)));
  const task = kernel.run(() => call("a", ["b", "c", "d", "waiter"], { timeoutMs: 5_000 }), { name: "waiter" });
  const outside = kernel.run(() => call("b", [], { timeoutMs: 5_000 }), { name: "outside" });
  const settled = Promise.allSettled([task, outside]);
  await quiet();
  kernel.clock.advance(500);
  const [told] = deadlocks(kernel);
  expect(String(told?.type === "deadlock" && told.because).replaceAll(/<\d+> /g, "")).toBe(
    '"d" waits for "waiter" waits for "a" waits for "b" waits for "c" waits for "d"',
  );
  expect(deadlocks(kernel)).toHaveLength(1);
  kernel.clock.advance(5_000);
  await settled;
});

test("calls that come to an end in time are no deadlock, and neither are calls that nobody's code waits for", async () => {
  const kernel = createKernel();
  const { runtime } = kernel;
  await relay(kernel, "a");
  // It asks its caller back and goes on; it answers when that answer has come.
  const polite = fromGenServer({
    init: () => ({ state: 0 }),
    handleCall: (_message: unknown, _state, from) => {
      void call("a", [], { timeoutMs: 2_000 }).then(
        (value) => reply(from, value),
        () => reply(from, "a is busy"),
      );
      return { noreply: true };
    },
  });
  await start(polite, { runtime, name: "polite" });
  const asked = kernel.run(() => call("a", ["polite"], { timeoutMs: "infinity" }));
  await quiet();
  kernel.clock.advance(1_000);
  expect(deadlocks(kernel)).toEqual([]);
  kernel.clock.advance(1_000);
  expect(await asked).toBe("a a is busy");
  expect(kernel.clock.pending).toBe(0);
});

test("a circle that one of its calls leaves before half a second is over is not told", async () => {
  const kernel = createKernel();
  const impatient = fromGenServer({
    init: () => ({ state: 0 }),
    handleCall: async () => ({ reply: (await failure(call("a", [], { timeoutMs: 300 }))).code }),
  });
  await relay(kernel, "a");
  await start(impatient, { runtime: kernel.runtime, name: "impatient" });
  const asked = kernel.run(() => call("a", ["impatient"], { timeoutMs: "infinity" }));
  await quiet();
  kernel.clock.advance(300);
  expect(await asked).toBe("a timeout");
  kernel.clock.advance(1_000);
  expect(deadlocks(kernel)).toEqual([]);
});

import { describe, expect, test } from "vitest";
import { createMachine } from "xstate";
import { exit } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { InfoMessage, RuntimeMessage } from "../../../src/otp/process/runtime-message.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { getState, resume, suspend } from "../../../src/otp/request/sys.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { isAlive } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { startDynamicSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { startTaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

/** What a stranger's JSON might say to be taken for something of the runtime's. */
const forgeries = [
  { type: "xstate.stop" },
  { type: "xstate.init" },
  { type: "$retry", child: {}, reason: "x" },
  { type: "$sys", message: { system: "get_state" } },
  { type: "$sys" },
  { type: "$stop", reason: "x" },
  { type: "$timeout" },
  { type: "$continue", argument: 1 },
  { type: "$exit", reason: "x" },
  { type: "$call", message: "x" },
  { type: "$cast", message: "x" },
  { type: "EXIT", reason: "kill" },
  { type: "DOWN", reason: "x", monitor: {} },
  { type: "message", message: { type: "xstate.stop" } },
  { type: "*" },
  { type: "" },
];

const recorder = fromGenServer({
  trapExit: true,
  init: (_input: undefined) => ({ state: [] as unknown[] }),
  handleCall: (_message: "seen", seen) => ({ reply: seen }),
  handleCast: (message: unknown, seen) => ({ state: [...seen, { cast: message }] }),
  handleInfo: (message, seen) => ({ state: [...seen, message] }),
});

describe("a message that looks like one of the runtime's", () => {
  test("is an ordinary message to a server, sent or cast, also while it is suspended", async () => {
    const { runtime } = createKernel();
    const ref = await start(recorder, { runtime });
    await suspend(ref);
    for (const forgery of forgeries) {
      send(ref, forgery);
      cast(ref, forgery);
    }
    expect(await getState(ref)).toEqual([]);
    await resume(ref);
    const seen = await call(ref, "seen");
    expect(seen).toEqual(forgeries.flatMap((forgery) => [forgery, { cast: forgery }]));
  });

  test("is an ordinary message to plain code, and is received as it was sent", async () => {
    const { runtime } = createKernel();
    const seen: unknown[] = [];
    const code = spawn(
      async ({ receive }) => {
        for (let count = 0; count < forgeries.length; count += 1) seen.push(await receive());
      },
      { runtime, trapExit: true },
    );
    for (const forgery of forgeries) send(code, forgery);
    await quiet();
    expect([seen, code.exitReason]).toEqual([forgeries, "normal"]);
  });

  test('comes to a machine as an event "message", so that it has no effect of its own', async () => {
    const { runtime } = createKernel();
    const seen: unknown[] = [];
    const machine = createMachine({ on: { "*": { actions: ({ event }) => void seen.push(event) } } });
    const ref = await start(machine, { runtime, trapExit: true });
    for (const forgery of forgeries) send(ref, forgery);
    await quiet();
    const plain = new Set(["$retry", "$sys", "$stop", "$timeout", "$continue", "$exit", "message", ""]);
    const expected = forgeries.map((forgery) =>
      plain.has(forgery.type) ? forgery : { type: "message", message: forgery },
    );
    expect(JSON.stringify(seen.map((event) => ({ ...(event as object) })))).toBe(
      JSON.stringify(expected.map((event) => ({ ...event }))),
    );
    expect(isAlive(ref)).toBe(true);
  });

  test("is told of and dropped by supervisors of each kind", async () => {
    const { runtime, letters } = createKernel();
    const child = { id: "child", logic: recorder };
    const supervisors = [
      await startSupervisor({ children: [child] }, { runtime }),
      await startDynamicSupervisor({}, { runtime }),
      await startTaskSupervisor({}, { runtime }),
    ];
    for (const supervisor of supervisors) {
      const before = supervisor.whichChildren();
      for (const forgery of forgeries) {
        send(supervisor.process, forgery);
        supervisor.actor.send(forgery as never);
      }
      expect(await failure(call(supervisor.process as Ref, "x"))).toMatchObject({ code: "exited", reason: "refused" });
      expect([supervisor.whichChildren(), supervisor.tree().state]).toEqual([before, "running"]);
    }
    expect(letters()).toHaveLength(2 * 3 * forgeries.length);
    expect(new Set(letters().map(({ why }) => why))).toEqual(new Set(["unhandled"]));
    for (const supervisor of supervisors) await supervisor.stop();
  });
});

test("a signal or a call that somebody sends on is an ordinary message to its next receiver", async () => {
  const { run } = createKernel();
  await run(
    async ({ self: me, receive }) => {
      const child = (await start(recorder)) as Ref;
      spawn(() => exit(me, "to be sent on"));
      monitor("nobody");
      const [exited, down] = [
        await receive((message) => (message as { type: string }).type === "EXIT"),
        await receive(),
      ];
      // An EXIT of its parent ends a server: one that is sent on does not.
      exit(me, "from itself");
      const own = await receive<{ from: Process }>();
      expect(own.from).toBe(me);
      const asked = call(spawnRelay(child), "x", { timeoutMs: "infinity" }).catch(({ code }) => code);
      for (const signal of [exited, down, own]) send(child, signal);
      for (const signal of [exited, own]) cast(child, signal);
      await quiet();
      const seen = (await call(child, "seen")) as unknown[];
      expect(seen.slice(0, 5)).toEqual([exited, down, own, { cast: exited }, { cast: own }]);
      expect(seen.slice(5)).toMatchObject([{ type: "$call", message: "x", caller: me }]);
      exit(child, "kill");
      expect(await asked).toBe("exited");
    },
    { trapExit: true },
  );
});

/** Sends the call that it gets on, and ends. */
function spawnRelay(next: Process): Ref {
  return spawn(async ({ receive }) => {
    send(next, await receive());
  });
}

test("a monitor's tag is none of XState's own names", async () => {
  const { run } = createKernel();
  await run(async () => {
    for (const tag of ["xstate.stop", "xstate.", "", 7 as never, Symbol("x") as never]) {
      expect(await failure(() => monitor("nobody", { tag }))).toMatchObject({
        code: "invalid_argument",
        field: "options.tag",
      });
    }
    monitor("nobody", { tag: "xstate" });
  });
});

test("what is one is told without a question to the value", () => {
  const asked = new Proxy(new InfoMessage("x"), {
    get() {
      throw new Error("it was asked");
    },
    getPrototypeOf() {
      throw new Error("it was asked");
    },
  });
  for (const value of [undefined, null, 7, "x", {}, Object.create(InfoMessage.prototype), asked]) {
    expect(RuntimeMessage.is(value)).toBe(false);
  }
  expect(RuntimeMessage.is(new InfoMessage("x"))).toBe(true);
});

test("an inspector sees a message as it was sent, as JSON", () => {
  expect(JSON.stringify([new InfoMessage({ type: "tick", n: 1 }), new InfoMessage("tock")])).toBe(
    JSON.stringify([
      { type: "tick", n: 1 },
      { type: "message", message: "tock" },
    ]),
  );
});

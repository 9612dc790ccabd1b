/** Any value may be a reason: a process that ends with it is seen to end with it by everybody, and nobody is stopped in what follows. */

import { describe, expect, test } from "vitest";
import { exitSignal } from "../../src/otp/process/exit-signal.ts";
import { exit } from "../../src/otp/process/link.ts";
import { monitor } from "../../src/otp/process/monitor.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { describeExitReason, Exit, type ExitReason, isCleanExit } from "../../src/otp/report/exit-reason.ts";
import { formatReport } from "../../src/otp/report/format-report.ts";
import { call, send } from "../../src/otp/request/call.ts";
import type { Ref } from "../../src/otp/request/protocol.ts";
import { stop } from "../../src/otp/request/stop.ts";
import { getState } from "../../src/otp/request/sys.ts";
import { isThenable } from "../../src/otp/scheduler/thenable.ts";
import type { InitResult } from "../../src/otp/server/definition.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { exited } from "../../src/otp/start/names.ts";
import { type ProcessContext, spawn, spawnLink } from "../../src/otp/start/spawn.ts";
import { start } from "../../src/otp/start/start.ts";
import { startPartitionSupervisor } from "../../src/otp/supervisor/partition.ts";
import { startDynamicSupervisor, startSupervisor } from "../../src/otp/supervisor/start.ts";
import type { ChildInfo } from "../../src/otp/supervisor/supervisor.ts";
import { Task } from "../../src/otp/task/task.ts";
import { strange } from "./hostile-messages.ts";
import { createKernel, type Kernel, quiet } from "./kernel.ts";

/** Of a list of four thousand million nothings not even the text can be made. */
const { "a sparse array": _tooLong, ...others } = strange;
const reasons: Record<string, () => unknown> = {
  ...others,
  42: () => 42,
  true: () => true,
  "an empty text": () => "",
  normal: () => "normal",
  shutdown: () => "shutdown",
  "a shutdown with a detail": () => ({ shutdown: 1 }),
  "an error whose message throws": () =>
    Object.defineProperty(new Error("never seen"), "message", {
      get() {
        throw new Error("the getter of message throws");
      },
    }),
  "an error that contains itself": () => {
    const error = new Error("contains itself");
    error.cause = error;
    return error;
  },
};

/** Whether a promise has carried a reason: of one that is a promise itself an error with it as its cause. */
const isCarried = (came: unknown, reason: unknown): boolean =>
  isThenable(reason) ? Object.is((came as Error).cause, reason) : Object.is(came, reason);

/** What becomes of a value that is thrown. */
const isThrown = (reason: unknown, thrown: unknown): boolean =>
  Object.is(reason, thrown) || Object.is((reason as Error).cause, thrown);

const idle = ({ receive }: ProcessContext) => receive(() => false);

/** Ends as it is told to: `{ end }`, with a reason in a box. */
const mortal = fromGenServer({
  init: (_input: unknown) => ({ state: 0 }),
  handleCall: (_message: unknown, _state) => ({ noreply: true }),
  handleInfo(message, _state) {
    const { how, reason } = message as { how: "stop" | "throw" | "exit"; reason: ExitReason };
    if (how === "throw") throw reason;
    if (how === "exit") throw new Exit(reason);
    return { stop: reason };
  },
});

/** All reports can be shown, and nothing is left. */
async function checkLeft({ reports, runtime, clock }: Kernel): Promise<void> {
  await quiet();
  for (const report of reports) expect(typeof formatReport(report, { maxChars: 200 })).toBe("string");
  expect([runtime.processCount, runtime.names.size, clock.pending]).toEqual([0, 0, 0]);
}

describe.each(Object.entries(reasons))("the reason %s", (_name, make) => {
  test("is what exit, stop, Exit and an answer end with, and what links, monitors, callers and `exited` are told", async () => {
    const kernel = createKernel();
    const { runtime } = kernel;
    const reason = make() as ExitReason;
    const ends: Record<string, (ref: Process) => unknown> = {
      exit: (ref) => exit(ref, reason),
      // Without a reason, undefined among them, it is "normal".
      stop: (ref) => (reason === undefined ? exit(ref, reason) : stop(ref, reason)),
      answer: (ref) => send(ref, { how: "stop", reason }),
      Exit: (ref) => send(ref, { how: "exit", reason }),
    };
    for (const [how, end] of Object.entries(ends)) {
      // An exit signal "normal" ends nobody else.
      if (how === "exit" && reason === "normal") continue;
      const ref = (await start(mortal, { runtime })) as Ref;
      const told: unknown[] = [];
      const watcher = spawn(
        async ({ receive }) => {
          const signal = exitSignal(ref);
          monitor(ref);
          spawnLink(async () => Promise.reject(new Exit(reason)));
          const called = call(ref, "wait").catch((error: unknown) => error);
          for (let count = 0; count < 2; count += 1) told.push((await receive<{ reason: unknown }>()).reason);
          const error = (await called) as Error & { reason: unknown; code: string };
          told.push(error.reason);
          expect(error.code).toBe(reason === "noproc" ? "noproc" : "exited");
          expect(JSON.parse(JSON.stringify(error))).toMatchObject({ message: error.message });
          told.push(reason === undefined ? undefined : signal.reason);
        },
        { runtime, trapExit: true },
      );
      await quiet();
      await end(ref);
      expect(await exited(watcher)).toBe("normal");
      expect(
        told.every((one) => Object.is(one, reason)),
        how,
      ).toBe(true);
      expect(told).toHaveLength(4);
      expect(Object.is(ref.exitReason, reason)).toBe(true);
      expect(isCarried(await exited(ref), reason)).toBe(true);
    }
    expect(typeof describeExitReason(reason)).toBe("string");
    await checkLeft(kernel);
  });

  test("is what a process ends with whose code or hook throws it: itself, or an error whose cause it is", async () => {
    const kernel = createKernel();
    const { runtime } = kernel;
    const thrown = make();
    const server = await start(mortal, { runtime });
    send(server, { how: "throw", reason: thrown });
    const hooked = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        terminate() {
          throw thrown;
        },
      }),
      { runtime },
    );
    const stopped = stop(hooked, "asked").catch(({ reason }) => reason);
    const code = spawn(
      () => {
        throw thrown;
      },
      { runtime },
    );
    const task = Task.async(
      () => {
        throw thrown;
      },
      { runtime },
    );
    for (const ref of [server, hooked, code, task.process as Process])
      expect(isThrown(await exited(ref), thrown)).toBe(true);
    expect(isThrown(await stopped, thrown)).toBe(true);
    const outcome = await Task.yield(task, { timeoutMs: "infinity" });
    expect(isThrown((outcome as { exit: unknown }).exit, thrown)).toBe(true);
    await checkLeft(kernel);
  });

  test("is what a start fails with: of init's answer itself, of a throw as any throw", async () => {
    const kernel = createKernel();
    const { runtime } = kernel;
    const reason = make() as ExitReason;
    const starting = (init: () => InitResult<number>) =>
      start(fromGenServer({ init }), { runtime, name: "taken for a while" }).catch((error) => error);
    const answered = [await starting(() => ({ stop: reason })), await starting(() => ({ error: reason }))];
    for (const error of answered) {
      expect([error.code, Object.is(error.reason, reason)]).toEqual(["start_failed", true]);
      expect(typeof JSON.stringify(error)).toBe("string");
    }
    const thrown = await starting(() => {
      throw reason;
    });
    expect([thrown.code, isThrown(thrown.reason, reason)]).toEqual(["start_failed", true]);
    await checkLeft(kernel);
  });

  test.each(["one_for_one", "one_for_all", "rest_for_one"] as const)(
    "of a child is no reason for a supervisor (%s) to treat it otherwise, nor is it of a restart that fails",
    async (strategy) => {
      const kernel = createKernel();
      const { runtime } = kernel;
      const reason = make() as ExitReason;
      const told: unknown[] = [];
      let failures = 0;
      const child = fromGenServer({
        init(_input: undefined) {
          if (failures > 0) {
            failures -= 1;
            throw failures === 0 ? reason : new Exit(reason);
          }
          return { state: 0 };
        },
        handleInfo: (_message, _state) => ({ stop: reason }),
      });
      const supervisor = await startSupervisor(
        {
          strategy,
          maxRestarts: 100,
          children: [
            { id: "permanent", logic: child },
            { id: "transient", logic: child, restart: "transient" },
            { id: "temporary", logic: child, restart: "temporary" },
          ],
        },
        { runtime, onReport: (report) => void told.push((report as { reason?: unknown }).reason) },
      );
      const of = (id: string) => supervisor.whichChildren().find((info) => info.id === id) as ChildInfo;
      for (const id of ["permanent", "transient", "temporary"]) {
        const info = of(id);
        if (info === undefined) continue; // One for all, or for the rest: it has gone with the first.
        failures = id === "permanent" ? 2 : 0;
        send(info.ref as Process, "end");
        await quiet();
        expect(told.some((one) => Object.is(one, reason))).toBe(true);
        if (id === "temporary") expect(of(id)).toBeUndefined();
        else if (id === "transient" && isCleanExit(reason)) expect(of(id).status).toBe("stopped");
        else expect([of(id).status, of(id).ref === info.ref]).toEqual(["running", false]);
      }
      expect(typeof JSON.stringify(supervisor.tree())).toBe("string");
      await getState(supervisor.process);
      expect(isCarried(await supervisor.stop(reason), reason ?? (reason === null ? null : "shutdown"))).toBe(true);
      await checkLeft(kernel);
    },
  );

  test("reaches a policy, and dynamic and partition supervisors go on and give up as ever", async () => {
    const kernel = createKernel();
    const { runtime } = kernel;
    const reason = make() as ExitReason;
    const seen: unknown[] = [];
    const dynamic = await startDynamicSupervisor(
      {
        policy: (_state, exit) => {
          seen.push(exit.reason);
          return { decision: { type: "restart", delayMs: 5, because: describeExitReason(exit.reason) }, state: 0 };
        },
      },
      { runtime },
    );
    const ref = (await dynamic.startChild({ logic: mortal })) as Process;
    send(ref, { how: "stop", reason });
    await quiet();
    kernel.clock.advance(5);
    await quiet();
    expect(seen.every((one) => Object.is(one, reason))).toBe(true);
    expect([seen.length, dynamic.countChildren().active]).toEqual([1, 1]);
    const parts = await startPartitionSupervisor(
      { name: "parts", partitions: 2, maxRestarts: 1, child: { logic: mortal } },
      { runtime },
    );
    for (let count = 0; count < 2; count += 1) {
      send(parts.whichChild("0").ref as Process, { how: "stop", reason });
      await quiet();
    }
    expect([await parts.ended, parts.process.alive]).toEqual(["shutdown", false]);
    exit(dynamic.process, reason === "normal" ? "shutdown" : reason);
    await dynamic.stop(reason);
    await checkLeft(kernel);
  });
});

test("an idle process ends with whatever its link ends with", async () => {
  const { runtime } = createKernel();
  for (const make of Object.values(reasons)) {
    const reason = make() as ExitReason;
    if (reason === "normal") continue;
    let linked: Process | undefined;
    const first = spawn(
      (context) => {
        linked = spawnLink(idle);
        return idle(context);
      },
      { runtime },
    );
    await quiet();
    exit(first, reason);
    expect(Object.is(linked?.exitReason, reason)).toBe(true);
  }
});

/**
 * Whatever callbacks and start functions answer: a server does as it is told or crashes by name, everybody who waits is told, and nothing is left.
 * `FC_RUNS` runs more; a counterexample prints its seed.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { exit } from "../../src/otp/process/link.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { call, cast, send } from "../../src/otp/request/call.ts";
import type { Ref } from "../../src/otp/request/protocol.ts";
import { stop } from "../../src/otp/request/stop.ts";
import { getState, getStatus } from "../../src/otp/request/sys.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { start } from "../../src/otp/start/start.ts";
import { startDynamicSupervisor, startSupervisor } from "../../src/otp/supervisor/start.ts";
import { strange } from "./hostile-messages.ts";
import { createKernel, type Kernel, quiet } from "./kernel.ts";

const runs = Number(process.env.FC_RUNS ?? 200);

/** Makes an answer; a name or a value tells a counterexample which. */
type Answer = () => unknown;

// What cannot even be described in time is no answer that anybody gives.
const names = Object.keys(strange).filter((name) => name !== "a sparse array");
/** A start function that waits for ever is waited for: it is the user's. */
const endless = ["a promise for ever", "a thenable for ever", "a turncoat"];
const fields = ["state", "reply", "noreply", "stop", "continue", "timeoutMs", "timeoutMessage", "ignore", "error"];

function answersOf(given: readonly string[]): fc.Arbitrary<Answer> {
  const value: fc.Arbitrary<Answer> = fc.oneof(
    fc.constantFrom(...given).map((name) => strange[name] as Answer),
    fc.anything().map((any) => () => any),
    fc.constantFrom("normal", "shutdown", "infinity", 0, 5).map((known) => () => known),
  );
  const form = fc
    .array(fc.tuple(fc.constantFrom(...fields), value), { maxLength: 4 })
    .map((all) => () => Object.fromEntries(all.map(([name, make]) => [name, make()])));
  return fc.oneof<fc.Arbitrary<Answer>[]>(
    value,
    form,
    form.map((make) => async () => make()),
  );
}

const answer = answersOf(names);

const callbacks = fc.record({
  init: fc.oneof({ weight: 3, arbitrary: fc.constant<Answer>(() => ({ state: 0 })) }, answer),
  handleCall: answer,
  handleCast: answer,
  handleInfo: answer,
  handleContinue: answer,
  terminate: answer,
  formatStatus: answer,
});

/** Waits for a promise while time passes; undefined when it is still not settled. */
async function outcomeOf<T>({ clock }: Kernel, promise: Promise<T>): Promise<PromiseSettledResult<T> | undefined> {
  let settled: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([promise]).then(([one]) => {
    settled = one;
  });
  for (let turn = 0; turn < 12 && settled === undefined; turn += 1) {
    await quiet();
    clock.advance(1_000);
  }
  return settled;
}

async function checkLeft({ runtime, clock }: Kernel): Promise<void> {
  await quiet();
  clock.advance(10_000);
  await quiet();
  expect([runtime.processCount, clock.pending]).toEqual([0, 0]);
}

function serverOf(answers: Record<string, Answer>, trapExit: boolean) {
  const own = Object.entries(answers).map(([name, make]) => [name, () => make()]);
  return fromGenServer<number, undefined>({ trapExit, ...Object.fromEntries(own) });
}

test(
  "a server whose callbacks answer anything can be started, asked, looked into and stopped, or has failed",
  async () => {
    const property = fc.asyncProperty(callbacks, fc.boolean(), async (answers, trapExit) => {
      const kernel = createKernel();
      const { runtime } = kernel;
      const started = await outcomeOf(kernel, start(serverOf(answers, trapExit), { runtime, timeoutMs: 100 }));
      if (started?.status === "fulfilled") {
        const ref = started.value as Ref;
        const asked = [
          call(ref, "x", { timeoutMs: 100 }),
          getState(ref, { timeoutMs: 100 }),
          getStatus(ref, { timeoutMs: 100 }),
        ];
        cast(ref, "y");
        send(ref, "z");
        expect(await outcomeOf(kernel, Promise.allSettled(asked))).toBeDefined();
        expect(await outcomeOf(kernel, stop(ref, "shutdown", { timeoutMs: 7_000 }))).toBeDefined();
        exit(ref, "kill");
      }
      expect(started).toBeDefined();
      await checkLeft(kernel);
    });
    await fc.assert(property, { numRuns: runs, endOnFailure: false });
  },
  10_000 + runs * 200,
);

test(
  "a supervisor whose children answer anything goes on or gives up, and can be stopped",
  async () => {
    const property = fc.asyncProperty(callbacks, fc.boolean(), async (answers, trapExit) => {
      const kernel = createKernel();
      const child = { id: "a", logic: serverOf(answers, trapExit), shutdownMs: 100, startTimeoutMs: 100 };
      const starting = startSupervisor({ maxRestarts: 2, children: [child] }, { runtime: kernel.runtime });
      const started = await outcomeOf(kernel, starting);
      expect(started).toBeDefined();
      if (started?.status === "fulfilled") {
        const supervisor = started.value;
        const ref = supervisor.whichChildren()[0]?.ref as Process | undefined;
        if (ref !== undefined) send(ref, "z");
        await quiet();
        expect(await outcomeOf(kernel, supervisor.stop())).toMatchObject({ status: "fulfilled" });
      }
      await checkLeft(kernel);
    });
    await fc.assert(property, { numRuns: runs, endOnFailure: false });
  },
  10_000 + runs * 200,
);

test(
  "a start function may answer, throw or reject with anything: its start settles",
  async () => {
    const ways = fc.constantFrom("answer" as const, "throw" as const, "reject" as const);
    const settling = answersOf(names.filter((name) => !endless.includes(name)));
    const property = fc.asyncProperty(settling, ways, fc.boolean(), async (make, way, dynamic) => {
      const kernel = createKernel();
      const { runtime } = kernel;
      const given = make();
      const begin = (): never => {
        if (way === "throw") throw given;
        return (way === "reject" ? Promise.reject(given) : given) as never;
      };
      const supervise = async () => {
        if (!dynamic) return startSupervisor({ children: [{ id: "a", start: begin }] }, { runtime });
        const supervisor = await startDynamicSupervisor({}, { runtime });
        await supervisor.startChild({ start: begin }).catch(() => undefined);
        return supervisor;
      };
      const started = await outcomeOf(kernel, supervise());
      expect(started).toBeDefined();
      if (started?.status === "fulfilled") await outcomeOf(kernel, started.value.stop());
    });
    await fc.assert(property, { numRuns: runs, endOnFailure: false });
  },
  10_000 + runs * 200,
);

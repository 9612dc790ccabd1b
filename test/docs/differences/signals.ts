/** Rows about exit signals, and about what a process's callbacks may take their time for. */

import { expect } from "vitest";
import {
  call,
  cast,
  exit,
  exited,
  type From,
  fromGenServer,
  reply,
  self,
  send,
  spawn,
  start,
  stop,
} from "../../../src/otp/index.ts";
import { createPlace, failure, isSettled, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

/** A kill, and a signal that nobody traps: what they do, and the reason that is seen. */
const fatal = [
  ["kill", "killed"],
  ["out", "out"],
] as const;

/** A server that notes what it is given and waits for gates before it goes on. */
function createGated() {
  const log: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const logic = fromGenServer({
    init: () => ({ state: 0 }),
    async handleInfo(message, state) {
      const gate = Promise.withResolvers<void>();
      gates.set(String(message), gate);
      log.push(`begin ${message}`);
      await gate.promise;
      log.push(`end ${message}`);
      return { state };
    },
    terminate: (reason) => void log.push(`terminate ${reason}`),
  });
  return { log, logic, open: (message: string) => gates.get(message)?.resolve() };
}
/** The rows. */
export const signals: Differences = {
  "`kill`, and any exit signal that is not trapped": {
    "the process is dead at once, and runs no hook": async () => {
      for (const [reason, seen] of fatal) {
        const { runtime } = createPlace();
        const hooks: unknown[] = [];
        const logic = fromGenServer({ init: () => ({ state: 0 }), terminate: (why) => void hooks.push(why) });
        const ref = await start(logic, { runtime });
        exit(ref, reason);
        expect([ref.alive, ref.exitReason]).toEqual([false, seen]);
        await quiet();
        expect(hooks).toEqual([]);
      }
    },
    "synchronous code is not interrupted": async () => {
      for (const [reason] of fatal) {
        const { runtime } = createPlace();
        const steps: string[] = [];
        const code = () => {
          exit(self(), reason);
          steps.push(`goes on, alive: ${self().alive}`);
        };
        await exited(spawn(code, { runtime }));
        expect(steps).toEqual(["goes on, alive: false"]);
      }
    },
    "its mailbox is dropped": async () => {
      for (const [reason] of fatal) {
        const { runtime, told } = createPlace();
        const handled: unknown[] = [];
        const handleInfo = (message: unknown, state: number) => ({ state: state + handled.push(message) });
        const ref = await start(fromGenServer({ init: () => ({ state: 0 }), handleInfo }), { runtime });
        for (const message of [1, 2]) send(ref, message);
        exit(ref, reason);
        await quiet();
        expect(handled).toEqual([]);
        expect(told("dead_letter")).toMatchObject([
          { message: 1, why: "noproc" },
          { message: 2, why: "noproc" },
        ]);
      }
    },
    "its calls and receives never settle": async () => {
      for (const [reason] of fatal) {
        const { runtime, clock } = createPlace();
        const asked: From[] = [];
        const desk = await start(
          fromGenServer({
            init: () => ({ state: 0 }),
            handleCall(_message: "ask", state, from) {
              asked.push(from);
              return { noreply: true, state };
            },
          }),
          { runtime },
        );
        const settled: string[] = [];
        const note = (what: string) => () => void settled.push(what);
        const caller = spawn(() => call(desk, "ask").then(note("call"), note("call")), { runtime });
        const receiver = spawn(
          ({ receive }) => receive(undefined, { timeoutMs: 10 }).then(note("receive"), note("receive")),
          { runtime },
        );
        await quiet();
        for (const ref of [caller, receiver]) exit(ref, reason);
        for (const from of asked) reply(from, "too late");
        clock.advance(10_000);
        await quiet();
        expect(asked).toHaveLength(1);
        expect(settled).toEqual([]);
      }
    },
    "code that awaits something else goes on when that comes": async () => {
      for (const [reason] of fatal) {
        const { runtime } = createPlace();
        const outside = Promise.withResolvers<string>();
        const went: string[] = [];
        const ref = spawn(async () => void went.push(await outside.promise), { runtime });
        await quiet();
        exit(ref, reason);
        outside.resolve("goes on");
        await quiet();
        expect(went).toEqual(["goes on"]);
      }
    },
    "its signal is aborted, for code that heeds it": async () => {
      for (const [reason, seen] of fatal) {
        const { runtime } = createPlace();
        const outside = Promise.withResolvers<void>();
        const went: unknown[] = [];
        const code = async ({ signal }: { signal: AbortSignal }) => {
          signal.addEventListener("abort", () => went.push(signal.reason));
          await outside.promise;
          if (!signal.aborted) went.push("goes on");
        };
        const ref = spawn(code, { runtime });
        await quiet();
        exit(ref, reason);
        outside.resolve();
        await quiet();
        expect(went).toEqual([seen]);
      }
    },
  },

  callbacks: {
    "the next message waits until the promise of an async one has settled": async () => {
      const { runtime } = createPlace();
      const { log, logic, open } = createGated();
      const ref = await start(logic, { runtime });
      for (const message of ["one", "two"]) send(ref, message);
      await quiet();
      expect(log).toEqual(["begin one"]);
      open("one");
      await quiet();
      expect(log).toEqual(["begin one", "end one", "begin two"]);
    },
    "a request to stop waits for it too": async () => {
      const { runtime } = createPlace();
      const { log, logic, open } = createGated();
      const ref = await start(logic, { runtime });
      send(ref, "one");
      await quiet();
      const stopped = stop(ref);
      expect(await isSettled(stopped)).toBe(false);
      open("one");
      await stopped;
      expect(log).toEqual(["begin one", "end one", "terminate normal"]);
    },
    "a kill does not wait, and what the promise brings is dropped": async () => {
      const { runtime } = createPlace();
      const gate = Promise.withResolvers<{ reply: string }>();
      const logic = fromGenServer({ init: () => ({ state: 0 }), handleCall: (_message: "ask") => gate.promise });
      const ref = await start(logic, { runtime });
      const asked = failure(call(ref, "ask"));
      await quiet();
      exit(ref, "kill");
      expect(ref.alive).toBe(false);
      gate.resolve({ reply: "too late" });
      expect(await asked).toMatchObject({ code: "exited", reason: "killed" });
    },
  },

  "terminate after a crash": {
    "one that takes longer than 5 s is not waited for": async () => {
      const { runtime, clock } = createPlace();
      const logic = fromGenServer({
        init: () => ({ state: 0 }),
        handleCast(_message: "crash") {
          throw new Error("a crash");
        },
        terminate: () => new Promise<never>(() => undefined),
      });
      const ref = await start(logic, { runtime });
      cast(ref, "crash");
      await quiet();
      clock.advance(4_999);
      expect(ref.status).toBe("exiting");
      clock.advance(1);
      expect(ref.exitReason).toMatchObject({ message: "a crash" });
    },
    "an orderly end has the time that whoever asked gives it": async () => {
      const { runtime, clock } = createPlace();
      const gate = Promise.withResolvers<void>();
      const ref = await start(fromGenServer({ init: () => ({ state: 0 }), terminate: () => gate.promise }), {
        runtime,
      });
      const stopped = stop(ref);
      await quiet();
      clock.advance(1_000_000);
      expect(ref.status).toBe("exiting");
      gate.resolve();
      await stopped;
    },
  },
};

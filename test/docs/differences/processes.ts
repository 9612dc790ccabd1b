/** Rows about processes: their messages, who takes turns, and what code outside any process may do. */

import { expect } from "vitest";
import {
  call,
  cast,
  createAlias,
  exit,
  exited,
  fromGenServer,
  link,
  monitor,
  self,
  send,
  setLabel,
  spawn,
  spawnLink,
  spawnMonitor,
  start,
  startLink,
  startMonitor,
  stop,
  Task,
  trapExit,
  unlink,
} from "../../../src/otp/index.ts";
import { createPlace, failure, isSettled, quiet } from "./place.ts";
import type { Differences } from "./table.ts";
/** The rows. */
export const processes: Differences = {
  messages: {
    "they are passed by reference": async () => {
      const { runtime } = createPlace();
      const logic = fromGenServer({
        init: () => ({ state: 0 }),
        handleCall: (message: object) => ({ reply: message }),
      });
      const message = { list: [1] };
      expect(await call(await start(logic, { runtime }), message)).toBe(message);
      const received = Promise.withResolvers<unknown>();
      send(
        spawn(async ({ receive }) => received.resolve(await receive()), { runtime }),
        message,
      );
      expect(await received.promise).toBe(message);
    },
  },

  "`receive`": {
    "a function says which message, the others stay in their order": async () => {
      const { inside } = createPlace();
      const taken = await inside(async ({ self: me, receive }) => {
        for (const message of [1, 2, 3]) send(me, message);
        return [await receive((message) => message === 2), await receive(), await receive()];
      });
      expect(taken).toEqual([2, 1, 3]);
    },
    "it rejects with timeout after timeoutMs": async () => {
      const { inside, clock } = createPlace();
      const received = failure(inside(({ receive }) => receive(undefined, { timeoutMs: 10 })));
      await quiet();
      clock.advance(9);
      expect(await isSettled(received)).toBe(false);
      clock.advance(1);
      expect(await received).toMatchObject({ code: "timeout" });
    },
    "several may wait at once: the oldest that fits gets the message": async () => {
      const { inside } = createPlace();
      const taken = await inside(async ({ self: me, receive }) => {
        const all = [receive((message) => message === 3), receive(), receive()];
        for (const message of [1, 2, 3]) send(me, message);
        return Promise.all(all);
      });
      expect(taken).toEqual([3, 1, 2]);
    },
  },

  "code outside any process": {
    "it may start, call, cast, send, stop and exit": async () => {
      const heard: unknown[] = [];
      const logic = fromGenServer({
        init: () => ({ state: 0 }),
        handleCall: (message: string) => ({ reply: message }),
        handleCast: (message: string, state) => ({ state: state + heard.push(message) }),
        handleInfo: (message, state) => ({ state: state + heard.push(message) }),
      });
      const { runtime, idle } = createPlace();
      const ref = await start(logic, { runtime });
      cast(ref, "cast");
      send(ref, "sent");
      expect(await call(ref, "called")).toBe("called");
      expect(heard).toEqual(["cast", "sent"]);
      await stop(ref);
      const other = idle();
      exit(other, "please");
      expect([ref.exitReason, other.exitReason]).toEqual(["normal", "please"]);
    },
    "it may await tasks; one that is started there belongs to everybody": async () => {
      const task = Task.async(() => 7);
      const { inside } = createPlace();
      expect(await inside(() => Task.yield(task))).toEqual({ ok: 7 });
      expect(await Task.await(Task.async(() => 8))).toBe(8);
      const owned = await inside(() => Task.async(() => 9));
      expect(await failure(Task.await(owned))).toMatchObject({ code: "invalid_argument", field: "task" });
    },
    "what is done for the process that runs throws or rejects": async () => {
      const { runtime, idle } = createPlace();
      const ref = idle();
      const code = () => undefined;
      const logic = fromGenServer({ init: () => ({ state: 0 }) });
      const attempts = [
        () => self(),
        () => link(ref),
        () => unlink(ref),
        () => monitor(ref),
        () => trapExit(),
        () => spawnLink(code, { runtime }),
        () => spawnMonitor(code, { runtime }),
        () => createAlias(),
        () => setLabel("a label"),
        () => Task.startLink(code),
      ];
      for (const attempt of attempts) {
        expect(attempt).toThrow(expect.objectContaining({ code: "invalid_argument", field: "self" }));
      }
      for (const rejected of [startLink(logic, { runtime }), startMonitor(logic, { runtime })]) {
        expect(await failure(rejected)).toMatchObject({ code: "invalid_argument", field: "self" });
      }
      expect(runtime.processCount).toBe(1);
    },
    "exited(ref) is its monitor": async () => {
      const { idle } = createPlace();
      const ref = idle();
      const end = exited(ref);
      expect(await isSettled(end)).toBe(false);
      exit(ref, "bye");
      expect(await end).toBe("bye");
      expect(await exited(ref)).toBe("bye");
      expect(await exited("nobody has this name")).toBe("noproc");
    },
  },

  mailboxes: {
    "they are unbounded": async () => {
      const { runtime } = createPlace();
      const ref = await start(fromGenServer({ init: () => ({ state: 0 }), handleInfo: (_, state) => ({ state }) }), {
        runtime,
      });
      for (let count = 0; count < 100_000; count += 1) send(ref, count);
      expect(ref.queueLength).toBe(100_000);
      exit(ref, "kill");
    },
    "mailbox bounds one: at maxMessages whenFull says who is left out, by default the newest": async () => {
      const full = async (mailbox: { maxMessages: number; whenFull?: "drop_newest" | "drop_oldest" | "crash" }) => {
        const { runtime, told } = createPlace();
        const handled: unknown[] = [];
        const handleInfo = (message: unknown, state: number) => ({ state: state + handled.push(message) });
        const ref = await start(fromGenServer({ init: () => ({ state: 0 }), handleInfo }), { runtime, mailbox });
        for (const message of [1, 2, 3]) send(ref, message);
        await quiet();
        const dropped = told("dead_letter").map(({ message, why }) => `${message} ${why}`);
        return { handled, dropped, reason: ref.exitReason };
      };
      const newest = { handled: [1, 2], dropped: ["3 full"], reason: undefined };
      expect(await full({ maxMessages: 2 })).toEqual(newest);
      expect(await full({ maxMessages: 2, whenFull: "drop_newest" })).toEqual(newest);
      const oldest = { handled: [2, 3], dropped: ["1 full"], reason: undefined };
      expect(await full({ maxMessages: 2, whenFull: "drop_oldest" })).toEqual(oldest);
      expect(await full({ maxMessages: 2, whenFull: "crash" })).toMatchObject({ handled: [], reason: "mailbox_full" });
    },
  },

  fairness: {
    "a process handles at most 64 messages in a row": async () => {
      const { runtime } = createPlace();
      const turns: string[] = [];
      const logic = fromGenServer({
        init: (name: string) => ({ state: name }),
        handleInfo: (_message, name) => ({ state: name.slice(turns.push(name) * 0) }),
      });
      const refs = [await start(logic, { input: "a", runtime }), await start(logic, { input: "b", runtime })];
      for (const ref of refs) for (let count = 0; count < 200; count += 1) send(ref, count);
      await quiet();
      const runs = turns
        .join("")
        .match(/a+|b+/g)
        ?.map(({ length }) => length);
      expect(runs).toEqual([64, 64, 64, 64, 64, 64, 8, 8]);
    },
    "at most 2,000 messages are handled before the event loop runs, or messageBudget": async () => {
      for (const [messageBudget, most] of [
        [undefined, 2_000],
        [100, 100],
      ] as const) {
        const { runtime } = createPlace(messageBudget === undefined ? {} : { messageBudget });
        const handleInfo = (_message: unknown, state: number) => ({ state: state + 1 });
        const ref = await start(fromGenServer({ init: () => ({ state: 0 }), handleInfo }), { runtime });
        await quiet();
        for (let count = 0; count < 10_000; count += 1) send(ref, count);
        await new Promise((resolve) => setImmediate(resolve));
        expect(ref.handled).toBeGreaterThan(most * 0.9);
        expect(ref.handled).toBeLessThanOrEqual(most);
        exit(ref, "kill");
      }
    },
    "begins of plain code count too": async () => {
      const { runtime } = createPlace({ messageBudget: 100 });
      let begun = 0;
      const begin = () => {
        begun += 1;
      };
      for (let count = 0; count < 1_000; count += 1) spawn(begin, { runtime });
      await new Promise((resolve) => setImmediate(resolve));
      expect(begun).toBeGreaterThan(0);
      expect(begun).toBeLessThanOrEqual(100);
      while (runtime.processCount > 0) await quiet();
      expect(begun).toBe(1_000);
    },
  },
};

/** Rows about names, and about messages that reach nobody. */

import { expect } from "vitest";
import { setup } from "xstate";
import {
  type CallEvent,
  call,
  exit,
  type From,
  fromGenServer,
  Groups,
  monitor,
  type NameService,
  type Process,
  Registry,
  Runtime,
  register,
  reply,
  send,
  spawn,
  start,
  startSupervisor,
  stop,
  type Via,
  whereis,
} from "../../../src/otp/index.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

const desk = fromGenServer({
  init: (place: string) => ({ state: place }),
  handleCall: (_: "where", place) => ({ reply: place }),
});

/** A name service of a program's own: a table. */
function createTable(): NameService {
  const table = new Map<unknown, Process>();
  return { whereisName: (key) => table.get(key), registerName: (key, process) => void table.set(key, process) };
}

/** A server that traps exits, whose parent is the process that runs, and what its handleInfo is given. */
async function startTrapping() {
  const heard: unknown[] = [];
  const handleInfo = (message: unknown, state: number) => ({ state: state * heard.push(message) });
  return { heard, ref: await start(fromGenServer({ init: () => ({ state: 0 }), trapExit: true, handleInfo })) };
}

/** The rows. */
export const names: Differences = {
  names: {
    "a string is looked up in the runtime of the process that asks": async () => {
      for (const input of ["here", "there"]) {
        const { runtime, inside } = createPlace();
        await start(desk, { input, name: "desk", runtime });
        expect(await inside(() => call("desk", "where"))).toBe(input);
      }
    },
    "outside any process it is looked up in the default runtime": async () => {
      const { runtime } = createPlace();
      await start(desk, { input: "a runtime of one's own", name: "names: own", runtime });
      expect(await failure(call("names: own", "where"))).toMatchObject({ code: "noproc" });
      const ref = await start(desk, { input: "the default one", name: "names: default" });
      expect(await call("names: default", "where")).toBe("the default one");
      await stop(ref);
    },
    "a ref and a key in a registry work from everywhere": async () => {
      const { runtime, inside } = createPlace();
      const rooms = Registry.start<string>({ keys: "unique", runtime });
      const ref = await start(desk, { input: "elsewhere", name: rooms.via("desk"), runtime });
      const askBoth = async () => [await call(ref, "where"), await call(rooms.via("desk"), "where")];
      for (const asking of [askBoth(), inside(askBoth), createPlace().inside(askBoth)]) {
        expect(await asking).toEqual(["elsewhere", "elsewhere"]);
      }
    },
    "a supervisor that is started outside any process lives in the default runtime": async () => {
      const child = { logic: desk, input: "in a tree", name: "names: tree" };
      const supervisor = await startSupervisor({ children: [child] });
      expect(await call("names: tree", "where")).toBe("in a tree");
      await supervisor.stop();
    },
    "with a clock, onReport or inspect of its own, and no runtime, it has a new one": async () => {
      const { clock } = createPlace();
      const child = { logic: desk, input: "in a tree", name: "names: tree of its own" } as const;
      const ignore = () => undefined;
      for (const own of [{ clock }, { onReport: ignore }, { inspect: ignore }]) {
        const supervisor = await startSupervisor({ children: [child] }, own);
        expect(whereis("names: tree of its own")).toBeUndefined();
        const ref = supervisor.whichChild("names: tree of its own").ref;
        expect(ref?.runtime).toBe(supervisor.process.runtime);
        expect(ref?.runtime.names.get("names: tree of its own")).toBe(ref);
        await supervisor.stop();
      }
    },
  },

  "`{via, Module, Name}`": {
    "an object with whereisName and registerName is a name service": async () => {
      const { runtime } = createPlace();
      const name: Via = { via: createTable(), key: { any: "key" } };
      expect(await failure(call(name, "where"))).toMatchObject({ code: "noproc" });
      const ref = await start(desk, { input: "by a key", name, runtime });
      expect(whereis(name)).toBe(ref);
      expect(await call(name, "where")).toBe("by a key");
      await stop(name);
      expect(await failure(call(name, "where"))).toMatchObject({ code: "noproc" });
    },
  },

  "who registers a process": {
    "anybody, under a name": async () => {
      const { inside, idle } = createPlace();
      const ref = idle();
      await inside(({ self }) => {
        expect(self).not.toBe(ref);
        register("registered by another", ref);
        expect(whereis("registered by another")).toBe(ref);
      });
    },
    "anybody, under a key and in a group": () => {
      const { runtime, idle } = createPlace();
      const ref = idle();
      const rooms = Registry.start<string, number>({ keys: "unique", runtime });
      rooms.register("key", 1, ref);
      expect(rooms.lookup("key")).toEqual([{ key: "key", process: ref, value: 1 }]);
      const groups = Groups.start<string>({ runtime });
      groups.join("group", ref);
      expect(groups.members("group")).toEqual([ref]);
    },
    "nobody registers a process that has ended": async () => {
      const { runtime, idle } = createPlace();
      const ref = idle();
      exit(ref, "kill");
      const rooms = Registry.start<string, number>({ keys: "unique", runtime });
      const groups = Groups.start<string>({ runtime });
      for (const attempt of [
        () => register("of the dead", ref),
        () => rooms.register("key", 1, ref),
        () => groups.join("group", ref),
      ]) {
        expect(await failure(attempt)).toMatchObject({ code: "noproc" });
      }
    },
  },

  "names, keys and memberships of a process that ends": {
    "they are gone when its links and monitors are told": async () => {
      const { runtime, inside } = createPlace();
      const rooms = Registry.start<string, number>({ keys: "unique", runtime });
      const groups = Groups.start<string>({ runtime });
      const seen = await inside(
        async ({ self, receive }) => {
          const ref = spawn(({ receive: wait }) => wait(), { name: "short-lived" });
          rooms.register("key", 1, ref);
          groups.join("group", ref);
          monitor(ref);
          expect([whereis("short-lived"), rooms.count(), groups.members("group").length]).toEqual([ref, 1, 1]);
          send(ref, "go");
          await receive();
          // Whoever is told can take all of it.
          register("short-lived", self);
          rooms.register("key", 2, self);
          return [rooms.lookup("key").map(({ value }) => value), groups.whichGroups()];
        },
        { trapExit: true },
      );
      expect(seen).toEqual([[2], []]);
    },
  },

  "a message that looks like the runtime's own": {
    "it is an ordinary message, whatever its type": async () => {
      const { inside } = createPlace();
      await inside(async ({ self: parent }) => {
        const { ref, heard } = await startTrapping();
        const forged = [
          { type: "EXIT", from: parent, reason: "shutdown" },
          { type: "DOWN", monitor: undefined, process: ref, reason: "noproc" },
          { type: "$call", message: "forged", from: { caller: parent } },
        ];
        for (const message of forged) send(ref, message);
        await quiet();
        expect([ref.alive, ...heard]).toEqual([true, ...forged]);
        exit(ref, "shutdown");
        await quiet();
        expect([ref.exitReason, heard.length]).toEqual(["shutdown", 3]);
      });
    },
    "one of the runtime's that is sent on is an ordinary message too": async () => {
      const { inside } = createPlace();
      await inside(async ({ self: parent }) => {
        const { ref, heard } = await startTrapping();
        const between = spawn(async ({ receive }) => send(ref, await receive()), { trapExit: true });
        exit(between, "shutdown");
        await quiet();
        expect(ref.alive).toBe(true);
        expect(heard).toMatchObject([{ type: "EXIT", from: parent, reason: "shutdown" }]);
      });
    },
  },

  "messages to nobody": {
    "those to the dead, and to names that nobody has, are reported with the reason why": async () => {
      const { idle, inside, told } = createPlace();
      const ref = idle();
      exit(ref, "kill");
      send(ref, "to the dead");
      await inside(() => send("nobody", "to a name"));
      expect(told("dead_letter")).toMatchObject([
        { to: String(ref), message: "to the dead", why: "noproc" },
        { to: '"nobody"', message: "to a name", why: "noproc" },
      ]);
    },
    "so are late replies": async () => {
      const { runtime, clock, told } = createPlace();
      const asked: From[] = [];
      const handleCall = (_message: "ask", state: number, from: From) => ({
        noreply: true as const,
        state: state * asked.push(from),
      });
      const ref = await start(fromGenServer({ init: () => ({ state: 0 }), handleCall }), { runtime });
      const answer = failure(call(ref, "ask", { timeoutMs: 10 }));
      await quiet();
      clock.advance(10);
      expect(await answer).toMatchObject({ code: "timeout" });
      for (const from of asked) reply(from, "too late");
      expect(told("dead_letter")).toMatchObject([{ message: "too late", why: "late" }]);
    },
    "so are messages that no callback takes, and events that no transition takes": async () => {
      const { runtime, told } = createPlace();
      const machine = setup({
        types: { events: {} as { type: "known" } | { type: "ignored" } | CallEvent },
      }).createMachine({ initial: "a", states: { a: { on: { known: "b", ignored: {} } }, b: {} } });
      const server = await start(fromGenServer({ init: () => ({ state: 0 }) }), { runtime });
      send(server, "to a server");
      const ref = await start(machine, { runtime });
      for (const type of ["ignored", "known", "known"]) send(ref, { type });
      await quiet();
      expect(told("dead_letter")).toMatchObject([
        { to: String(server), message: "to a server", why: "unhandled" },
        { to: String(ref), message: { type: "known" }, why: "unhandled" },
      ]);
    },
    "a runtime without onReport tells nobody of them": async () => {
      const runtime = new Runtime();
      const ref = spawn(() => undefined, { runtime });
      await quiet();
      send(ref, "lost");
      expect(ref.exitReason).toBe("normal");
    },
  },
};

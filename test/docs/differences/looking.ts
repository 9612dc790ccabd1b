/** Rows about what is told and shown: signals as values, reports, `sys`, callers. */

import { expect } from "vitest";
import {
  ancestors,
  call,
  callers,
  exit,
  fromGenServer,
  Groups,
  getState,
  getStatus,
  isCleanExit,
  isShutdown,
  monitor,
  Registry,
  type Runtime,
  replaceState,
  resume,
  send,
  spawn,
  spawnLink,
  start,
  startSupervisor,
  statistics,
  suspend,
  Task,
  type TraceEvent,
  trace,
} from "../../../src/otp/index.ts";
import { runHost } from "./hosts.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

/** A process of plain code that notes what it receives. */
function startReader({ runtime }: { runtime: Runtime }) {
  const heard: unknown[] = [];
  const ref = spawn(
    async ({ receive }) => {
      for (;;) heard.push(await receive());
    },
    { runtime },
  );
  return { ref, heard };
}

/** The rows. */
export const looking: Differences = {
  "messages and reasons that are tuples": {
    "EXIT and DOWN are objects with a type": async () => {
      const { inside } = createPlace();
      await inside(
        async ({ receive }) => {
          const ref = spawnLink(({ receive: wait }) => wait());
          const watch = monitor(ref);
          const tagged = monitor(ref, { tag: "gone" });
          exit(ref, "bye");
          const messages = [await receive(), await receive(), await receive()];
          expect(messages).toMatchObject([
            { type: "EXIT", from: ref, reason: "bye" },
            { type: "DOWN", monitor: watch, process: ref, reason: "bye" },
            { type: "gone", monitor: tagged, process: ref, reason: "bye" },
          ]);
        },
        { trapExit: true },
      );
    },
    "{ shutdown } is the tuple of shutdown": () => {
      const reasons = ["shutdown", { shutdown: "detail" }, ["shutdown", "detail"], "crash"];
      expect(reasons.map(isShutdown)).toEqual([true, true, false, false]);
      expect(reasons.map(isCleanExit)).toEqual([true, true, false, false]);
    },
    "so are those of tasks, registries and groups": async () => {
      const { runtime, inside } = createPlace();
      await inside(async ({ self, receive }) => {
        const task = Task.async(() => 7);
        expect(await receive()).toMatchObject({ type: "task.reply", monitor: task.monitor, result: 7 });
        const groups = Groups.start<string>();
        const { monitor: watch } = groups.monitor("group");
        groups.join("group");
        const isGroups = (message: unknown) => String((message as { type?: unknown }).type).startsWith("group.");
        expect(await receive(isGroups)).toEqual({
          type: "group.join",
          monitor: watch,
          group: "group",
          processes: [self],
        });
        const rooms = Registry.start<string, number>({ keys: "unique", listeners: [self], runtime });
        rooms.register("key", 1);
        const isRooms = (message: unknown) => String((message as { type?: unknown }).type).startsWith("registry.");
        expect(await receive(isRooms)).toMatchObject({
          type: "registry.register",
          key: "key",
          process: self,
          value: 1,
        });
      });
    },
  },

  reports: {
    "they are values for onReport: of a crash with last message, state, ancestors and who had asked": async () => {
      const { inside, told } = createPlace();
      const error = new Error("a crash");
      await inside(async ({ self }) => {
        const logic = fromGenServer({
          name: "crasher",
          init: () => ({ state: { secret: 1 } }),
          handleCall(_message: "crash"): { reply: never } {
            throw error;
          },
          formatStatus: () => ({ state: "hidden" }),
        });
        const ref = await start(logic);
        await failure(call(ref, "crash"));
        expect(told("process.crashed")).toMatchObject([
          {
            process: String(ref),
            label: "crasher",
            reason: error,
            lastMessage: "crash",
            client: String(self),
            state: "hidden",
            ancestors: [String(self)],
          },
        ]);
      });
    },
    "an abnormal end of plain code is a crash report too, and one by a signal is none": async () => {
      const { runtime, told, idle } = createPlace();
      spawn(
        () => {
          throw new Error("plain");
        },
        { runtime },
      );
      exit(idle(), "a signal");
      await quiet();
      expect(told("process.crashed").map(({ reason }) => (reason as Error).message)).toEqual(["plain"]);
    },
    "progress is told as well, and each child that had to be killed by itself": async () => {
      const { runtime, clock, told, idle } = createPlace();
      const children = ["a", "b"].map((id) => ({ id, shutdownMs: 10, start: () => idle({ trapExit: true }) }));
      const supervisor = await startSupervisor({ children }, { runtime });
      expect(told("child.started").map(({ offender }) => offender.childId)).toEqual(["a", "b"]);
      const stopped = supervisor.stop();
      for (let count = 0; count < 2; count += 1) {
        await quiet();
        clock.advance(10);
      }
      await stopped;
      const errors = told("child.shutdown_error").map(({ offender, reason }) => `${offender.childId} ${reason}`);
      expect(errors).toEqual(["b killed", "a killed"]);
    },
    "where nobody listens a crash is a line on stderr, at most 20 a second": async () => {
      const { code, stderr } = await runHost("storm");
      const lines = stderr.split("\n").filter((line) => line.startsWith("synapse: "));
      expect(code).toBe(0);
      expect(lines).toHaveLength(20);
      expect(lines[0]).toMatch(/^synapse: .*crashed: Error: in a storm/);
    },
  },

  "`sys`": {
    "it works on any process, plain code too": async () => {
      const place = createPlace();
      const { ref, heard } = startReader(place);
      await suspend(ref);
      send(ref, "waits");
      await quiet();
      expect(heard).toEqual([]);
      expect(await getStatus(ref)).toMatchObject({ status: "suspended", queueLength: 1 });
      expect(await getState(ref)).toMatchObject({ status: "active" });
      await resume(ref);
      await quiet();
      expect(heard).toEqual(["waits"]);
    },
    "the state of a server, or of a cell, is the only one that can be replaced": async () => {
      const { runtime } = createPlace();
      const { ref } = startReader({ runtime });
      expect(await failure(replaceState(ref, () => 1))).toMatchObject({ code: "exited" });
      const server = await start(fromGenServer({ init: () => ({ state: 0 }) }), { runtime });
      expect(await replaceState(server, (state: number) => state + 1)).toBe(1);
      expect(await getState(server)).toBe(1);
    },
    "statistics need not be switched on, and answer at once": async () => {
      const place = createPlace();
      const { ref } = startReader(place);
      send(ref, 1);
      await quiet();
      await suspend(ref);
      send(ref, 2);
      expect(statistics(ref)).toMatchObject({ messagesIn: 2, handled: 1, queueLength: 1 });
    },
    "trace tells a listener": async () => {
      const place = createPlace();
      const { ref } = startReader(place);
      const seen: TraceEvent[] = [];
      const untrace = trace(ref, (event) => seen.push(event));
      send(ref, "shown");
      await quiet();
      untrace();
      send(ref, "not shown");
      await quiet();
      expect(seen).toMatchObject([{ type: "message", kind: "info", message: "shown" }, { type: "state" }]);
    },
  },

  "`$callers`, `$ancestors`": {
    "they are functions; of callers the nearest 100 are known": async () => {
      const { inside } = createPlace();
      const most = await inside(async ({ self }) => {
        let last = 0;
        const nest = (depth: number): Promise<number> => {
          last = callers().length;
          if (depth === 2) expect(callers().at(-1)).toBe(self);
          return depth === 120 ? Promise.resolve(last) : Task.await(Task.async(() => nest(depth + 1)));
        };
        return nest(0);
      });
      expect(most).toBe(100);
    },
    "callers are known while the task lives": async () => {
      const { inside } = createPlace();
      await inside(async ({ self }) => {
        const task = Task.start(({ receive }) => receive());
        expect(callers(task)).toEqual([self]);
        send(task, "go");
        await quiet();
        expect(task.alive).toBe(false);
        expect(callers(task)).toEqual([]);
      });
    },
    "ancestors end with the first that is dead": async () => {
      const { inside } = createPlace();
      await inside(async ({ self }) => {
        const made = Promise.withResolvers<ReturnType<typeof spawn>>();
        const parent = spawn(async ({ receive }) => {
          made.resolve(spawn(({ receive: wait }) => wait()));
          await receive();
        });
        const child = await made.promise;
        expect(ancestors(child)).toEqual([parent, self]);
        exit(parent, "kill");
        expect(ancestors(child)).toEqual([parent]);
      });
    },
  },
};

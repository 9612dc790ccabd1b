/** Rows about starting and stopping children by request: fixed lists, dynamic and partition supervisors. */

import { isMainThread, threadId } from "node:worker_threads";
import { expect } from "vitest";
import {
  CallerError,
  type ChildSpec,
  call,
  countChildren,
  deleteChild,
  exit,
  fromGenServer,
  partition,
  partitions,
  restartChild,
  type Strategy,
  start,
  startChild,
  startDynamicSupervisor,
  startLink,
  startPartitionSupervisor,
  startSupervisor,
  terminateChild,
  trapExit,
} from "../../../src/otp/index.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

const server = fromGenServer({ name: "server", init: () => ({ state: 0 }) });
const ignoring = fromGenServer({ name: "ignoring", init: () => ({ ignore: true }) });

/** The rows. */
export const children: Differences = {
  "`{ok, Pid, Info}` from a start function": {
    "it is { ref, info }, and whoever asks for the start gets both": async () => {
      const { runtime, idle } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const made = idle();
      const spec = { id: "a", start: () => ({ ref: made, info: { port: 4_000 } }) };
      expect(await supervisor.startChild(spec)).toEqual({ ref: made, info: { port: 4_000 } });
      expect(supervisor.whichChild("a").ref).toBe(made);
      const dynamic = await startDynamicSupervisor({}, { runtime });
      expect(await startChild(dynamic, spec)).toEqual({ ref: made, info: { port: 4_000 } });
    },
  },

  "`simple_one_for_one`": {
    "startDynamicSupervisor takes its place: the strategy is none": async () => {
      const { runtime } = createPlace();
      const strategy = "simple_one_for_one" as Strategy;
      const refused = await failure(startSupervisor({ children: [], strategy }, { runtime }));
      expect(refused).toMatchObject({ code: "invalid_argument", field: "spec.strategy" });
      const dynamic = await startDynamicSupervisor({}, { runtime });
      const refs = [await dynamic.startChild({ logic: server }), await dynamic.startChild({ logic: server })];
      expect(dynamic.whichChildren().map(({ id, ref }) => [id, ref])).toEqual(refs.map((ref) => [undefined, ref]));
      await dynamic.stop();
    },
    "arguments that all children share are its prepare": async () => {
      const { runtime } = createPlace();
      const greeter = fromGenServer({
        init: (words: readonly string[]) => ({ state: words.join(" ") }),
        handleCall: (_message: "greet", state) => ({ reply: state }),
      });
      const prepare = (spec: ChildSpec): ChildSpec =>
        "logic" in spec ? { ...spec, input: ["hello", ...(spec.input as string[])] } : spec;
      const dynamic = await startDynamicSupervisor({ prepare }, { runtime });
      expect(await call(await dynamic.startChild({ logic: greeter, input: ["Ada"] }), "greet")).toBe("hello Ada");
      await dynamic.stop();
    },
  },

  "counts of it": {
    "there are as many specifications as children": async () => {
      const { runtime } = createPlace();
      const dynamic = await startDynamicSupervisor({}, { runtime });
      expect(countChildren(dynamic).specs).toBe(0);
      for (let count = 0; count < 3; count += 1) await dynamic.startChild({ logic: server });
      expect(countChildren(dynamic)).toEqual({ specs: 3, active: 3, supervisors: 0, workers: 3 });
      await dynamic.stop();
    },
  },

  "stopping a child of it that is dead or unknown": {
    "it rejects with not_found": async () => {
      const { runtime, idle } = createPlace();
      const dynamic = await startDynamicSupervisor({}, { runtime });
      const ref = await dynamic.startChild({ logic: server, restart: "temporary" });
      exit(ref, "kill");
      await quiet();
      for (const nobody of [ref, idle()]) {
        expect(await failure(dynamic.terminateChild(nobody))).toMatchObject({ code: "not_found" });
      }
      await dynamic.stop();
    },
  },

  "`{error, max_children}`": {
    "it is queue_full": async () => {
      const { runtime } = createPlace();
      const dynamic = await startDynamicSupervisor({ maxChildren: 1 }, { runtime });
      await dynamic.startChild({ logic: server });
      expect(await failure(dynamic.startChild({ logic: server }))).toMatchObject({ code: "queue_full" });
      await dynamic.stop();
    },
  },

  "`{error, {Reason, Child}}` from start_child": {
    "it is start_failed: the cause is the child's error, the reason names the child, and nothing is kept": async () => {
      const { runtime } = createPlace();
      const error = new Error("no");
      const failing = {
        id: "a",
        start() {
          throw error;
        },
      };
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const shutdown = { type: "failed_to_start_child", childId: "a", reason: error };
      expect(await failure(startChild(supervisor, failing))).toMatchObject({
        code: "start_failed",
        cause: error,
        reason: { shutdown },
      });
      expect(countChildren(supervisor).specs).toBe(0);
      const dynamic = await startDynamicSupervisor({}, { runtime });
      expect(await failure(startChild(dynamic, failing))).toMatchObject({ cause: error, reason: error });
      for (const one of [supervisor, dynamic]) await one.stop();
    },
  },

  "start_child when the name is taken": {
    "already_started, with the holder as its value": async () => {
      const { runtime } = createPlace();
      const holder = await start(server, { runtime, name: "taken" });
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const dynamic = await startDynamicSupervisor({}, { runtime });
      for (const target of [supervisor, dynamic]) {
        const error = await failure(startChild(target, { id: "a", logic: server, name: "taken" }));
        expect(error).toMatchObject({ code: "already_started", value: holder });
        expect(countChildren(target).specs).toBe(0);
        await target.stop();
      }
    },
    "when what is taken is no process, start_failed with that as its cause": async () => {
      const { runtime } = createPlace();
      const taken = new CallerError("already_started", "the id is taken", { field: "id", value: "chat" });
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const error = await failure(supervisor.startChild({ id: "a", start: () => Promise.reject(taken) }));
      expect(error).toMatchObject({ code: "start_failed", cause: taken });
      await supervisor.stop();
    },
  },

  "`ignore` from a start": {
    "start and a dynamic startChild reject with ignored": async () => {
      const { runtime } = createPlace();
      expect(await failure(start(ignoring, { runtime }))).toMatchObject({ code: "ignored" });
      const dynamic = await startDynamicSupervisor({}, { runtime });
      for (const spec of [{ logic: ignoring }, { start: () => undefined }]) {
        expect(await failure(startChild(dynamic, spec))).toMatchObject({ code: "ignored" });
      }
      expect(countChildren(dynamic).specs).toBe(0);
      await dynamic.stop();
    },
    "startChild of a fixed list answers undefined and keeps the specification, unless the child is temporary":
      async () => {
        const { runtime } = createPlace();
        const supervisor = await startSupervisor({ children: [] }, { runtime });
        expect(await supervisor.startChild({ logic: ignoring })).toBeUndefined();
        expect(await supervisor.startChild({ id: "b", logic: ignoring, restart: "temporary" })).toBeUndefined();
        expect(supervisor.whichChildren()).toMatchObject([{ id: "ignoring", ref: undefined, status: "stopped" }]);
        await supervisor.stop();
      },
  },

  "partitions of a partition supervisor": {
    "there are as many as partitions says, which has to be said": async () => {
      const { runtime, inside } = createPlace();
      const spec = { name: "partitioned", child: { logic: server } };
      const refused = await failure(
        startPartitionSupervisor(spec as typeof spec & { partitions: number }, { runtime }),
      );
      expect(refused).toMatchObject({ code: "invalid_argument", field: "spec.partitions", value: undefined });
      const supervisor = await startPartitionSupervisor({ ...spec, partitions: 3 }, { runtime });
      expect(await inside(() => partitions("partitioned"))).toBe(3);
      expect(countChildren(supervisor).active).toBe(3);
      await supervisor.stop();
    },
    "all run in one thread": async () => {
      const { runtime } = createPlace();
      const telling = fromGenServer({
        init: () => ({ state: 0 }),
        handleCall: (_message: "thread") => ({ reply: [threadId, isMainThread] }),
      });
      const supervisor = await startPartitionSupervisor(
        { name: "p", partitions: 2, child: { logic: telling } },
        { runtime },
      );
      for (const key of [0, 1]) {
        expect(await call(partition(supervisor, key), "thread")).toEqual([threadId, isMainThread]);
      }
      await supervisor.stop();
    },
    "the strategy is one_for_one: the flag is refused": async () => {
      const { runtime } = createPlace();
      const spec = { name: "p", partitions: 2, child: { logic: server } };
      const strategy = { strategy: "one_for_all" };
      const refused = await failure(startPartitionSupervisor({ ...spec, ...strategy }, { runtime }));
      expect(refused).toMatchObject({ code: "invalid_argument", field: "spec.strategy" });
      const supervisor = await startPartitionSupervisor(spec, { runtime });
      const [second, first] = supervisor.whichChildren().map(({ ref }) => ref);
      exit(first ?? "nobody", "kill");
      await quiet();
      expect(supervisor.whichChild("0")).toMatchObject({ status: "running" });
      expect(supervisor.whichChild("0").ref).not.toBe(first);
      expect(supervisor.whichChild("1").ref).toBe(second);
      await supervisor.stop();
    },
  },

  "`{error, running}`, `{error, restarting}`": {
    "running is already_started": async () => {
      const { runtime } = createPlace();
      const supervisor = await startSupervisor({ children: [{ id: "a", logic: server }] }, { runtime });
      const value = supervisor.whichChild("a").ref;
      for (const refused of [restartChild(supervisor, "a"), deleteChild(supervisor, "a")]) {
        expect(await failure(refused)).toMatchObject({ code: "already_started", value });
      }
      await supervisor.stop();
    },
    "restarting is already_present, and so is a start of what is kept": async () => {
      const { runtime, idle } = createPlace();
      const decision = { type: "restart", delayMs: 100, because: "later" } as const;
      const policy = () => ({ decision, state: undefined });
      const spec = { id: "a", start: () => idle() };
      const supervisor = await startSupervisor({ children: [], policy }, { runtime });
      exit((await supervisor.startChild(spec)) ?? "nobody", "crash");
      await quiet();
      expect(supervisor.whichChild("a").status).toBe("restarting");
      for (const refused of [restartChild(supervisor, "a"), deleteChild(supervisor, "a")]) {
        expect(await failure(refused)).toMatchObject({ code: "already_present" });
      }
      await terminateChild(supervisor, "a");
      expect(await failure(supervisor.startChild(spec))).toMatchObject({ code: "already_present" });
      await supervisor.stop();
    },
  },

  "a failed start of a linked process": {
    "who traps exits has the rejection alone": async () => {
      const { inside } = createPlace();
      const failing = [
        fromGenServer({ init: () => ({ stop: "no" }) }),
        fromGenServer({ init: () => ({ ignore: true }) }),
        fromGenServer({
          init(): { state: number } {
            throw new Error("no");
          },
        }),
      ];
      await inside(async ({ receive }) => {
        trapExit();
        for (const logic of failing) {
          expect(await failure(startLink(logic))).toMatchObject({ code: /start_failed|ignored/ });
        }
        await quiet();
        expect(await failure(receive(undefined, { timeoutMs: 0 }))).toMatchObject({ code: "timeout" });
      });
    },
    "who does not is not ended by it": async () => {
      const { inside } = createPlace();
      const logic = fromGenServer({ init: () => ({ stop: "no" }) });
      expect(await inside(() => failure(startLink(logic)))).toMatchObject({ code: "start_failed", reason: "no" });
    },
  },
};

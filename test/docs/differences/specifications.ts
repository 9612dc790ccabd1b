/** Rows about what a supervisor and its children are told, and the defaults. */

import { expect } from "vitest";
import { setup } from "xstate";
import {
  type ChildSpec,
  defineSupervisor,
  exit,
  fromGenServer,
  getChildSpec,
  Registry,
  type Runtime,
  type SupervisorSpec,
  self,
  startChild,
  startPartitionSupervisor,
  startSupervisor,
  whichChild,
  whichChildren,
} from "../../../src/otp/index.ts";
import { createPlace, failure, isSettled, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

const server = fromGenServer({ name: "server", init: () => ({ state: 0 }) });

/** A supervisor of one child that can be made to crash. */
export async function superviseOne(runtime: Runtime, flags: Partial<SupervisorSpec> = {}) {
  const supervisor = await startSupervisor({ ...flags, children: [{ id: "a", logic: server }] }, { runtime });
  const crash = async () => {
    exit(whichChild(supervisor, "a").ref ?? "nobody", "crash");
    await quiet();
    return supervisor.process.alive;
  };
  return { supervisor, crash };
}

/** The rows. */
export const specifications: Differences = {
  "default intensity": {
    "3 restarts in 5,000 ms are allowed, and the fourth ends the supervisor": async () => {
      const { runtime } = createPlace();
      const { crash } = await superviseOne(runtime);
      expect([await crash(), await crash(), await crash(), await crash()]).toEqual([true, true, true, false]);
    },
    "after 5,000 ms they are forgotten": async () => {
      const { runtime, clock } = createPlace();
      const { supervisor, crash } = await superviseOne(runtime);
      for (let count = 0; count < 3; count += 1) await crash();
      clock.advance(5_001);
      expect(await crash()).toBe(true);
      await supervisor.stop();
    },
  },

  "window of the intensity": {
    "it is milliseconds, and a restart exactly periodMs ago still counts": async () => {
      const survives = async (betweenMs: number) => {
        const { runtime, clock } = createPlace();
        const { crash } = await superviseOne(runtime, { maxRestarts: 1, periodMs: 1_500 });
        clock.advance(250);
        await crash();
        clock.advance(betweenMs);
        return crash();
      };
      expect([await survives(1_499), await survives(1_500), await survives(1_501)]).toEqual([false, false, true]);
    },
  },

  "defaults of a nested supervisor": {
    "type supervisor, permanent, shutdownMs infinity": async () => {
      const { runtime } = createPlace();
      const inner = defineSupervisor({ id: "inner", children: [] });
      const outer = await startSupervisor({ children: [inner] }, { runtime });
      const defaults = { type: "supervisor", restart: "permanent", shutdownMs: "infinity", significant: false };
      expect(getChildSpec(outer, "inner")).toMatchObject(defaults);
      await outer.stop();
    },
  },

  "child specifications": {
    "one is an object with logic or with start, a function": async () => {
      const { runtime, idle } = createPlace();
      const supervisor = await startSupervisor({ children: [{ id: "a", logic: server }] }, { runtime });
      const made = idle();
      expect(await supervisor.startChild({ id: "b", start: () => made })).toBe(made);
      const others: unknown[] = [["id", "start"], server, "module", { id: "c", start: ["module", "function", []] }];
      for (const other of others) {
        const refused = await failure(startChild(supervisor, other as ChildSpec));
        expect(refused).toMatchObject({ code: "invalid_argument" });
      }
      await supervisor.stop();
    },
    "its start function runs in the supervisor's process": async () => {
      const { runtime, idle } = createPlace();
      const starters: unknown[] = [];
      const start = () => {
        starters.push(self());
        return idle();
      };
      const supervisor = await startSupervisor({ children: [{ id: "a", start }] }, { runtime });
      expect(starters).toEqual([supervisor.process]);
      await supervisor.stop();
    },
  },

  "unknown keys of a specification": {
    "they are ignored, and TypeScript refuses them": async () => {
      const { runtime, idle } = createPlace();
      const start = () => idle();
      // @ts-expect-error there is no such flag of a supervisor
      const supervisor = await startSupervisor({ children: [], colour: "blue" }, { runtime });
      // @ts-expect-error there is no such field of a child
      const ref = await supervisor.startChild({ id: "a", start, colour: "blue" });
      expect(whichChildren(supervisor)).toMatchObject([{ id: "a", ref, status: "running" }]);
      await supervisor.stop();
    },
    "those of a partition supervisor are refused": async () => {
      const { runtime } = createPlace();
      const spec = { name: "partitioned", partitions: 1, child: { logic: server }, colour: "blue" };
      const refused = await failure(startPartitionSupervisor(spec, { runtime }));
      expect(refused).toMatchObject({ code: "invalid_argument", field: "spec.colour" });
      expect(runtime.processCount).toBe(0);
    },
  },

  "id of a child": {
    "it is id, else its name, else the key of its name, else the name that its logic was given": async () => {
      const { runtime } = createPlace();
      const rooms = Registry.start<string>({ keys: "unique", runtime });
      const machine = setup({}).createMachine({ id: "machine" });
      const children = [
        { id: "an id", name: "another name", logic: server },
        { name: "a name", logic: server },
        { name: rooms.via("a key"), logic: server },
        { logic: server },
        { logic: machine },
      ];
      const supervisor = await startSupervisor({ children }, { runtime });
      const ids = whichChildren(supervisor).map(({ id }) => id);
      expect(ids.reverse()).toEqual(["an id", "a name", "a key", "server", "machine"]);
      await supervisor.stop();
    },
    "without any of them, or when it is no string, it is refused": async () => {
      const { runtime, idle } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const unnamed: unknown[] = [
        { start: () => idle() },
        { id: 7, start: () => idle() },
        { logic: fromGenServer({ init: () => ({ state: 0 }) }) },
        { logic: fromGenServer({ init: () => ({ state: 0 }) }), name: { via: supervisor, key: 1 } },
      ];
      for (const spec of unnamed) {
        const refused = await failure(startChild(supervisor, spec as ChildSpec));
        expect(refused).toMatchObject({ code: "invalid_argument", field: "spec.id" });
      }
      await supervisor.stop();
    },
  },

  "time limit of a start": {
    "startTimeoutMs of a child that is logic kills it, and the start fails with timeout": async () => {
      const { runtime, clock } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const hanging = fromGenServer({ init: () => new Promise<never>(() => undefined) });
      const starting = failure(supervisor.startChild({ id: "a", logic: hanging, startTimeoutMs: 10 }));
      await quiet();
      clock.advance(10);
      const shutdown = { type: "failed_to_start_child", childId: "a", reason: "timeout" };
      expect(await starting).toMatchObject({ code: "start_failed", reason: { shutdown } });
      expect(runtime.processCount).toBe(1);
      await supervisor.stop();
    },
    "by default it is infinity": async () => {
      const { runtime, clock } = createPlace();
      const gate = Promise.withResolvers<{ state: number }>();
      const starting = startSupervisor(
        { children: [{ id: "a", logic: fromGenServer({ init: () => gate.promise }) }] },
        { runtime },
      );
      await quiet();
      clock.advance(1_000_000_000);
      expect(await isSettled(starting)).toBe(false);
      gate.resolve({ state: 0 });
      await (await starting).stop();
    },
  },
};

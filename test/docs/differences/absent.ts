/** Rows about what is not there: the door has no name for it, TypeScript refuses it, and what is given all the same changes nothing. */

import { expect } from "vitest";
import {
  type ChildSpec,
  call,
  exit,
  fromGenServer,
  Groups,
  monitor,
  multiCall,
  Registry,
  type StartOptions,
  self,
  send,
  spawn,
  start,
  startSupervisor,
  Task,
} from "../../../src/otp/index.ts";
import { exportsOf } from "../../structure/source.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

/** Every name of the door, of values and types. */
const { values, types } = exportsOf("otp/index.ts");
const doorNames = [...values, ...types];

/** Fails when the door has a name that matches. */
function expectLacking(pattern: RegExp): void {
  expect(doorNames).toContain("start");
  expect(doorNames.filter((name) => pattern.test(name))).toEqual([]);
}

const server = {
  init: () => ({ state: "kept" }),
  handleCall: (_message: "state", state: string) => ({ reply: state }),
};

/** The rows. */
export const absent: Differences = {
  "hibernate, hot code upgrade, process dictionary, priorities": {
    "the door has no name for them": () =>
      expectLacking(/hibernat|upgrade|codeChange|changeCode|appup|relup|dictionary|priorit|callbackModule/i),
    "an answer of a callback that asks to hibernate is one without it": async () => {
      const { runtime } = createPlace();
      const handleCall = (_message: "state", state: string) => ({ reply: state, hibernate: true });
      const ref = await start(fromGenServer({ ...server, handleCall }), { runtime });
      expect([await call(ref, "state"), await call(ref, "state")]).toEqual(["kept", "kept"]);
    },
    "neither are modules and code_change": async () => {
      const { runtime, idle } = createPlace();
      const changed: unknown[] = [];
      // @ts-expect-error a server has no such callback
      const logic = fromGenServer({ ...server, codeChange: (...given: unknown[]) => changed.push(given) });
      expect(await call({ process: await start(logic, { runtime }) }, "state")).toBe("kept");
      // @ts-expect-error a specification has no such field
      const spec: ChildSpec = { id: "a", start: () => idle(), modules: ["worker"] };
      const supervisor = await startSupervisor({ children: [spec] }, { runtime });
      expect(supervisor.getChildSpec("a")).not.toHaveProperty("modules");
      expect(changed).toEqual([]);
      await supervisor.stop();
    },
    "the flags of a supervisor are read once": async () => {
      const { runtime, idle, inside } = createPlace();
      const spec = { maxRestarts: 0, children: [{ id: "a", start: () => idle({ name: "a" }) }] };
      const supervisor = await startSupervisor(spec, { runtime });
      spec.maxRestarts = 10;
      await inside(() => exit("a", "kill"));
      expect(await supervisor.ended).toBe("shutdown");
    },
  },

  "`enter_loop`, `spawn_opt`, `debug`, `start_timer`, `apply_after`, `exit_after`": {
    "the door has no name for them": () =>
      expectLacking(/loop|initAck|spawnOpt|debug|startTimer|applyAfter|applyInterval|exitAfter|killAfter/i),
    "a start takes no options of a virtual machine": async () => {
      const { runtime } = createPlace();
      // @ts-expect-error
      const ofSpawn: StartOptions<undefined> = { spawnOpt: [{ priority: "high" }] };
      // @ts-expect-error
      const debug: StartOptions<undefined> = { debug: ["trace"] };
      const ref = await start(fromGenServer(server), { ...ofSpawn, ...debug, runtime });
      expect(await call(ref, "state")).toBe("kept");
    },
    "setTimeout takes the place of the timers that do something: it runs as its process": async () => {
      const { inside } = createPlace();
      const ran = await inside(async ({ self: me }) => {
        const seen = await new Promise((resolve) => setTimeout(() => resolve(self()), 0));
        return seen === me;
      });
      expect(ran).toBe(true);
    },
  },

  "gen_event, applications, ETS": {
    "the door has no name for them": () => expectLacking(/genEvent|eventManager|application|ets\b|table|mnesia/i),
    "a group, or a registry of duplicate keys, tells many": async () => {
      const { runtime } = createPlace();
      const heard: string[] = [];
      const listen = (name: string) =>
        spawn(async ({ receive }) => heard.push(`${name} ${await receive()}`), { runtime });
      const groups = Groups.start<string>({ runtime });
      groups.join("event", [listen("a"), listen("b")]);
      for (const member of groups.members("event")) send(member, "grouped");
      const registry = Registry.start<string, undefined>({ keys: "duplicate", runtime });
      for (const name of ["c", "d"]) registry.register("event", undefined, listen(name));
      registry.dispatch("event", (entries) => {
        for (const { process } of entries) send(process, "dispatched");
      });
      await quiet();
      expect(heard).toEqual(["a grouped", "b grouped", "c dispatched", "d dispatched"]);
    },
  },

  nodes: {
    "the door has no name for them": () =>
      expectLacking(/^node|nodes|netKernel|cluster|abcast|global|^rpc|cookie|distribut/i),
    "multiCall asks a list of processes": async () => {
      const { runtime, idle } = createPlace();
      const ref = await start(fromGenServer(server), { runtime });
      const dead = idle();
      exit(dead, "kill");
      const { replies, bad } = await multiCall([ref, dead], "state");
      expect(replies).toEqual([{ target: ref, reply: "kept" }]);
      expect(bad).toMatchObject([{ target: dead, error: { code: "noproc" } }]);
    },
    "noconnection is the reason of a process that stands for a lost connection": async () => {
      const { idle, inside } = createPlace();
      await inside(async ({ receive }) => {
        const lost = idle();
        monitor(lost);
        exit(lost, "noconnection");
        expect(await receive()).toMatchObject({ type: "DOWN", reason: "noconnection" });
      });
      const task = Task.async(({ receive }) => receive());
      exit(task.process ?? "nobody", "noconnection");
      expect(await failure(Task.yield(task))).toMatchObject({ code: "exited", reason: "noconnection" });
    },
  },
};

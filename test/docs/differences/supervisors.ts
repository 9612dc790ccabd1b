/** Rows about supervisors: how they hold their children, what they answer, and their end. */

import { expect } from "vitest";
import {
  call,
  cast,
  exit,
  exited,
  fromGenServer,
  Groups,
  isAlive,
  link,
  type Process,
  processInfo,
  Registry,
  self,
  send,
  spawn,
  startChild,
  startSupervisor,
  stop,
  terminateChild,
  unlink,
  whichChild,
  whichChildren,
} from "../../../src/otp/index.ts";
import { createPlace, failure, quiet } from "./place.ts";
import { superviseOne } from "./specifications.ts";
import type { Differences } from "./table.ts";

const server = fromGenServer({ name: "server", init: () => ({ state: 0 }) });

/** The rows. */
export const supervisors: Differences = {
  "a supervisor or registry and who starts it": {
    "they are linked to nobody": async () => {
      const { runtime } = createPlace();
      const started = Promise.withResolvers<Process[]>();
      const owner = spawn(
        async ({ receive }) => {
          const supervisor = await startSupervisor({ children: [] });
          const registry = Registry.start({ keys: "unique" });
          started.resolve([supervisor.process, registry.process, Groups.start().process]);
          await receive();
        },
        { runtime },
      );
      const processes = await started.promise;
      expect(processInfo(owner)?.links).toEqual([]);
      exit(owner, "kill");
      await quiet();
      expect(processes.map(isAlive)).toEqual([true, true, true]);
    },
    "unless it is said": async () => {
      const { inside } = createPlace();
      await inside(async ({ self: me }) => {
        const supervisor = await startSupervisor({ children: [] }, { link: true });
        const registry = Registry.startLink({ keys: "unique" });
        const linked = [supervisor.process, registry.process, Groups.startLink().process];
        expect(processInfo(me)?.links).toEqual(linked);
      });
    },
  },

  "a child and its supervisor": {
    "no link is between them: a start function answers any process, and its end is seen": async () => {
      const { runtime, idle } = createPlace();
      const made: ReturnType<typeof idle>[] = [];
      const start = () => {
        made.push(idle());
        return made.at(-1);
      };
      const supervisor = await startSupervisor({ children: [{ id: "a", start }] }, { runtime });
      expect(processInfo(supervisor.process)?.links).toEqual([]);
      expect(made.map((ref) => processInfo(ref)?.links)).toEqual([[]]);
      exit(made[0] ?? "nobody", "crash");
      await quiet();
      expect(made).toHaveLength(2);
      await supervisor.stop();
      expect(made.map(({ exitReason }) => exitReason)).toEqual(["crash", "shutdown"]);
    },
    "unlink takes nothing away": async () => {
      const { runtime } = createPlace();
      const code = async ({ receive }: { receive: () => Promise<unknown> }) => {
        link(supervisorProcess());
        unlink(supervisorProcess());
        await receive();
      };
      const supervisorProcess = () => processInfo(self())?.parent ?? "nobody";
      const start = () => spawn(code);
      const supervisor = await startSupervisor({ children: [{ id: "a", start }] }, { runtime });
      await quiet();
      const { ref } = supervisor.whichChild("a");
      send(ref ?? "nobody", "end");
      await quiet();
      expect(supervisor.whichChild("a")).toMatchObject({ status: "running" });
      expect(supervisor.whichChild("a").ref).not.toBe(ref);
      await supervisor.stop();
      expect(runtime.processCount).toBe(0);
    },
    "one that is killed takes its children with it; one that does not leave is killed after its shutdownMs":
      async () => {
        const { runtime, clock, idle } = createPlace();
        const [quick, slow] = [idle(), idle({ trapExit: true })];
        const children = [
          { id: "quick", start: () => quick },
          { id: "slow", start: () => slow, shutdownMs: 100 },
        ];
        const supervisor = await startSupervisor({ children }, { runtime });
        exit(supervisor.process, "kill");
        await quiet();
        expect([quick.exitReason, slow.alive]).toEqual(["killed", true]);
        clock.advance(100);
        await quiet();
        expect(slow.exitReason).toBe("killed");
        expect(await supervisor.ended).toBe("killed");
      },
  },

  "a call to a supervisor that it does not know": {
    "it is refused, and the supervisor lives on": async () => {
      const { runtime } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      expect(await failure(call(supervisor, "unknown"))).toMatchObject({ code: "exited", reason: "refused" });
      expect(supervisor.process.alive).toBe(true);
      await supervisor.stop();
    },
    "a cast is a dead letter": async () => {
      const { runtime, told } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      cast(supervisor, "unknown");
      await quiet();
      expect(told("dead_letter")).toMatchObject([{ message: "unknown", why: "unhandled" }]);
      expect(supervisor.process.alive).toBe(true);
      await supervisor.stop();
    },
  },

  "a supervisor that has ended": {
    "by its process, its name or a key it is noproc": async () => {
      const { runtime, inside } = createPlace();
      const rooms = Registry.start<string>({ keys: "unique", runtime });
      const named = await startSupervisor({ children: [] }, { runtime, name: "ended" });
      const keyed = await startSupervisor({ children: [] }, { runtime, name: rooms.via("ended") });
      for (const supervisor of [named, keyed]) await supervisor.stop();
      for (const target of [named.process, "ended", rooms.via("ended")]) {
        await inside(async () => {
          expect(await failure(() => whichChildren(target))).toMatchObject({ code: "noproc" });
          expect(await failure(terminateChild(target, "a"))).toMatchObject({ code: "noproc" });
        });
      }
    },
    "the object that started it tells what it was, and refuses requests with stopped": async () => {
      const { runtime } = createPlace();
      const { supervisor } = await superviseOne(runtime);
      await supervisor.stop();
      expect(supervisor.whichChildren()).toMatchObject([{ id: "a", ref: undefined, status: "stopped" }]);
      expect(supervisor.countChildren()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
      expect(await failure(supervisor.restartChild("a"))).toMatchObject({ code: "stopped" });
      expect(await failure(startChild(supervisor, { logic: server }))).toMatchObject({ code: "stopped" });
    },
  },

  "the reason of a supervisor that is stopped": {
    "its own stop ends it with shutdown": async () => {
      const { runtime } = createPlace();
      const { supervisor } = await superviseOne(runtime);
      expect(await supervisor.stop()).toBe("shutdown");
      expect(await exited(supervisor)).toBe("shutdown");
    },
    "another can be given, and stop of its process ends it normal, as any process": async () => {
      const { runtime } = createPlace();
      const first = await superviseOne(runtime);
      expect(await first.supervisor.stop("finished")).toBe("finished");
      const second = await superviseOne(runtime);
      await stop(second.supervisor);
      expect(await second.supervisor.ended).toBe("normal");
    },
  },

  "`which_children`, `count_children` and their kin": {
    "they answer at once, also while a child starts: it is restarting then": async () => {
      const { runtime } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const gate = Promise.withResolvers<void>();
      const slow = fromGenServer({
        async init() {
          await gate.promise;
          return { state: 0 };
        },
      });
      const starting = supervisor.startChild({ id: "slow", logic: slow });
      await quiet();
      expect(whichChildren(supervisor)).toEqual([{ id: "slow", ref: undefined, status: "restarting", type: "worker" }]);
      expect(supervisor.countChildren()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
      gate.resolve();
      await starting;
      expect(whichChild(supervisor, "slow").status).toBe("running");
      await supervisor.stop();
    },
  },
};

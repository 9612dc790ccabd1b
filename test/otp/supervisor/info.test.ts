import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { exited } from "../../../src/otp/start/names.ts";
import type { StartedWithInfo } from "../../../src/otp/supervisor/running-child.ts";
import { restartChild, startChild, startSupervisor, tree, whichChild } from "../../../src/otp/supervisor/start.ts";
import { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet } from "../scripted.ts";
import { bystander, rejection } from "../support.ts";

/** Start functions that answer the process and its number, and the processes they have started. */
function createChatty() {
  const world = createWorld();
  const started: Process[] = [];
  const start = (): StartedWithInfo<Process, { number: number }> => {
    started.push(bystander(world));
    return { ref: started.at(-1) as Process, info: { number: started.length } };
  };
  return { ...world, started, start };
}

describe("what a start function answers beside the ref", () => {
  test("is handed to the one who starts or restarts the child, and shown nowhere else", async () => {
    const { supervise, started, start, reports } = createChatty();
    const supervisor = await supervise({});
    expect(await supervisor.startChild({ id: "a", start })).toEqual({ ref: started[0], info: { number: 1 } });
    expect(await startChild(supervisor.process, { id: "b", start })).toEqual({ ref: started[1], info: { number: 2 } });
    await supervisor.terminateChild("a");
    expect(await supervisor.restartChild("a")).toEqual({ ref: started[2], info: { number: 3 } });
    await supervisor.terminateChild("b");
    expect(await restartChild(supervisor, "b")).toEqual({ ref: started[3], info: { number: 4 } });
    expect(supervisor.whichChildren().map(({ ref }) => ref)).toEqual([started[3], started[2]]);
    expect([whichChild(supervisor, "a").ref, supervisor.whereis("b")]).toEqual([started[2], started[3]]);
    expect(tree(supervisor).children?.map(({ state }) => state)).toEqual(["active", "active"]);
    const about = reports.flatMap((report) => (report.type === "child.started" ? [report.offender.process] : []));
    expect(about).toEqual(started.map(String));
    expect(JSON.stringify([reports, tree(supervisor)])).not.toContain("number");
    await supervisor.stop();
  });

  test("is dropped by a restart of the policy, and when the child starts with its supervisor", async () => {
    const { supervise, started, start } = createChatty();
    const supervisor = await supervise({ children: [{ id: "a", start }] });
    exit(started[0] as Process, "died");
    await quiet();
    expect(supervisor.whichChild("a")).toEqual({ id: "a", ref: started[1], status: "running", type: "worker" });
    await supervisor.stop();
    expect(started.map(({ exitReason }) => exitReason)).toEqual(["died", "shutdown"]);
  });

  test("comes from a dynamic supervisor too, whose child is known by its ref alone", async () => {
    const { superviseDynamic, started, start } = createChatty();
    const supervisor = await superviseDynamic();
    const { ref, info } = await supervisor.startChild({ start });
    expect([ref, info]).toEqual([started[0], { number: 1 }]);
    expect(supervisor.whichChild(ref).ref).toBe(ref);
    await supervisor.terminateChild(ref);
    expect(ref.exitReason).toBe("shutdown");
    await supervisor.stop();
  });

  test("may be undefined, and stands beside whatever is a ref: a supervisor, a running child of another kind", async () => {
    const { supervise, runtime } = createChatty();
    const supervisor = await supervise({});
    const nothing = await supervisor.startChild({
      id: "a",
      start: async () => ({ ref: await startSupervisor({}, { runtime }), info: undefined }),
    });
    expect(nothing).toEqual({ ref: expect.any(Supervisor), info: undefined });
    const other = await supervisor.startChild({
      id: "b",
      start: ({ supervisor: actor, exited: ended }) => {
        const end = () => ended("shutdown");
        return { ref: { ref: "b's ref", actor, stop: end, kill: end }, info: 7 };
      },
    });
    expect(other).toEqual({ ref: "b's ref", info: 7 });
    await supervisor.stop();
  });

  test("makes a ref of nothing: junk beside an info is a failed start", async () => {
    const { supervise } = createChatty();
    const supervisor = await supervise({});
    for (const ref of [undefined, null, 5, {}]) {
      const error = await rejection(supervisor.startChild({ id: "a", start: () => ({ ref, info: 1 }) as never }));
      expect(error).toMatchObject({ code: "start_failed", cause: { name: "TypeError" } });
    }
    expect(supervisor.whichChildren()).toEqual([]);
    await supervisor.stop();
  });

  test("keeps no process alive whose supervisor was killed while it started", async () => {
    const { supervise, started, start } = createChatty();
    const supervisor = await supervise({});
    const go = Promise.withResolvers<void>();
    const starting = supervisor.startChild({ id: "a", start: () => go.promise.then(start) });
    exit(supervisor.process, "kill");
    go.resolve();
    expect(await rejection(starting)).toMatchObject({ code: "start_failed" });
    expect(await exited(started[0] as Process)).toBe("killed");
  });
});

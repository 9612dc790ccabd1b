/** What the rows leave out of kills and of starts that take time: nothing outlives its supervisor, nothing runs twice, every request settles. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { defineDynamicSupervisor, defineSupervisor } from "../../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet, type World } from "../scripted.ts";
import { bystander, counted, listed, rejection } from "../support.ts";

const hangs: ChildSpec = { id: "hangs", start: () => new Promise<never>(() => undefined) };

describe("a supervisor is killed while a child starts", () => {
  const starting: [what: string, (world: World) => ChildSpec][] = [
    ["a start function that hangs", () => hangs],
    [
      "a server whose init hangs",
      () => ({ id: "server", logic: fromGenServer({ init: () => new Promise<never>(() => undefined) }) }),
    ],
    [
      "a server that traps exits and whose init hangs",
      () => ({
        id: "server",
        logic: fromGenServer({ trapExit: true, init: () => new Promise<never>(() => undefined) }),
      }),
    ],
    [
      "a supervisor, one of whose children hangs",
      ({ script }) => defineSupervisor({ id: "inner", children: [script("grandchild").spec, hangs] }),
    ],
    [
      "a supervisor two levels above what hangs",
      ({ script }) => {
        const inner = defineSupervisor({ id: "inner", children: [script("deep").spec, hangs] });
        return defineSupervisor({ id: "outer", children: [script("grandchild").spec, inner] });
      },
    ],
  ];

  test.each(starting)("%s: the request is rejected and nothing is left", async (_what, make) => {
    const world = createWorld();
    const supervisor = await world.supervise({ children: [world.script("a").spec] });
    const request = rejection(supervisor.startChild(make(world)));
    await quiet();
    exit(supervisor.process, "kill");
    expect(await request).toMatchObject({ code: "start_failed", cause: { reason: "killed" } });
    await quiet();
    expect(world.runtime.processCount).toBe(0);
  });

  test.each(starting)("%s, in its list: its own start is rejected and nothing is left", async (_what, make) => {
    const world = createWorld();
    const root = await world.superviseDynamic();
    const request = rejection(root.startChild(defineSupervisor({ id: "sub", children: [make(world)] })));
    await quiet();
    exit(root.process, "kill");
    expect(await request).toMatchObject({ code: "start_failed" });
    await quiet();
    expect(world.runtime.processCount).toBe(0);
  });

  test("what starts after all is ended at once", async () => {
    const world = createWorld();
    const gate = Promise.withResolvers<void>();
    const started: Process[] = [];
    const late: ChildSpec = {
      id: "late",
      start: () =>
        gate.promise.then(() => {
          started.push(bystander(world));
          return started[0];
        }),
    };
    const supervisor = await world.supervise({});
    const request = rejection(supervisor.startChild(late));
    await quiet();
    exit(supervisor.process, "kill");
    expect(await request).toMatchObject({ code: "start_failed" });
    gate.resolve();
    await quiet();
    expect(started.map(({ exitReason }) => exitReason)).toEqual(["killed"]);
    expect(world.runtime.processCount).toBe(0);
  });
});

test.each([
  ["a static", (children: ChildSpec[]) => defineSupervisor({ id: "middle", children })],
  ["a dynamic", () => defineDynamicSupervisor({ id: "middle" })],
] as const)(
  "%s supervisor that was killed is restarted when its last child has gone: nothing runs twice",
  async (_kind, define) => {
    const world = createWorld();
    const slow = world.script("slow", { stopMs: 100 });
    const top = await world.supervise({ children: [define([slow.spec])] });
    const middle = () => top.whichChild("middle").ref as Supervisor;
    const first = middle();
    if (slow.refs.length === 0) await first.startChild(slow.spec);
    exit(first.process, "kill");
    await quiet();
    expect(slow.refs.map(({ status }) => status)).toEqual(["exiting"]);
    expect(counted(top)).toBe("1/0/1/0");
    world.clock.advance(100);
    await quiet();
    expect(slow.refs[0]?.alive).toBe(false);
    expect(middle()).not.toBe(first);
    expect(counted(top)).toBe("1/1/1/0");
    top.kill();
    await quiet();
    world.clock.advance(100);
    await top.ended;
    await quiet();
    expect(world.runtime.processCount).toBe(0);
  },
);

test("requests that wait when a supervisor is killed are rejected", async () => {
  const world = createWorld();
  const supervisor = await world.supervise({ children: [world.script("a", { stopMs: "infinity" }).spec] });
  const requests = [
    supervisor.terminateChild("a"),
    supervisor.restartChild("a"),
    supervisor.deleteChild("a"),
    supervisor.startChild(world.script("b").spec),
  ].map(rejection);
  await quiet();
  exit(supervisor.process, "kill");
  world.clock.advance(5_000);
  const [terminated, ...waiting] = await Promise.all(requests);
  expect(terminated).toBe("settled");
  for (const refused of waiting) expect(refused).toMatchObject({ code: "stopped" });
  expect(world.runtime.processCount).toBe(0);
});

test("a child whose start answers junk again stays stopped and can be tried anew", async () => {
  const { supervise } = createWorld();
  const answers: unknown[] = [undefined, "junk"];
  const supervisor = await supervise({ children: [{ id: "a", start: () => answers.shift() as undefined }] });
  expect(await rejection(supervisor.restartChild("a"))).toMatchObject({ code: "start_failed" });
  expect(listed(supervisor)).toEqual(["a stopped"]);
  expect(await supervisor.restartChild("a")).toBeUndefined();
  await supervisor.stop();
});

test("a process that is dead already when its start answers is an end like any other", async () => {
  const world = createWorld();
  const refs: Process[] = [];
  const child: ChildSpec = {
    id: "short",
    start() {
      refs.push(bystander(world));
      if (refs.length === 1) exit(refs[0] as Process, "kill");
      return refs.at(-1);
    },
  };
  const supervisor = await world.supervise({ children: [child] });
  await quiet();
  expect(refs).toHaveLength(2);
  expect(supervisor.whichChild("short").ref).toBe(refs[1]);
  await supervisor.stop();
});

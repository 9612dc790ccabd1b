/** Conformance rows S20 to S26: stopping a supervisor. */

import { describe, expect, test } from "vitest";
import type { RestartType } from "../../../src/otp/report/supervisor-report.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { createWorld, quiet } from "../scripted.ts";
import { counted } from "../support.ts";

const types: RestartType[] = ["temporary", "transient", "permanent"];
const reasons = ["normal", "shutdown", { shutdown: "bye" }, "other"] as const;

test("S20 children with shutdown infinity, workers too, are waited for without a timer and end with shutdown", async () => {
  const { script, supervise, clock, log } = createWorld();
  const sub = script("sub", { type: "supervisor", shutdownMs: "infinity" });
  const worker = script("worker", { shutdownMs: "infinity", stopMs: 3_600_000 });
  const supervisor = await supervise({ children: [sub.spec, worker.spec] });
  const stopping = supervisor.stop();
  await quiet();
  expect(clock.pending).toBe(1); // the child's own
  clock.advance(3_600_000);
  expect(await stopping).toBe("shutdown");
  expect(log).toEqual(["start sub", "start worker", "stop worker", "stop sub"]);
  expect([await exited(sub.ref), await exited(worker.ref)]).toEqual(["shutdown", "shutdown"]);
});

test("S21 a child that is stuck is killed when its shutdown time is up, those before it end with shutdown (adapted: stuck is a hook that never settles)", async () => {
  const { script, supervise, clock, reports } = createWorld();
  const child1 = script("child1", { shutdownMs: 1_000 });
  const child2 = script("child2", { shutdownMs: 1_000, stopMs: "infinity" });
  const supervisor = await supervise({ children: [child1.spec, child2.spec] });
  const stopping = supervisor.stop();
  await quiet();
  clock.advance(999);
  await quiet();
  expect([child1.ref.alive, child2.ref.alive]).toEqual([true, true]);
  clock.advance(1);
  expect(await stopping).toBe("shutdown");
  expect([await exited(child1.ref), await exited(child2.ref)]).toEqual(["shutdown", "killed"]);
  expect(reports.filter(({ type }) => type === "child.shutdown_error")).toMatchObject([
    { offender: { childId: "child2", shutdownMs: 1_000 }, reason: "killed" },
  ]);
  expect(clock.pending).toBe(0);
});

test("S21 a child with shutdown 0 is asked, then killed in the next moment of the clock", async () => {
  const { script, supervise, clock, log } = createWorld();
  const child = script("child", { shutdownMs: 0, stopMs: "infinity" });
  const supervisor = await supervise({ children: [child.spec] });
  const stopping = supervisor.stop();
  await quiet();
  clock.advance(0);
  await stopping;
  expect(log).toEqual(["start child", "stop child"]);
  expect(await exited(child.ref)).toBe("killed");
});

test("S22 the children of a dynamic supervisor are told at once and share their time (adapted: DynamicSupervisor; stuck is a hook that never settles)", async () => {
  const { script, superviseDynamic, clock, log } = createWorld();
  const supervisor = await superviseDynamic();
  const options = { restart: "temporary", shutdownMs: 1_000 } as const;
  const [child1, child2, child3] = [
    script("1", options),
    script("2", { ...options, stopMs: "infinity" }),
    script("3", { ...options, stopMs: "infinity" }),
  ];
  for (const { spec } of [child1, child2, child3]) await supervisor.startChild(spec);
  const stopping = supervisor.stop();
  await quiet();
  expect(log.slice(3).sort()).toEqual(["stop 1", "stop 2", "stop 3"]);
  clock.advance(1_000);
  expect(await stopping).toBe("shutdown");
  const ended = [await exited(child1.ref), await exited(child2.ref), await exited(child3.ref)];
  expect(ended).toEqual(["shutdown", "killed", "killed"]);
});

test("S23 a brutal_kill child ends with killed and runs no hook, its sibling with shutdown (adapted: a kill runs no hooks)", async () => {
  const { script, supervise, log, reports } = createWorld();
  const child1 = script("child1", { shutdownMs: 1_000 });
  const child2 = script("child2", { shutdownMs: "brutal_kill" });
  const supervisor = await supervise({ children: [child1.spec, child2.spec] });
  expect(await supervisor.stop()).toBe("shutdown");
  expect([await exited(child1.ref), await exited(child2.ref)]).toEqual(["shutdown", "killed"]);
  expect(log).toEqual(["start child1", "start child2", "stop child1"]);
  expect(reports.map(({ type }) => type)).not.toContain("child.shutdown_error");
});

test("S24 ten brutal_kill children of a dynamic supervisor are all killed (adapted: DynamicSupervisor; a kill runs no hooks)", async () => {
  const { script, superviseDynamic, log } = createWorld();
  const supervisor = await superviseDynamic();
  const children = Array.from({ length: 10 }, (_, index) => script(String(index), { shutdownMs: "brutal_kill" }));
  for (const { spec } of children) await supervisor.startChild(spec);
  expect(await supervisor.stop()).toBe("shutdown");
  for (const { ref } of children) expect(await exited(ref)).toBe("killed");
  expect(log.filter((line) => line.startsWith("stop"))).toEqual([]);
});

test("S25 children that leave by themselves while the supervisor waits for another keep their reasons; nobody is restarted", async () => {
  const { script, supervise, clock, log, runtime } = createWorld();
  const a = script("a");
  const leaving = types.flatMap((restart) =>
    reasons.map((reason, index) => ({ reason, child: script(`${restart}${index}`, { restart }) })),
  );
  const z = script("z", { stopMs: 1_000, shutdownMs: 2_000 });
  const supervisor = await supervise({ children: [a.spec, ...leaving.map(({ child }) => child.spec), z.spec] });
  const stopping = supervisor.stop();
  await quiet();
  for (const { child, reason } of leaving) await child.end(reason);
  expect(supervisor.process.alive).toBe(true);
  clock.advance(1_000);
  expect(await stopping).toBe("shutdown");
  expect([await exited(z.ref), await exited(a.ref)]).toEqual(["shutdown", "shutdown"]);
  for (const { child, reason } of leaving) expect(await exited(child.ref)).toEqual(reason);
  expect(log.filter((line) => line.startsWith("start"))).toHaveLength(14);
  await quiet();
  expect(runtime.processCount).toBe(0);
});

test.each(types)(
  "S26 %s children whose hook ends with another reason show their own (adapted: DynamicSupervisor)",
  async (restart) => {
    const { script, superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic();
    const children = reasons.map((leaves, index) => script(String(index), { restart, leaves }));
    for (const { spec } of children) await supervisor.startChild(spec);
    expect(await supervisor.stop()).toBe("shutdown");
    for (const [index, { ref }] of children.entries()) expect(await exited(ref)).toEqual(reasons[index]);
  },
);

describe("stopping a child: the reason it ends with is only reported", () => {
  test.each([
    ["permanent", "normal", true],
    ["transient", "normal", false],
    ["temporary", "normal", false],
    ["permanent", { shutdown: "x" }, true],
    ["transient", { shutdown: "x" }, false],
    ["permanent", "shutdown", false],
    ["transient", "died", true],
    ["permanent", "died", true],
  ] as const)("%s child that ends with %o: reported %o", async (restart, leaves, reported) => {
    const { script, supervise, reports } = createWorld();
    const supervisor = await supervise({ children: [script("a", { restart, leaves }).spec] });
    await supervisor.terminateChild("a");
    const errors = reports.filter(({ type }) => type === "child.shutdown_error");
    expect(errors).toHaveLength(reported ? 1 : 0);
    if (reported) expect(errors[0]).toMatchObject({ offender: { childId: "a" }, reason: leaves });
    await supervisor.stop();
  });
});

test("a static supervisor stops one after another: the shutdown times add up", async () => {
  const { script, supervise, clock } = createWorld();
  const stuck = { shutdownMs: 100, stopMs: "infinity" } as const;
  const [a, b] = [script("a", stuck), script("b", stuck)];
  const supervisor = await supervise({ children: [a.spec, b.spec] });
  const stopping = supervisor.stop();
  await quiet();
  clock.advance(100);
  await quiet();
  expect([a.ref.alive, b.ref.alive]).toEqual([true, false]);
  clock.advance(100);
  await stopping;
  expect(clock.now()).toBe(200);
});

test("stop is idempotent and settles alike for all who asked; a stopped supervisor refuses requests and counts nothing", async () => {
  const { script, supervise } = createWorld();
  const supervisor = await supervise({ children: [script("a").spec] });
  expect(await Promise.all([supervisor.stop(), supervisor.stop(), supervisor.ended])).toEqual(
    Array(3).fill("shutdown"),
  );
  expect(await supervisor.stop()).toBe("shutdown");
  await expect(supervisor.startChild(script("b").spec)).rejects.toMatchObject({ code: "stopped" });
  expect(counted(supervisor)).toBe("1/0/0/1");
});

test("a request that waits behind a stop is refused", async () => {
  const { script, supervise, clock, log } = createWorld();
  const supervisor = await supervise({ children: [script("a", { stopMs: 10 }).spec] });
  const terminating = supervisor.terminateChild("a");
  const waiting = [supervisor.restartChild("a"), supervisor.startChild(script("b").spec)].map((request) =>
    request.catch((error: { code: string }) => error.code),
  );
  const stopping = supervisor.stop();
  await quiet();
  clock.advance(10);
  await Promise.all([terminating, stopping]);
  expect(await Promise.all(waiting)).toEqual(["stopped", "stopped"]);
  expect(log).toEqual(["start a", "stop a"]);
});

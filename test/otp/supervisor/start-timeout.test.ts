import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { startPartitionSupervisor } from "../../../src/otp/supervisor/partition.ts";
import { createWorld, quiet } from "../scripted.ts";
import { counted, listed, rejection } from "../support.ts";

/** A server whose init takes its time, and how many inits have begun. */
function createSlow() {
  const world = createWorld();
  const { clock } = world;
  const about = { tookMs: 1_000, begun: 0 };
  const logic = fromGenServer({
    init(): Promise<{ state: number }> {
      about.begun += 1;
      return new Promise((resolve) => void clock.setTimeout(() => resolve({ state: 0 }), about.tookMs));
    },
  });
  return { ...world, about, logic };
}

describe("startTimeoutMs", () => {
  test("kills what takes longer, at the first start, on request and below a dynamic supervisor: start_failed with timeout", async () => {
    const { supervise, superviseDynamic, clock, runtime, logic, about } = createSlow();
    const spec = { id: "slow", logic, startTimeoutMs: 200 };
    const failed = { type: "failed_to_start_child", childId: "slow", reason: "timeout" };
    const first = rejection(supervise({ children: [spec] }));
    clock.advance(199);
    await quiet();
    expect(runtime.processCount).toBe(2);
    clock.advance(1);
    expect(await first).toMatchObject({
      code: "start_failed",
      reason: { shutdown: failed },
      cause: { code: "timeout", reason: "timeout" },
    });
    expect(runtime.processCount).toBe(0);

    const [fixed, dynamic] = [await supervise({}), await superviseDynamic()];
    const starts = [fixed.startChild(spec), dynamic.startChild(spec)].map(rejection);
    await quiet();
    clock.advance(200);
    expect(await Promise.all(starts)).toMatchObject([
      { code: "start_failed", reason: { shutdown: failed } },
      { code: "start_failed", reason: "timeout" },
    ]);
    expect([counted(fixed), counted(dynamic), about.begun]).toEqual(["0/0/0/0", "0/0/0/0", 3]);
    clock.advance(1_000);
    await quiet();
    expect([counted(fixed), runtime.processCount]).toEqual(["0/0/0/0", 2]);
    await Promise.all([fixed.stop(), dynamic.stop()]);
  });

  test("does nothing to what begins in time", async () => {
    const { supervise, clock, logic } = createSlow();
    const starting = supervise({ children: [{ id: "slow", logic, startTimeoutMs: 1_001 }] });
    await quiet();
    clock.advance(1_000);
    const supervisor = await starting;
    expect([listed(supervisor), clock.pending]).toEqual([["slow ref"], 0]);
    await supervisor.stop();
  });

  test("makes a restart fail that takes longer: it is one more restart, until the supervisor gives up", async () => {
    const { supervise, clock, logic, about, reports } = createSlow();
    about.tookMs = 0;
    const starting = supervise({ maxRestarts: 2, children: [{ id: "slow", logic, startTimeoutMs: 200 }] });
    await quiet();
    clock.advance(0);
    const supervisor = await starting;
    about.tookMs = 1_000;
    exit(supervisor.whichChild("slow").ref as Process, "died");
    for (const begun of [2, 3]) {
      await quiet();
      expect(about.begun).toBe(begun);
      clock.advance(200);
    }
    expect(await supervisor.ended).toBe("shutdown");
    const failures = reports.flatMap((report) => (report.type === "child.start_failed" ? [report.reason] : []));
    expect(failures).toEqual(["timeout", "timeout"]);
  });

  test("is infinity unless it is said, also for partitions", async () => {
    const { runtime, clock, logic } = createSlow();
    const spec = { name: "pool", partitions: 1, child: { logic } };
    const patient = startPartitionSupervisor(spec, { runtime });
    await quiet();
    expect(clock.pending).toBe(1);
    clock.advance(1_000);
    await (await patient).stop();
    const hurried = startPartitionSupervisor({ ...spec, child: { logic, startTimeoutMs: 200 } }, { runtime });
    await quiet();
    clock.advance(200);
    expect(await rejection(hurried)).toMatchObject({
      code: "start_failed",
      reason: { shutdown: { reason: "timeout" } },
    });
  });
});

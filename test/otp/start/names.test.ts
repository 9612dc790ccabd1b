import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { exited, isAlive, register, unregister, whereis } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn } from "../../../src/otp/start/spawn.ts";
import { createKernel, failure } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

test("a process is found by its name until it is taken away or the process ends", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = spawn(idle);
    register("named", ref);
    expect(whereis("named")).toBe(ref);
    unregister("named");
    expect([whereis("named"), isAlive("named"), isAlive(ref)]).toEqual([undefined, false, true]);
    register("again", ref);
    await stop("again");
    expect(whereis("again")).toBeUndefined();
  });
});

test("a name is taken once, a process has one, the dead have none", async () => {
  const { run } = createKernel();
  await run(async () => {
    const [first, second] = [spawn(idle, { name: "taken" }), spawn(idle)];
    expect(await failure(() => register("taken", second))).toMatchObject({ code: "already_started", value: first });
    expect(await failure(() => register("other", first))).toMatchObject({ code: "already_started", value: first });
    exit(second, "kill");
    expect(await failure(() => register("late", second))).toMatchObject({ code: "noproc" });
    expect(await failure(() => unregister("nobody"))).toMatchObject({ code: "not_found", value: "nobody" });
    for (const name of ["", 7, undefined]) {
      expect(await failure(() => register(name as string, spawn(idle)))).toMatchObject({ code: "invalid_argument" });
    }
    expect(() => spawn(idle, { name: "taken" })).toThrow(/already_started/);
  });
});

test("a name passes to its heir in the moment its holder ends", async () => {
  const { run } = createKernel();
  await run(async () => {
    const first = spawn(idle, { name: "throne" });
    exit(first, "kill");
    const second = spawn(idle, { name: "throne" });
    expect(whereis("throne")).toBe(second);
    exit(first, "again");
    expect(whereis("throne")).toBe(second);
  });
});

test("names of one runtime are unknown in another", async () => {
  const [here, there] = [createKernel(), createKernel()];
  const ref = spawn(idle, { runtime: here.runtime, name: "local" });
  await there.run(() => expect(whereis("local")).toBeUndefined());
  await here.run(() => expect(whereis("local")).toBe(ref));
});

test("exited settles with the reason of the living when they end, of the dead at once, and noproc of nobody", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = spawn(idle);
    const end = exited(ref);
    exit(ref, "reason");
    expect([await end, await exited(ref), await exited("nobody")]).toEqual(["reason", "reason", "noproc"]);
  });
});

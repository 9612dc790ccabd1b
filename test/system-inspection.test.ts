import { pino } from "pino";
import { expect, test } from "vitest";
import { defineAgent, restartBudget } from "../src/index.ts";
import type { InspectedSystem } from "../src/inspect/inspected-system.ts";
import { startSystem } from "../src/start-system.ts";
import { createFakeLauncher } from "../src/testing/index.ts";

test("an inspector sees an agent with instances as a supervisor, and each instance and the actor of its machine as an agent's", async () => {
  let seen: InspectedSystem | undefined;
  const inspector = {
    attach(system: InspectedSystem) {
      seen = system;
      return Promise.resolve();
    },
    detach: () => Promise.resolve(),
  };
  const children = [
    defineAgent({ id: "poet", entry: "poet.py:agent", instances: 2, spare: true }),
    defineAgent({ id: "lone", entry: "poet.py:agent" }),
  ];
  const launcher = createFakeLauncher();
  const options = { children, logger: pino({ level: "silent" }), inspect: inspector };
  const system = await startSystem(options, { launcher, interpreter: "none" });
  const spare = new Promise<void>((resolve) => {
    system.onReport((report) => report.type === "spare.ready" && resolve());
  });
  await Promise.all([system.whenReady(), spare]);
  expect(seen?.nodes().map(({ path, kind }) => [path, kind])).toEqual([
    ["system", "supervisor"],
    ["system/poet", "supervisor"],
    ["system/poet/poet/1", "agent"],
    ["system/poet/poet/2", "agent"],
    ["system/poet/poet/spare", "agent"],
    ["system/lone", "agent"],
  ]);
  const actors = [...(seen?.actors() ?? [])].map(({ id }) => id);
  expect(actors).toEqual(expect.arrayContaining(["poet/1", "poet/2", "lone"]));
  expect(system.health()).toMatchObject({ status: "serving", agents: [{ id: "poet", spare: { state: "ready" } }, {}] });
  await system.stop();
  await launcher.close();
});

test("an inspector is told why a policy has left an agent down, until it is started again", async () => {
  let seen: InspectedSystem | undefined;
  const inspect = {
    attach(system: InspectedSystem) {
      seen = system;
    },
    detach: () => undefined,
  };
  const policy = restartBudget({ maxRestarts: 1, periodMs: 60_000 });
  const launcher = createFakeLauncher();
  const children = [defineAgent({ id: "poet", entry: "poet.py:agent", policy })];
  const system = await startSystem(
    { children, logger: pino({ level: "silent" }), inspect },
    { launcher, interpreter: "none" },
  );
  const poet = () => seen?.nodes().find(({ id }) => id === "poet");
  for (const incarnation of [1, 2]) {
    await launcher.launched("poet", incarnation);
    await system.whenReady();
    expect(poet()).not.toHaveProperty("leftDown");
    launcher.worker("poet").crash({ signal: "SIGKILL" });
    await expect.poll(() => [poet()?.state, poet()?.lastCrash]).not.toEqual(["ready", undefined]);
  }
  await expect.poll(() => poet()?.state).toBe("stopped");
  expect(poet()?.leftDown).toContain("quarantined");
  await system.agent("poet").restart("mended");
  expect(poet()).toMatchObject({ state: "ready" });
  expect(poet()).not.toHaveProperty("leftDown");
  await system.stop();
});

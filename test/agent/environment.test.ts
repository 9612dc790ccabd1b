import { pino } from "pino";
import { describe, expect, test, vi } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import { agentEnvironment } from "../../src/agent/environment.ts";
import { CallerError } from "../../src/errors.ts";
import { defineSupervisor, startSupervisor } from "../../src/otp/supervisor/start.ts";
import { createFakeLauncher } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { until } from "./fleet.ts";

test("an agent outside of a system is refused by name", async () => {
  const children = [defineAgent({ id: "lost", entry: "lost.py:agent" })];
  const error = await rejection(startSupervisor({ children }));
  expect(error).toMatchObject({ code: "start_failed", cause: { code: "invalid_argument", field: "children" } });
});

describe("two copies of this package", () => {
  test("are one to an agent and its system", async () => {
    vi.resetModules();
    const other = (await import("../../src/start-system.ts")) as typeof import("../../src/start-system.ts");
    const launcher = createFakeLauncher();
    const children = [defineAgent({ id: "poet", entry: "poet.py:agent" })];
    const logger = pino({ level: "silent" });
    const system = await other.startSystem({ children, logger }, { launcher, interpreter: "-" });
    const agent = system.agent("poet");
    expect((await agent.run("hello")).output).toBe("hello");
    await agent.restart();
    launcher.worker("poet").crash();
    await until("the crash", () => agent.lastCrash !== undefined);
    expect((await agent.run("after a crash")).output).toBe("after a crash");
    await agent.stop();
    expect(await rejection(agent.run("late"))).toBeInstanceOf(CallerError);
    await system.stop();
  });

  test("cannot share supervisors, and say so", async () => {
    vi.resetModules();
    const other = (await import("../../src/start-system.ts")) as typeof import("../../src/start-system.ts");
    const children = [defineSupervisor({ id: "inner", children: [] })];
    const refused = other.startSystem({ children, logger: pino({ level: "silent" }) });
    const error = (await rejection(refused)) as Error;
    expect(error).toMatchObject({ code: "start_failed", cause: { code: "invalid_argument" } });
    expect((error.cause as Error).message).toContain("two copies of synapse-otp are loaded");
  });

  test("of which one lends its services in another form are told as such", () => {
    const lent = { [Symbol.for("synapse-otp.agent-environment")]: 0, interpreter: "-" };
    expect(() => agentEnvironment(lent, "poet")).toThrow(/two copies of synapse-otp are loaded/);
    for (const none of [undefined, null, {}, "system"])
      expect(() => agentEnvironment(none, "poet")).toThrow(/needs a system/);
  });
});

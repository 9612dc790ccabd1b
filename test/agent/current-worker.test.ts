import { expect, test } from "vitest";
import { startPoet } from "./fleet.ts";

test("workers get the system's environment and the agent's own, and the agent's wins", async () => {
  const fleet = await startPoet({ env: { OWN: "2" }, startTimeoutMs: 777 });
  const { spec } = await fleet.launcher.launched("poet", 1);
  expect(spec).toMatchObject({
    agentId: "poet",
    incarnation: 1,
    interpreter: "/nowhere/python",
    entry: "poet.py:agent",
    cwd: "/",
    env: { SHARED: "1", OWN: "2" },
    startTimeoutMs: 777,
    maxMessageBytes: 1024 * 1024,
  });
});

import { expect, test } from "vitest";
import { bestOf } from "../../src/agent/instance-info.ts";
import type { AgentState } from "../../src/agent/machine.ts";

const all = (...states: AgentState[]) => states.map((state, index) => ({ state, index }));

test("the best state speaks, of equals the first", () => {
  expect(bestOf([])).toBeUndefined();
  expect(bestOf(all("crashed", "busy", "ready", "ready"))?.index).toBe(2);
  expect(bestOf(all("stopped", "stopping", "crashed", "restarting", "starting", "busy"))?.state).toBe("busy");
  expect(bestOf(all("stopped", "stopping"))?.state).toBe("stopping");
});

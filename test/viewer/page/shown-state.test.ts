import { expect, test } from "vitest";
import { shownState, toneOf, whyDown } from "../../../src/viewer/page/shown-state.ts";

const node = { path: "house/poet", id: "poet", kind: "agent", state: "stopped", restarts: 0 } as const;

test("a place that its policy has left down is shown otherwise than one that has stopped", () => {
  expect([shownState(node), toneOf("stopped")]).toEqual(["stopped", "rest"]);
  const down = { ...node, leftDown: "quarantined" };
  expect([shownState(down), whyDown(down), toneOf("left down")]).toEqual(["left down", "quarantined", "bad"]);
  // It is started again, and the tree has not been looked at since.
  expect([shownState({ ...down, state: "starting" }), whyDown({ ...down, state: "starting" })]).toEqual([
    "starting",
    undefined,
  ]);
});

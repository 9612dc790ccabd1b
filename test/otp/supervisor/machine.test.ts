import { expect, test } from "vitest";
import { createActor, type InspectionEvent } from "xstate";
import { supervisorLogic, supervisorMachine } from "../../../src/otp/supervisor/machine.ts";

const input = { id: "top", strategy: "one_for_one" } as const;
const lastExit = { childId: "a", reason: "boom", decision: "restart", because: "restart 1 of 3" };

function run(inspect?: (event: InspectionEvent) => void) {
  const actor = createActor(supervisorLogic, { input, ...(inspect === undefined ? {} : { inspect }) }).start();
  actor.send({ type: "supervisor.started", children: 2 });
  return actor;
}

test("the end of a child changes the context and no state", () => {
  const actor = run();
  actor.send({ type: "child.exited", childId: "a", reason: "boom" });
  actor.send({ type: "child.decided", lastExit, children: 2, restarts: 1 });
  const snapshot = actor.getSnapshot();
  expect(snapshot.value).toBe("running");
  expect(snapshot.context).toEqual({ ...input, children: 2, restarts: 1, lastExit, reason: undefined });
  expect(snapshot.matches("running")).toBe(true);
});

test("an inspector sees every event and the snapshot after it, those past the interpreter too", () => {
  const seen: string[] = [];
  const actor = run((event) => {
    if (event.type === "@xstate.event" || event.type === "@xstate.snapshot") {
      seen.push(`${event.type.slice("@xstate.".length)} ${event.event.type}`);
    }
  });
  seen.length = 0;
  actor.send({ type: "child.exited", childId: "a", reason: "boom" });
  actor.send({ type: "child.decided", lastExit, children: 2, restarts: 1 });
  expect(seen).toEqual([
    "event child.exited",
    "snapshot child.exited",
    "event child.decided",
    "snapshot child.decided",
  ]);
});

test("the end of a child's actor ends nothing", () => {
  const actor = run();
  actor.send({ type: "xstate.error.actor.a", error: new Error("boom"), actorId: "a" });
  actor.send({ type: "xstate.done.actor.b", output: undefined, actorId: "b" });
  expect(actor.getSnapshot()).toMatchObject({ status: "active", value: "running" });
});

test("stopping goes through the machine's states and keeps what was told before", () => {
  const actor = run();
  actor.send({ type: "child.decided", lastExit, children: 2, restarts: 1 });
  actor.send({ type: "supervisor.stop", reason: "shutdown" });
  expect(actor.getSnapshot().value).toBe("stopping");
  actor.send({ type: "supervisor.stopped" });
  const { status, output, context } = actor.getSnapshot();
  expect({ status, output }).toEqual({ status: "done", output: { reason: "shutdown" } });
  expect(context).toMatchObject({ children: 0, restarts: 1, lastExit });
});

test("inspectors draw the machine's own chart", () => {
  expect(supervisorLogic.config).toBe(supervisorMachine.config);
});

import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { expect, test } from "vitest";
import { controllable, pidOf, watch } from "./support.ts";

type Registration = Extract<StatelyInspectionEvent, { type: "@xstate.actor" }>;
type Definition = { id: string; initial: string; states: Record<string, unknown> };

/** What Stately's inspector would send to its viewer. */
function recorder() {
  const sent: StatelyInspectionEvent[] = [];
  const { inspect } = createInspector({ send: (event) => void sent.push(event) });
  const registration = (name: string) => {
    const found = sent.filter((event): event is Registration => event.type === "@xstate.actor" && event.name === name);
    expect(found).toHaveLength(1);
    return found[0] as Registration;
  };
  /** The states of an actor in the order of its snapshots, repetitions left out. */
  const statesOf = (name: string): string[] => {
    const { sessionId } = registration(name);
    const values = sent.flatMap((event) =>
      event.type === "@xstate.snapshot" && event.sessionId === sessionId
        ? [(event.snapshot as unknown as { value: string }).value]
        : [],
    );
    return values.filter((value, index) => value !== values[index - 1]);
  };
  return { sent, inspect, registration, statesOf };
}

const definitionOf = (registration: Registration) => JSON.parse(registration.definition ?? "null") as Definition;
/** Stately's inspector sorts the keys of what it sends. */
const statesIn = (registration: Registration) => Object.keys(definitionOf(registration).states);

test("Stately's inspector is told the whole machines, their parents, and a crash as it happens", async () => {
  const { inspect, registration, statesOf, sent } = recorder();
  const { system, report } = await watch([controllable()], { inspect });
  const agent = system.agent("ctl");
  await agent.whenReady();
  await agent.run("echo:before the crash");
  process.kill(pidOf(agent), "SIGKILL");
  const { crash } = await report("agent.crashed");
  await agent.whenReady();
  await system.stop();
  // Stately's inspector hands each event on in a later turn of its own.
  await expect.poll(() => statesOf("ctl").at(-1)).toBe("stopped");

  const supervisor = registration("system");
  const registered = sent.filter((event): event is Registration => event.type === "@xstate.actor");
  const sessions = registered.map(({ sessionId }) => sessionId);
  for (const { parentId } of registered) expect([undefined, ...sessions]).toContain(parentId);
  expect(statesIn(supervisor)).toEqual(["running", "starting", "stopped", "stopping"]);
  const ctl = registration("ctl");
  expect(ctl.parentId).toBe(supervisor.sessionId);
  expect(definitionOf(ctl)).toMatchObject({ id: "agent", initial: "starting" });
  expect(statesIn(ctl)).toEqual(["busy", "crashed", "ready", "restarting", "starting", "stopped", "stopping"]);

  const states = statesOf("ctl");
  const fall = states.indexOf("crashed");
  expect(states.slice(0, fall)).toEqual(["starting", "ready", "busy", "ready"]);
  expect(states.slice(fall)).toEqual(["crashed", "restarting", "starting", "ready", "stopping", "stopped"]);
  const contexts = sent.flatMap((event) =>
    event.type === "@xstate.snapshot" && event.sessionId === ctl.sessionId
      ? [(event.snapshot as unknown as { context: { lastCrash?: string; incarnation: number } }).context]
      : [],
  );
  expect(contexts.at(-1)).toMatchObject({ incarnation: 2, lastCrash: crash.describe });
});

test("the worker's run shows as busy, with the pid of its process", async () => {
  const { inspect, registration, sent } = recorder();
  const { system } = await watch([controllable()], { inspect });
  const agent = system.agent("ctl");
  await agent.whenReady();
  const pid = pidOf(agent);
  await agent.run("echo:x");
  await expect
    .poll(() =>
      sent.some(
        (event) =>
          event.type === "@xstate.snapshot" &&
          event.sessionId === registration("ctl").sessionId &&
          JSON.stringify(event.snapshot).includes('"value":"busy"') &&
          JSON.stringify(event.snapshot).includes(`"pid":${pid}`),
      ),
    )
    .toBe(true);
});

test("an observer that throws on every event costs no agent its answer, nor its restart", async () => {
  const inspect = () => {
    throw new Error("this observer throws at everything");
  };
  const { system, report } = await watch([controllable()], { inspect });
  const agent = system.agent("ctl");
  expect((await agent.run("echo:first")).output).toBe("first");
  process.kill(pidOf(agent), "SIGKILL");
  await report("agent.crashed");
  expect((await agent.run("echo:second")).output).toBe("second");
  expect((await report("inspect.threw")).error).toMatchObject({ message: "this observer throws at everything" });
});

/** A source of actors for tests: the runtime of a few processes. */

import { createActor, createMachine, type InspectionEvent } from "xstate";
import type { ActorSource } from "../../src/inspect/feed.ts";

/** Switches between two states at each "flip". */
export const lamp = createMachine({
  id: "lamp",
  initial: "off",
  states: { off: { on: { flip: "on" } }, on: { on: { flip: "off" } } },
});

/** Lamps under one root, and how often somebody has begun to look. */
export function startLamps(...ids: string[]) {
  const root = createActor(createMachine({ id: "root" })).start();
  const lamps = ids.map((id) => createActor(lamp, { id, parent: root } as never).start());
  let looks = 0;
  const troubles: unknown[] = [];
  const source: ActorSource = {
    trouble: (error) => troubles.push(error),
    *actors() {
      yield root;
      yield* lamps;
    },
    observe(observer: (event: InspectionEvent) => void) {
      looks += 1;
      const { unsubscribe } = root.system.inspect({ next: observer });
      return unsubscribe;
    },
  };
  return { root, lamps, source, troubles, looks: () => looks };
}

/** XState by itself: what there is below this package. A parent machine is its supervisor. */

import { createRequire } from "node:module";
import { type AnyActorRef, assign, createActor, fromTransition, setup } from "xstate";
import { createChildActor, stopActor } from "../../../src/otp/scheduler/xstate-adapter.ts";
import { crashInWaves, elapsedMs, heapBytes, perSecond, StartCounter } from "../measuring.ts";
import type { Subject } from "../protocol.ts";

const { version } = createRequire(import.meta.url)("xstate/package.json") as { version: string };

type CountEvent = { type: "call"; reply(count: number): void } | { type: "cast" };

const counting = fromTransition((count: number, event: CountEvent) => {
  if (event.type === "call") event.reply(count);
  return count + 1;
}, 0);

let counter = new StartCounter<undefined>();

const crashing = fromTransition(
  (_state: number, _event: { type: "crash" }): number => {
    throw new Error("crash");
  },
  ({ input }: { input: number }) => {
    counter.started(input, undefined);
    return input;
  },
);

/** Keeps its children in `snapshot.children`, as XState's own documentation does, and spawns the one that failed anew. */
const supervisor = setup({
  types: { input: {} as { children: number } },
  actors: { crashing },
}).createMachine({
  context: ({ input, spawn }) => {
    for (let index = 0; index < input.children; index++) spawn("crashing", { id: `child-${index}`, input: index });
    return {};
  },
  on: {
    "xstate.error.actor.*": {
      actions: assign(({ event, spawn }) => {
        const { actorId } = event as unknown as { actorId: string };
        spawn("crashing", { id: actorId, input: Number(actorId.slice("child-".length)) });
        return {};
      }),
    },
  },
});

const waiting = setup({}).createMachine({
  initial: "waiting",
  states: { waiting: { after: { 3600000: "late" } }, late: {} },
});

/** A parent's work grows with the square of its children: 10,000 take 20 s to stop. */
const mostStopped = 1_000;

/** An actor that is always there: see subjects/synapse.ts. */
export const resident = createActor(counting).start();

/** The subject. */
export const xstate: Subject = {
  version,
  measures: {
    async call(calls) {
      const server = createActor(counting).start();
      return [
        await perSecond(calls, async () => {
          for (let n = 0; n < calls; n++) await new Promise((reply) => server.send({ type: "call", reply }));
        }),
      ];
    },

    async cast(casts) {
      const server = createActor(counting).start();
      return [
        await perSecond(casts, async () => {
          for (let n = 0; n < casts; n++) server.send({ type: "cast" });
        }),
      ];
    },

    async spawn(count) {
      const servers: { stop(): unknown }[] = [];
      const started = await perSecond(count, async () => {
        for (let n = 0; n < count; n++) servers.push(createActor(counting).start());
      });
      const stopped = await perSecond(count, async () => {
        for (const server of servers) server.stop();
      });
      return [started, stopped];
    },

    async oneByOne(count) {
      const ms = await elapsedMs(async () => {
        for (let n = 0; n < count; n++) createActor(counting).start().stop();
      });
      return [(ms * 1_000) / count];
    },

    async restart(children, crashes) {
      counter = new StartCounter();
      const parent = createActor(supervisor, { input: { children } }).start();
      globalThis.gc?.();
      const few = children > mostStopped ? Math.min(crashes, 20) : crashes;
      // The parent is dropped, not stopped, for the reason that startStop has its limit.
      const rate = await perSecond(few, () =>
        crashInWaves(counter, children, few, (_ref, index) => {
          const child: AnyActorRef | undefined = parent.getSnapshot().children[`child-${index}`];
          child?.send({ type: "crash" });
        }),
      );
      return [rate];
    },

    async restartDynamic() {
      return undefined;
    },

    async startStop(children) {
      if (children > mostStopped) return undefined;
      counter = new StartCounter();
      const startedAtMs = performance.now();
      const parent = createActor(supervisor, { input: { children } }).start();
      const startMs = performance.now() - startedAtMs;
      const stopMs = await elapsedMs(async () => parent.stop());
      return [(startMs * 1_000) / children, (stopMs * 1_000) / children];
    },

    async heap(count) {
      const before = await heapBytes();
      const servers = Array.from({ length: count }, () => createActor(counting).start());
      for (const server of servers) server.send({ type: "cast" });
      const bytes = (await heapBytes()) - before;
      for (const server of servers) server.stop();
      return [bytes / count];
    },

    async timers(pending, count) {
      const timers = new Set<NodeJS.Timeout>();
      const clock = {
        setTimeout: (late: () => void, ms: number) => {
          const timer = setTimeout(late, ms);
          timers.add(timer);
          return timer;
        },
        clearTimeout: (timer: NodeJS.Timeout) => {
          timers.delete(timer);
          clearTimeout(timer);
        },
      };
      // Actors of one system, which is what shares a scheduler.
      const parent = createActor(setup({}).createMachine({}), { clock }).start();
      const startOne = () => createChildActor(waiting, parent, { id: "waiting" }).start();
      for (let n = 0; n < pending; n++) startOne();
      const few = Math.min(count, 50);
      const ms = await elapsedMs(async () => {
        for (let n = 0; n < few; n++) stopActor(startOne());
      });
      // To stop the others as actors would take a quarter of an hour.
      for (const timer of timers) clearTimeout(timer);
      return [(ms * 1_000) / few];
    },

    async inspected() {
      return undefined;
    },
  },
};

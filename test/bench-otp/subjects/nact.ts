/** nact, the npm package: actors for Node.js with supervision in place. */

import { createRequire } from "node:module";
import type { Ref } from "nact";
import { crashInWaves, elapsedMs, heapBytes, perSecond, StartCounter } from "../measuring.ts";
import type { Subject } from "../protocol.ts";

type Message = { reply: Ref<number> } | "increment";

/** How long a query waits, in milliseconds: nact has no query without a limit. */
const queryMs = 60_000;

/** The subject. Rejects when the package is not installed. */
export async function loadNact(): Promise<Subject> {
  const { dispatch, query, spawn, start, stop } = await import("nact");
  const { version } = createRequire(import.meta.url)("nact/package.json") as { version: string };
  let names = 0;

  const spawnCounting = (system: ReturnType<typeof start>) => {
    names += 1;
    return spawn(
      system,
      (count: number, message: Message) => {
        if (message !== "increment") dispatch(message.reply, count);
        return count + 1;
      },
      `counting-${names}`,
      { initialState: 0 },
    );
  };
  type Counting = ReturnType<typeof spawnCounting>;
  const get = (server: Counting) => query(server, (reply: Ref<number>) => ({ reply }), queryMs);

  const startChildren = (counter: StartCounter<unknown>, children: number) => {
    const system = start();
    for (let index = 0; index < children; index++) {
      spawn(
        system,
        (): number => {
          throw new Error("crash");
        },
        `child-${index}`,
        {
          initialStateFunc: ({ self }: { self: unknown }) => {
            counter.started(index, self);
            return 0;
          },
          onCrash: (_message: unknown, _error: unknown, { reset }: { reset: unknown }) => reset,
        } as object,
      );
    }
    return system;
  };

  return {
    version,
    measures: {
      async call(calls) {
        const system = start();
        const server = spawnCounting(system);
        const rate = await perSecond(calls, async () => {
          for (let n = 0; n < calls; n++) await get(server);
        });
        stop(system);
        return [rate];
      },

      async cast(casts) {
        const system = start();
        const server = spawnCounting(system);
        const rate = await perSecond(casts, async () => {
          for (let n = 0; n < casts; n++) dispatch(server, "increment");
          await get(server);
        });
        stop(system);
        return [rate];
      },

      async spawn(count) {
        const system = start();
        const servers: Counting[] = [];
        const started = await perSecond(count, async () => {
          for (let n = 0; n < count; n++) servers.push(spawnCounting(system));
        });
        const stopped = await perSecond(count, async () => {
          for (const server of servers) stop(server);
        });
        stop(system);
        return [started, stopped];
      },

      async oneByOne(count) {
        const system = start();
        const ms = await elapsedMs(async () => {
          for (let n = 0; n < count; n++) stop(spawnCounting(system));
        });
        stop(system);
        return [(ms * 1_000) / count];
      },

      async restart(children, crashes) {
        const counter = new StartCounter<unknown>();
        const system = startChildren(counter, children);
        globalThis.gc?.();
        const rate = await perSecond(crashes, () =>
          crashInWaves(counter, children, crashes, (ref) => dispatch(ref as Counting, "increment")),
        );
        stop(system);
        return [rate];
      },

      /** One kind of parent is all there is. */
      async restartDynamic() {
        return undefined;
      },

      async startStop(children, repeats) {
        let startMs = 0;
        let stopMs = 0;
        for (let n = 0; n < repeats; n++) {
          startMs -= performance.now();
          const system = startChildren(new StartCounter(), children);
          startMs += performance.now();
          stopMs += await elapsedMs(async () => stop(system));
        }
        const perChild = 1_000 / children / repeats;
        return [startMs * perChild, stopMs * perChild];
      },

      async heap(count) {
        const system = start();
        const before = await heapBytes();
        const servers = Array.from({ length: count }, () => spawnCounting(system));
        for (const server of servers) await get(server);
        const bytes = (await heapBytes()) - before;
        stop(system);
        return [bytes / count];
      },

      /** It has no timers but the one that ends an idle actor. */
      async timers() {
        return undefined;
      },

      async inspected() {
        return undefined;
      },
    },
  };
}

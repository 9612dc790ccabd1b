/** This package. */

import { setup } from "xstate";
import { self } from "../../../src/otp/process/current.ts";
import { setDefaultReporter } from "../../../src/otp/process/default-reporter.ts";
import type { Process, Runtime } from "../../../src/otp/process/process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { startDynamicSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { crashInWaves, elapsedMs, heapBytes, perSecond, StartCounter } from "../measuring.ts";
import type { Subject } from "../protocol.ts";
import { inspected } from "./inspected.ts";

const counting = fromGenServer({
  init: () => ({ state: 0 }),
  handleCall: (_message: "get", count: number) => ({ reply: count, state: count + 1 }),
  handleCast: (_message: "increment", count: number) => ({ state: count + 1 }),
});

let counter = new StartCounter<Process>();

const crashing = fromGenServer({
  init: (index: number) => {
    counter.started(index, self());
    return { state: 0 };
  },
  handleInfo: () => {
    throw new Error("crash");
  },
});

const waiting = setup({}).createMachine({
  initial: "waiting",
  states: { waiting: { after: { 3600000: "late" } }, late: {} },
});

/**
 * A server that is always there, as in any service. Without it the measures would be told apart by whether the collector has run between
 * their first processes: V8 forgets the shape of objects of which none is left, and makes later ones twice as large.
 */
export const resident = await start(counting, { runtime: new LocalRuntime() });

// As in the Erlang program: crash reports are not what is measured.
setDefaultReporter(undefined);

/** As the Erlang program: a window of one second that takes any number of restarts. */
const intensity = { maxRestarts: 1_000_000, periodMs: 1_000 };

/** The subject. */
export const synapse: Subject = {
  version: "of this checkout",
  measures: {
    async call(calls) {
      const server = await start(counting, { runtime: new LocalRuntime() });
      const rate = await inProcess(server, () =>
        perSecond(calls, async () => {
          for (let n = 0; n < calls; n++) await call(server, "get");
        }),
      );
      await stop(server);
      return [rate];
    },

    async cast(casts) {
      const server = await start(counting, { runtime: new LocalRuntime() });
      const rate = await inProcess(server, () =>
        perSecond(casts, async () => {
          for (let n = 0; n < casts; n++) cast(server, "increment");
          await call(server, "get", { timeoutMs: "infinity" });
        }),
      );
      await stop(server);
      return [rate];
    },

    async spawn(count) {
      const servers: Process[] = [];
      const started = await perSecond(count, () => startServers(new LocalRuntime(), count, servers));
      const stopped = await perSecond(count, async () => {
        for (const server of servers) await stop(server);
      });
      return [started, stopped];
    },

    async oneByOne(count) {
      const runtime = new LocalRuntime();
      const ms = await elapsedMs(async () => {
        for (let n = 0; n < count; n++) await stop(await start(counting, { runtime }));
      });
      return [(ms * 1_000) / count];
    },

    async restart(children, crashes) {
      counter = new StartCounter();
      const supervisor = await startSupervisor({ ...intensity, children: childSpecs(children) });
      globalThis.gc?.();
      const rate = await perSecond(crashes, () => crashInWaves(counter, children, crashes, crash));
      await supervisor.stop();
      counter = new StartCounter();
      return [rate];
    },

    async restartDynamic(children, crashes) {
      counter = new StartCounter();
      const supervisor = await startDynamicSupervisor(intensity);
      for (let input = 0; input < children; input++) await supervisor.startChild({ logic: crashing, input });
      globalThis.gc?.();
      const rate = await perSecond(crashes, () => crashInWaves(counter, children, crashes, crash));
      await supervisor.stop();
      counter = new StartCounter();
      return [rate];
    },

    async startStop(children, repeats) {
      let startMs = 0;
      let stopMs = 0;
      for (let n = 0; n < repeats; n++) {
        counter = new StartCounter();
        startMs -= performance.now();
        const supervisor = await startSupervisor({ children: childSpecs(children) });
        startMs += performance.now();
        stopMs += await elapsedMs(() => supervisor.stop());
      }
      counter = new StartCounter();
      const perChild = 1_000 / children / repeats;
      return [startMs * perChild, stopMs * perChild];
    },

    async heap(count) {
      const servers: Process[] = new Array(count);
      servers.length = 0;
      const runtime = new LocalRuntime();
      const before = await heapBytes();
      await startServers(runtime, count, servers);
      for (const server of servers) await call(server, "get");
      const bytes = (await heapBytes()) - before;
      for (const server of servers) await stop(server);
      return [bytes / count];
    },

    async timers(pending, count) {
      const runtime = new LocalRuntime();
      const holders: Process[] = [];
      for (let n = 0; n < pending; n++) holders.push(await start(waiting, { runtime }));
      const ms = await elapsedMs(async () => {
        for (let n = 0; n < count; n++) await stop(await start(waiting, { runtime }));
      });
      for (const holder of holders) await stop(holder);
      return [(ms * 1_000) / count];
    },

    inspected,
  },
};

/** The work is done by a process of its own, as a service's would be. */
async function inProcess(beside: Process, work: () => Promise<number>): Promise<number> {
  let result = Number.NaN;
  const worker = spawn(
    async () => {
      result = await work();
    },
    { runtime: beside.runtime },
  );
  const reason = await exited(worker);
  if (reason !== "normal") throw reason;
  return result;
}

async function startServers(runtime: Runtime, count: number, into: Process[]): Promise<void> {
  for (let n = 0; n < count; n++) into.push(await start(counting, { runtime }));
}

function childSpecs(children: number) {
  return Array.from({ length: children }, (_, input) => ({ id: `child-${input}`, logic: crashing, input }));
}

function crash(ref: Process): void {
  send(ref, "crash");
}

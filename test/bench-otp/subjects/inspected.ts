/** An agent's machine at work while somebody looks: what inspectors cost. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { AnyActorRef } from "xstate";
import { agentMachine } from "../../../src/agent/machine.ts";
import type { InspectedSystem, SystemInspector } from "../../../src/inspect/inspected-system.ts";
import { record } from "../../../src/inspect/record.ts";
import { type StatelyInspector, statelyInspector } from "../../../src/inspect/stately-inspector.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { createChildActor } from "../../../src/otp/scheduler/xstate-adapter.ts";
import { lookers } from "./lookers.ts";

const noActions = [
  "startWorker",
  "stopWorker",
  "endWorker",
  "restartWhenGone",
  "haltWorker",
  "restartNow",
  "scheduleRestart",
  "reportCrash",
  "serveRuns",
  "refuseRuns",
  "reportStopped",
] as const;
const logic = agentMachine.provide({
  actions: Object.fromEntries(noActions.map((name) => [name, () => undefined])),
});
/** Events between two turns of the event loop: an agent's events come from sockets. */
const turn = 200;

/**
 * Runs that a machine is told of, each of two events: [events a second of the thread's processor time]. What a viewer does in its thread, and the disk, is not in
 * it, nor is what others do on this machine.
 */
export async function inspected(looker: number, runs: number): Promise<number[]> {
  const runtime = new LocalRuntime();
  const actor = createChildActor(logic, runtime.root, { id: "agent", input: { agentId: "agent", incarnation: 0 } });
  actor.start();
  actor.send({ type: "worker.ready" });
  const end = await look(lookers[looker] ?? "nobody", systemOf(runtime, actor));
  const before = process.threadCpuUsage();
  for (let n = 0; n < runs; n += 1) {
    actor.send({ type: "run.started", runId: "one" });
    actor.send({ type: "run.settled", runId: "one" });
    if (n % turn === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.threadCpuUsage(before);
  const rate = (runs * 2 * 1_000_000) / (user + system);
  await end();
  return [rate];
}

async function look(who: (typeof lookers)[number], system: InspectedSystem): Promise<() => Promise<void>> {
  switch (who) {
    case "nobody":
      return async () => undefined;
    case "an unwatched inspector":
      return await attach(statelyInspector(), system);
    case "Stately's inspector": {
      const inspector = statelyInspector();
      const detach = await attach(inspector, system);
      const viewer = await startViewer(inspector);
      return async () => {
        await viewer.terminate();
        await detach();
      };
    }
    case "a recorder": {
      const directory = mkdtempSync(join(tmpdir(), "bench-recording-"));
      const detach = await attach(record({ file: join(directory, "recording.jsonl") }), system);
      return async () => {
        await detach();
        rmSync(directory, { recursive: true });
      };
    }
  }
}

async function attach(inspector: SystemInspector, system: InspectedSystem): Promise<() => Promise<void>> {
  await inspector.attach(system);
  return async () => inspector.detach(system);
}

/** A viewer in a thread of its own: what it does with what it is told is not the service's affair. */
async function startViewer(inspector: StatelyInspector): Promise<Worker> {
  const program = `
    const { parentPort, workerData } = require("node:worker_threads");
    const socket = new (require(${JSON.stringify(join(import.meta.dirname, "../../../node_modules/ws"))}))(workerData);
    socket.once("message", () => parentPort.postMessage("told"));
  `;
  const viewer = new Worker(program, { eval: true, workerData: await inspector.socketAddress });
  await new Promise((resolve) => viewer.once("message", resolve));
  return viewer;
}

function systemOf(runtime: LocalRuntime, actor: AnyActorRef): InspectedSystem {
  return {
    name: "bench",
    runs: () => [],
    *actors() {
      yield* runtime.actors();
      yield actor;
    },
    observe: (observer) => runtime.observe(observer),
    onReport: () => () => undefined,
    onLine: () => () => undefined,
    nodes: () => [{ path: "agent", id: "agent", kind: "agent", state: String(actor.getSnapshot().value), restarts: 0 }],
    health: () => ({ ok: true, text: "serving" }),
    recordings: () => [],
    trouble(error) {
      throw error;
    },
  };
}

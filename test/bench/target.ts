/** The one Python process that all clients of a comparison talk to: the worker of an agent in a running system. */

import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Agent, type ChildSpec, defineAgent, type System, startSystem } from "../../src/index.ts";
import type { WorkerReady } from "../../src/worker/launcher.ts";
import type { BenchClient, Endpoint } from "./clients.ts";
import { createAgentClient, createConnectClient, createGrpcJsClient } from "./clients.ts";
import { within } from "./deadline.ts";
import { type BenchSettings, benchEntry, rootDirectory } from "./settings.ts";
import { createTappedLauncher } from "./tapped-launcher.ts";

/** How long a worker may take to be ready, in milliseconds. */
export const startMs = 60_000;

/** A system with the bench agent, and the clients that are connected to its worker. */
export interface Target {
  readonly clients: readonly BenchClient[];
  /** What the worker says it is made of. */
  readonly versions: Readonly<Record<string, string>>;
  /** Closes the clients and stops the system. */
  stop(): Promise<void>;
}

/** Logs as the default does, but into nothing: the cost of a log line counts, the noise does not. */
export function createBenchLogger() {
  return pino({ level: "warn" }, { write: () => undefined });
}

/** Starts a system whose workers may be killed as often as a measure needs it. */
export function startBenchSystem(name: string, children: ChildSpec[]): Promise<System> {
  return startSystem({
    name,
    children,
    maxRestarts: Number.MAX_SAFE_INTEGER,
    python: { cwd: rootDirectory },
    logger: createBenchLogger(),
  });
}

/** The agent that everything is measured with. */
export function defineBenchAgent({ concurrency }: BenchSettings) {
  const bounds = { maxConcurrency: concurrency, startTimeoutMs: startMs };
  return defineAgent({ id: "bench", entry: benchEntry, output: "text", ...bounds });
}

/**
 * Starts the system and connects the clients. A system removes the path of a worker's socket as soon as it is connected; a second hard
 * link to the same socket lets the other clients in, and is removed in its turn when they are.
 */
export async function startTarget(settings: BenchSettings): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), `synapse-bench-${process.pid}-`));
  const socketPath = join(directory, "s");
  let ready: WorkerReady | undefined;
  const launcher = createTappedLauncher((start) => {
    ready = start.ready;
    linkSync(start.ready.socketPath, socketPath);
  });
  const definition = defineBenchAgent(settings);
  let system: System | undefined;
  const clients: BenchClient[] = [];
  const stop = async () => {
    for (const client of clients) client.close();
    await system?.stop({ timeoutMs: 10_000 });
  };
  try {
    system = await startSystem(
      { name: "bench", children: [definition], python: { cwd: rootDirectory }, logger: createBenchLogger() },
      { launcher },
    );
    const agent: Agent<string> = system.agent(definition);
    await agent.whenReady({ timeoutMs: startMs });
    if (ready === undefined) throw new Error("the agent is ready, but its worker was not seen to start");
    const endpoint: Endpoint = { agentId: agent.id, socketPath, token: ready.token };
    clients.push(
      createAgentClient(agent),
      createConnectClient(endpoint),
      createGrpcJsClient(endpoint, join(rootDirectory, "proto")),
    );
    for (const client of clients) {
      const answer = await within(startMs, `the first run of client "${client.name}"`, client.run("hello"));
      if (answer !== "ok") throw new Error(`client "${client.name}" was answered ${JSON.stringify(answer)}, not "ok"`);
    }
    return { clients, versions: ready.versions, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

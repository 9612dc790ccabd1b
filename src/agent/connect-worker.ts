/** From a launched worker to a connection that serves: ready line, connection, health check, contract. */

import { RunError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import { type ConnectOptions, connectAgent } from "../rpc/client.ts";
import type { Worker, WorkerExit } from "../worker/launcher.ts";
import { socketFault } from "../worker/socket-owner.ts";
import { contractFaults, type Expectations, expectsAnything, expectsTextAlone } from "./contract-check.ts";

/** How connecting to a worker ended. */
export type ConnectOutcome =
  | { type: "connected"; client: AgentClient }
  | { type: "exited"; exit: WorkerExit }
  /** It serves, and its agent is not what its definition expects: a sentence for each field. */
  | { type: "mismatched"; faults: readonly string[] }
  | { type: "unreachable"; error: unknown };

/** How long a worker that said it is ready may take to answer, in milliseconds. */
const answerMs = 10_000;

/**
 * Waits for the worker, looks whether the socket is its own, connects, asks its event loop whether it serves, and its agent whether it is what is expected of it. The socket's directory is released as soon as the connection
 * stands, so that nothing is left on disk whoever is killed later. Never rejects.
 */
export async function connectWorker(
  worker: Worker,
  agent: Pick<ConnectOptions, "agentId" | "maxMessageBytes" | "unsafeNumbers">,
  expected: Expectations,
  clock: Clock,
): Promise<ConnectOutcome> {
  const outcome = await worker.started;
  if ("exit" in outcome) return { type: "exited", exit: outcome.exit };
  const { socketPath, token, answersText = false } = outcome.ready;
  let client: AgentClient | undefined;
  try {
    // What is sent to connect says nothing of the token: the worker answers while its socket is looked at.
    const connecting = connectAgent({ ...agent, socketPath, token, connectTimeoutMs: answerMs });
    const fault = socketFault(socketPath, worker.pid);
    client = await connecting;
    if (fault !== undefined) throw new Error(fault);
    worker.releaseSocket();
    // A description is made for this call: some milliseconds, and a megabyte, that a definition with `output: "text"` alone does not need.
    const known = answersText && expectsTextAlone(expected);
    const faulty = known ? [] : faultsOf(client, agent.agentId, expected, clock);
    // Whichever fails first is told; the other one fails with it.
    const [health, faults] = await Promise.all([client.checkHealth({ timeoutMs: answerMs }), faulty]);
    if (health !== "serving") throw new Error("the worker said it is ready, but its health is not SERVING");
    if (faults.length > 0) {
      client.close();
      return { type: "mismatched", faults };
    }
    return { type: "connected", client };
  } catch (error) {
    client?.close();
    return { type: "unreachable", error };
  }
}

async function faultsOf(client: AgentClient, agentId: string, expected: Expectations, clock: Clock): Promise<string[]> {
  if (!expectsAnything(expected)) return [];
  try {
    return await contractFaults(expected, await client.describe(agentId, { timeoutMs: answerMs }), clock);
  } catch (error) {
    // An agent that cannot be described is as good as its runs; a connection that is lost is another matter.
    if (error instanceof RunError) return [];
    throw error;
  }
}

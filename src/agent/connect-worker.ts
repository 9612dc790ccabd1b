/** From a launched worker to a connection that serves: ready line, connection, health check. */

import type { AgentClient } from "../rpc/agent-client.ts";
import { type ConnectOptions, connectAgent } from "../rpc/client.ts";
import type { Worker, WorkerExit } from "../worker/launcher.ts";
import { socketFault } from "../worker/socket-owner.ts";

/** How connecting to a worker ended. */
export type ConnectOutcome =
  | { type: "connected"; client: AgentClient }
  | { type: "exited"; exit: WorkerExit }
  | { type: "unreachable"; error: unknown };

/** How long a worker that said it is ready may take to answer, in milliseconds. */
const answerMs = 10_000;

/**
 * Waits for the worker, looks whether the socket is its own, connects, and asks its event loop whether it serves. The socket's directory is released as soon as the connection
 * stands, so that nothing is left on disk whoever is killed later. Never rejects.
 */
export async function connectWorker(
  worker: Worker,
  agent: Pick<ConnectOptions, "agentId" | "maxMessageBytes" | "unsafeNumbers">,
): Promise<ConnectOutcome> {
  const outcome = await worker.started;
  if ("exit" in outcome) return { type: "exited", exit: outcome.exit };
  const { socketPath, token } = outcome.ready;
  let client: AgentClient | undefined;
  try {
    // What is sent to connect says nothing of the token: the worker answers while its socket is looked at.
    const connecting = connectAgent({ ...agent, socketPath, token, connectTimeoutMs: answerMs });
    const fault = socketFault(socketPath, worker.pid);
    client = await connecting;
    if (fault !== undefined) throw new Error(fault);
    worker.releaseSocket();
    const health = await client.checkHealth({ timeoutMs: answerMs });
    if (health !== "serving") throw new Error("the worker said it is ready, but its health is not SERVING");
    return { type: "connected", client };
  } catch (error) {
    client?.close();
    return { type: "unreachable", error };
  }
}

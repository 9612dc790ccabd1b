/** A client that is connected to the double of a worker; both end with the test that started them. */

import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { onTestFinished } from "vitest";
import type { AgentClient } from "../../src/rpc/agent-client.ts";
import { type ConnectOptions, connectAgent } from "../../src/rpc/client.ts";
import type { WireRunEvent } from "../../src/rpc/run-event.ts";
import { type AgentServer, type AgentServerOptions, startAgentServer, within } from "./agent-server.ts";

/** Starts a server and a client of the agent "poet". */
export async function startConnected(
  options: AgentServerOptions,
  connect: Partial<ConnectOptions> = {},
): Promise<{ client: AgentClient; server: AgentServer }> {
  const server = await startAgentServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const { socketPath } = server;
  const client = await connectAgent({ socketPath, token: "secret", agentId: "poet", ...connect });
  onTestFinished(async () => {
    client.close();
    await within("the end of the connection", client.closed);
  });
  return { client, server };
}

/** A handler that never answers, and what it sees. */
export function hangingHandler() {
  const entered = Promise.withResolvers<HandlerContext>();
  const aborted = Promise.withResolvers<unknown>();
  const hang = async (_request: unknown, context: HandlerContext): Promise<never> => {
    context.signal.addEventListener("abort", () => aborted.resolve(context.signal.reason));
    entered.resolve(context);
    await aborted.promise;
    throw new ConnectError("aborted", Code.Canceled);
  };
  return { entered: entered.promise, aborted: aborted.promise, hang };
}

/** All events of a stream. */
export async function collect(events: AsyncIterable<WireRunEvent>): Promise<WireRunEvent[]> {
  const collected: WireRunEvent[] = [];
  const loop = async (): Promise<void> => {
    for await (const event of events) collected.push(event);
  };
  await within("the end of the stream", loop());
  return collected;
}

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { afterEach, expect, test } from "vitest";
import type { Agent } from "../../src/agent/handle.ts";
import { toNodeHandler } from "../../src/http/index.ts";
import { startPoet, until } from "../agent/fleet.ts";
import { within } from "../rpc/agent-server.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Serve = (agent: Agent) => Promise<string>;

const listen = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const nodeHttp: Serve = (agent) => listen(toNodeHandler(agent));

/** @param parsed whether something before has read the body */
const behindExpress =
  (parsed: boolean): Serve =>
  (agent) => {
    const app = express();
    if (parsed) app.use(express.json());
    app.all("/api/chat{/*rest}", toNodeHandler(agent));
    return listen(app);
  };

const fastify: Serve = async (agent) => {
  const server = Fastify({ forceCloseConnections: true });
  closing.push(() => server.close());
  const handle = toNodeHandler(agent);
  server.all("*", (request, reply) => {
    reply.hijack();
    return handle(Object.assign(request.raw, { body: request.body }), reply.raw);
  });
  return server.listen({ port: 0, host: "127.0.0.1" });
};

const hono: Serve = async (agent) => {
  const app = new Hono();
  app.all("*", (context) => agent.fetch(context.req.raw));
  const address = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, address.resolve);
  closing.push(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(await address.promise).port}`;
};

const question = (text: string, signal: AbortSignal) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ id: "chat", messages: [{ id: "m1", role: "user", parts: [{ type: "text", text }] }] }),
  signal,
});

test.each<[string, Serve]>([
  ["node:http", nodeHttp],
  ["Express", behindExpress(false)],
  ["Express and its express.json()", behindExpress(true)],
  ["Fastify", fastify],
  ["Hono", hono],
])("behind %s an answer arrives while it is made, and a client that leaves cancels its run", async (_server, start) => {
  const { agent, launcher, report } = await startPoet(
    {},
    {
      script: {
        answer: ({ prompt, signal }) => ({
          chunks: (async function* () {
            yield prompt;
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
          })(),
        }),
      },
    },
  );
  const url = await start(agent());
  const client = new AbortController();
  const response = await within("an answer", fetch(`${url}/api/chat`, question("Hello", client.signal)));
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  while (!text.includes("Hello")) {
    text += new TextDecoder().decode((await within("a piece of the answer", reader.read())).value);
  }
  client.abort();
  expect(await report("run.settled")).toMatchObject({ outcome: "cancelled" });
  await until("the run's end in its worker", () => launcher.workers[0]?.runs[0]?.signal.aborted === true);
});

test("an error of the handler is Express's, whose own handler of errors answers", async () => {
  const app = express();
  app.use(toNodeHandler(() => Promise.reject(new Error("no such agent here"))));
  const heard: unknown[] = [];
  app.use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    heard.push(error.message);
    response.status(418).end();
  });
  const response = await fetch(await listen(app));
  expect([response.status, heard]).toEqual([418, ["no such agent here"]]);
});

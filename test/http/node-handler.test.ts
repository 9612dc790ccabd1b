import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type FetchHandler, type NodeRequest, toNodeHandler } from "../../src/http/index.ts";
import { within } from "../rpc/agent-server.ts";

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(listener: Parameters<typeof createServer>[1] & object): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (handler: FetchHandler | { fetch: FetchHandler }) => {
  const handle = toNodeHandler(handler);
  return listen((req, res) => void handle(req, res));
};

test("a request arrives with its method, address, headers and body, and its answer as it was made", async () => {
  const seen: unknown[] = [];
  const url = await serve(async (request) => {
    seen.push(request.method, new URL(request.url).pathname, request.headers.get("x-one"), await request.text());
    return new Response("made", {
      status: 201,
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
  });
  const response = await fetch(`${url}/a/b?c=d`, { method: "POST", body: "a body", headers: { "x-one": "1" } });
  expect(seen).toEqual(["POST", "/a/b", "1", "a body"]);
  expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([
    201,
    "made",
    ["a=1", "b=2"],
  ]);
});

test("an object with fetch is called as its method; an answer without a body is one", async () => {
  const agent = {
    status: 204,
    async fetch() {
      return new Response(null, { status: this.status });
    },
  };
  expect((await fetch(await serve(agent))).status).toBe(204);
});

test("a body that a framework has read is taken from the request, and the path from before its routers", async () => {
  const handle = toNodeHandler(async (request) => Response.json([new URL(request.url).pathname, await request.json()]));
  const url = await listen(async (req, res) => {
    const pieces: Buffer[] = [];
    for await (const piece of req) pieces.push(piece as Buffer);
    const read = Object.assign(req, {
      body: JSON.parse(Buffer.concat(pieces).toString()) as unknown,
      originalUrl: `/mounted${req.url}`,
    });
    await handle(read as NodeRequest, res);
  });
  const response = await fetch(`${url}/chat`, { method: "POST", body: '{"a":1}' });
  expect(await response.json()).toEqual(["/mounted/chat", { a: 1 }]);
});

test("the client's leaving aborts the request and cancels the body", async () => {
  const aborted = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const url = await serve((request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
      cancel: () => cancelled.resolve(),
    });
    return new Response(body);
  });
  const client = new AbortController();
  const response = await fetch(url, { signal: client.signal });
  await response.body?.getReader().read();
  client.abort();
  await within("the abort", aborted.promise);
  await within("the cancel", cancelled.promise);
});

test.each<[string, FetchHandler]>([
  ["nothing", () => new Response("refused")],
  [
    "the beginning",
    async ({ body }) => {
      const reader = body?.getReader();
      await reader?.read();
      await reader?.cancel();
      return new Response("refused");
    },
  ],
])(
  "a handler that has read %s of a body answers all the same, and then the connection's next request",
  async (_, refuse) => {
    const url = await serve((request) => (request.method === "POST" ? refuse(request) : new Response("answered")));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (method: string, body?: Buffer) =>
      new Promise<[string, boolean]>((resolve, reject) => {
        const request = httpRequest(url, { method, agent }, async (response) => {
          let text = "";
          for await (const piece of response) text += piece;
          resolve([text, request.reusedSocket]);
        });
        request.on("error", reject).end(body);
      });
    try {
      expect(await within("the refusal", ask("POST", Buffer.alloc(2_000_000)))).toEqual(["refused", false]);
      expect(await within("the next answer", ask("GET"))).toEqual(["answered", true]);
    } finally {
      agent.destroy();
    }
  },
);

test("a client that does not read holds the body up", async () => {
  const piece = new Uint8Array(64 * 1024);
  const pieces = 1_000;
  let made = 0;
  const url = await serve(
    () =>
      new Response(
        new ReadableStream(
          {
            pull(controller) {
              made += 1;
              if (made > pieces) controller.close();
              else controller.enqueue(piece);
            },
          },
          { highWaterMark: 0 },
        ),
      ),
  );
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(url, resolve).on("error", reject).end();
  });
  // What the kernel and the client's own buffers take is taken; then nothing more is made.
  let before = -1;
  while (made !== before) {
    before = made;
    for (let turn = 0; turn < 2_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(made).toBeLessThan(pieces);
  let bytes = 0;
  for await (const read of response) bytes += (read as Buffer).byteLength;
  expect(bytes).toBe(pieces * piece.byteLength);
});

test("what the web has no request for is the client's mistake, and an address is that of this host", async () => {
  const seen: string[] = [];
  const url = await serve((request) => {
    seen.push(request.url);
    return new Response("made");
  });
  const ask = (method: string, path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = httpRequest(url, { method, path }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on("error", reject).end();
    });
  expect(await ask("TRACE", "/")).toBe(400);
  expect(await ask("GET", "http://elsewhere:99999/")).toBe(400);
  expect(await ask("GET", "//elsewhere:99999/x")).toBe(200);
  expect(seen).toEqual([`${url}//elsewhere:99999/x`]);
});

test("what cannot answer is refused at once", () => {
  for (const handler of [undefined, null, 5, {}]) {
    expect(() => toNodeHandler(handler as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "handler" }),
    );
  }
});

test("an error of the handler is answered with 500 and told on stderr, not to the client", async () => {
  const written: string[] = [];
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((data) => written.push(String(data)) > 0);
  try {
    const response = await fetch(await serve(() => Promise.reject(new Error("a secret mistake"))));
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(written.join("")).toContain("a secret mistake");
  } finally {
    stderr.mockRestore();
  }
});

test("an error of the handler is Express's where there is a next", async () => {
  const handle = toNodeHandler(() => Promise.reject(new Error("a mistake")));
  const errors: unknown[] = [];
  const url = await listen((req, res) => {
    void handle(req, res, (error) => {
      errors.push(error);
      res.writeHead(502).end();
    });
  });
  expect([(await fetch(url)).status, String(errors[0])]).toEqual([502, "Error: a mistake"]);
});

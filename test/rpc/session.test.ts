import { once } from "node:events";
import { existsSync } from "node:fs";
import { link, mkdtemp, rm } from "node:fs/promises";
import { constants, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { connectSession, type SessionOptions } from "../../src/rpc/session.ts";
import { delta, encodedRun, rejection, startAgentServer, within } from "./agent-server.ts";
import { hangingHandler, startConnected } from "./connected.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "syn-ses-"));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A server that is not an HTTP/2 server: `onSocket` says what it does instead. */
async function startOther(onSocket: (socket: Socket) => void): Promise<{ socketPath: string; server: Server }> {
  const socketPath = join(await directory(), "s");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    onSocket(socket);
  }).listen(socketPath);
  await once(server, "listening");
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { socketPath, server };
}

function options(socketPath: string, connectTimeoutMs = 2_000): SessionOptions {
  return { socketPath, authority: "http://poet", agentId: "poet", connectTimeoutMs };
}

describe("connectSession", () => {
  test("a missing socket file rejects at once, naming the path and the agent", async () => {
    const socketPath = join(await directory(), "missing");
    const error = await rejection(connectSession(options(socketPath)));
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect((error as Error).message).toContain(`agent "poet" at its socket "${socketPath}": connect ENOENT`);
    expect(error).toMatchObject({ cause: { code: "ENOENT" } });
  });

  test("a socket file that nobody listens on rejects with the refusal", async () => {
    const { socketPath, server } = await startOther(() => undefined);
    // Node removes the file when the server closes; a hard link stands for the file that kill -9 leaves.
    const stale = `${socketPath}-stale`;
    await link(socketPath, stale);
    server.close();
    await once(server, "close");
    cleanups.pop();
    expect(existsSync(stale)).toBe(true);
    const error = await rejection(connectSession(options(stale)));
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect((error as Error).message).toContain("ECONNREFUSED");
  });

  test("a process that accepts and never answers is found at the deadline", async () => {
    const accepted = Promise.withResolvers<Socket>();
    const { socketPath } = await startOther((socket) => accepted.resolve(socket));
    const error = await rejection(connectSession(options(socketPath, 50)));
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect((error as Error).message).toContain("no HTTP/2 answer within 50 ms");
    const socket = await accepted.promise;
    socket.resume();
    if (!socket.closed) await within("the release of the socket", once(socket, "close"));
  });

  test("a process that closes at once rejects", async () => {
    const { socketPath } = await startOther((socket) => socket.destroy());
    expect(await rejection(connectSession(options(socketPath)))).toBeInstanceOf(ConnectionLostError);
  });

  test("a server that speaks something else rejects", async () => {
    const { socketPath } = await startOther(
      (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n".repeat(9)),
    );
    const error = await rejection(connectSession(options(socketPath)));
    expect(error).toBeInstanceOf(ConnectionLostError);
  });

  test.each(["", "/tmp/".padEnd(108, "x")])(
    "a path that the kernel cannot hold is the caller's mistake: %j",
    async (path) => {
      const error = await rejection(connectSession(options(path)));
      expect(error).toMatchObject({ code: "invalid_argument", field: "socketPath", value: path });
    },
  );
});

describe("a session", () => {
  test("destroy refuses later requests with its reason and settles closed", async () => {
    await using server = await startAgentServer();
    const session = await connectSession(options(server.socketPath));
    expect(session.lost).toBe(false);
    const reason = new ConnectError("ended by this test", Code.Unavailable);
    session.destroy(reason);
    session.destroy(new ConnectError("second", Code.Unavailable));
    expect(session.lost).toBe(true);
    expect(await rejection(session.request("POST", "/x", {}, {}))).toBe(reason);
    await within("the settling of closed", session.closed);
    await within("the server's end", server.idle());
  });

  test("the death of an idle server is noticed without a call", async () => {
    await using server = await startAgentServer();
    const session = await connectSession(options(server.socketPath));
    server.kill();
    await within("the settling of closed", session.closed);
    expect(session.lost).toBe(true);
    const error = await rejection(session.request("POST", "/x", {}, {}));
    expect(error).toMatchObject({ code: Code.Unavailable });
  });

  test("requests made in the turn of the loss do not end the process", async () => {
    await using server = await startAgentServer();
    // Streams are accepted and never answered.
    server.http.removeAllListeners("request");
    const session = await connectSession(options(server.socketPath));
    const first = await session.request("POST", "/x", {}, {});
    const failures: unknown[] = [];
    const retried = new Promise<void>((resolve) => {
      first.on("error", (error) => {
        failures.push(error);
        setImmediate(() =>
          session
            .request("POST", "/x", {}, {})
            .catch((again) => failures.push(again))
            .then(() => resolve()),
        );
      });
    });
    server.kill();
    await within("the retry", retried);
    expect(failures).toHaveLength(2);
    for (const failure of failures) expect(failure).toMatchObject({ code: Code.Unavailable });
    await within("the settling of closed", session.closed);
  });
});

describe("a lost connection, seen from the client,", () => {
  test("rejects a run in flight with ConnectionLostError and settles closed", async () => {
    const handler = hangingHandler();
    const { client, server } = await startConnected({ agent: { run: handler.hang } });
    const failed = rejection(client.run(encodedRun(), { timeoutMs: 60_000 }));
    await within("the call's arrival", handler.entered);
    const killedAt = performance.now();
    server.kill();
    const error = await failed;
    expect(performance.now() - killedAt).toBeLessThan(500);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ cause: { code: Code.Unavailable } });
    expect((error as Error).message).toContain('agent "poet"');
    await within("the settling of closed", client.closed);
  });

  test("rejects a stream in flight after the events that arrived", async () => {
    const { client, server } = await startConnected({
      agent: {
        async *runStream(_request, context) {
          yield { seq: 1n, data: "half", event: { case: "textDelta" as const, value: {} } };
          await once(context.signal, "abort");
        },
      },
    });
    const events = client.stream(encodedRun());
    expect((await events.next()).value).toMatchObject({ type: "text.delta", text: "half" });
    const failed = rejection(events.next());
    server.kill();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("rejects a request that is being sent", async () => {
    const { client, server } = await startConnected({ agent: { run: () => ({}) } });
    const arrived = Promise.withResolvers<void>();
    for (const session of server.sessions) {
      session.once("stream", (stream) => {
        stream.pause();
        arrived.resolve();
      });
    }
    const failed = rejection(client.run(encodedRun({ prompt: "q".repeat(20 * 1024 * 1024) })));
    await within("the call's arrival", arrived.promise);
    server.kill();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
  });

  test("refuses calls made afterwards", async () => {
    const { client, server } = await startConnected({});
    server.kill();
    await within("the settling of closed", client.closed);
    expect(await rejection(client.run(encodedRun()))).toBeInstanceOf(ConnectionLostError);
    expect(await rejection(client.stream(encodedRun()).next())).toBeInstanceOf(ConnectionLostError);
    expect(await rejection(client.describe("poet"))).toBeInstanceOf(ConnectionLostError);
    expect(await rejection(client.checkHealth())).toBeInstanceOf(ConnectionLostError);
  });

  test("tells calls made afterwards that they never began, and those in flight that they may have", async () => {
    const handler = hangingHandler();
    const { client, server } = await startConnected({ agent: { run: handler.hang } });
    const held = rejection(client.run(encodedRun()));
    await within("the call's arrival", handler.entered);
    server.kill();
    expect(await held).toMatchObject({ neverBegan: false });
    expect(await rejection(client.run(encodedRun()))).toMatchObject({ neverBegan: true });
    expect(await rejection(client.stream(encodedRun()).next())).toMatchObject({ neverBegan: true });
  });

  test("a stream that the server refuses, or that its goodbye leaves out, never began", async () => {
    const handler = hangingHandler();
    const { client, server } = await startConnected({ agent: { run: handler.hang } });
    const [session] = server.sessions;
    if (session === undefined) throw new Error("there is no session");
    session.once("stream", (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    expect(await rejection(client.run(encodedRun()))).toMatchObject({ name: "ConnectionLostError", neverBegan: true });
    const held = rejection(client.run(encodedRun()));
    await within("the call's arrival", handler.entered);
    session.once("stream", ({ id = 0 }) => session.goaway(constants.NGHTTP2_NO_ERROR, id - 2));
    expect(await rejection(client.run(encodedRun({ runId: "late" })))).toMatchObject({ neverBegan: true });
    client.close();
    expect(await held).toMatchObject({ neverBegan: false });
  });

  test("a stream that had been answered has begun, even if the server refuses it then", async () => {
    const { client, server } = await startConnected({
      agent: {
        async *runStream(_request, context) {
          yield delta(1, "begun");
          await once(context.signal, "abort");
        },
      },
    });
    const [session] = server.sessions;
    const streams: ServerHttp2Stream[] = [];
    session?.once("stream", (stream) => streams.push(stream));
    const events = client.stream(encodedRun());
    expect((await events.next()).value).toMatchObject({ text: "begun" });
    const failed = rejection(events.next());
    streams[0]?.close(constants.NGHTTP2_REFUSED_STREAM);
    expect(await failed).toMatchObject({ neverBegan: false });
  });

  test("of a destroyed HTTP/2 session is told in the same way", async () => {
    const handler = hangingHandler();
    const { client, server } = await startConnected({ agent: { run: handler.hang } });
    const failed = rejection(client.run(encodedRun()));
    await within("the call's arrival", handler.entered);
    for (const session of server.sessions) session.destroy();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
    await within("the settling of closed", client.closed);
  });

  test("a session that is closed gracefully finishes its runs and refuses new ones", async () => {
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const { client, server } = await startConnected({
      agent: {
        async run() {
          entered.resolve();
          await release.promise;
          return { result: "finished" };
        },
      },
    });
    const running = client.run(encodedRun());
    await within("the call's arrival", entered.promise);
    for (const session of server.sessions) session.close();
    const refused = await rejection(
      (async () => {
        for (;;) await client.checkHealth({ timeoutMs: 2_000 });
      })(),
    );
    expect(refused).toBeInstanceOf(ConnectionLostError);
    release.resolve();
    expect((await running).output).toBe("finished");
    await within("the settling of closed", client.closed);
  });

  test("a call that the server resets without an answer and without an error is lost, not waited for", async () => {
    const { client, server } = await startConnected({});
    for (const session of server.sessions) session.once("stream", (stream) => stream.close(0));
    expect(await rejection(client.run(encodedRun()))).toBeInstanceOf(ConnectionLostError);
  });

  test("close rejects calls in flight, is idempotent and leaves nothing on the server", async () => {
    const handler = hangingHandler();
    const { client, server } = await startConnected({ agent: { run: handler.hang } });
    const failed = rejection(client.run(encodedRun()));
    await within("the call's arrival", handler.entered);
    client.close();
    client.close();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
    await within("the settling of closed", client.closed);
    await within("the handler's cancellation", handler.aborted);
    await within("the server's end", server.idle());
  });
});

import { once } from "node:events";
import { existsSync } from "node:fs";
import { link, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { connectSession, type SessionOptions } from "../../src/rpc/session.ts";
import { rejection, startAgentServer, within } from "./agent-server.ts";

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

import { lstatSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type ControlStatus, controlSocketName, maxRequestBytes } from "../../src/control/protocol.ts";
import { type Controlled, type ControlServer, openControl, type PauseClock } from "../../src/control/server.ts";
import { CallerError } from "../../src/errors.ts";
import { createVirtualClock } from "../../src/testing/virtual-clock.ts";
import { socketDirectories } from "../../src/worker/socket-directory.ts";

const nothing: ControlStatus = { status: "serving", rows: [], leftOut: 0, runs: [], runsLeftOut: 0 };
const open = new Set<ControlServer>();
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of open) await server.close();
  open.clear();
  sockets.clear();
});

/** A control socket of a system that answers as it is told, and its path. */
async function serve(answers: Partial<Controlled> = {}, clock?: PauseClock) {
  const system = { status: () => nothing, ...answers } as Controlled;
  const server = await openControl(system, () => undefined, clock);
  open.add(server);
  const paths = socketDirectories().flatMap(({ path, host }) => {
    const socketPath = join(path, controlSocketName);
    return host.pid === process.pid && lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket() ? [socketPath] : [];
  });
  return { server, socketPath: paths.at(-1) ?? "" };
}

/** A connection: what it is sent, line by line, and its end. */
function client(socketPath: string) {
  const socket = connect(socketPath);
  sockets.add(socket);
  socket.on("error", () => undefined);
  const lines: unknown[] = [];
  const waiting: ((line: unknown) => void)[] = [];
  createInterface({ input: socket })
    .on("line", (line) => {
      const value: unknown = JSON.parse(line);
      const next = waiting.shift();
      if (next === undefined) lines.push(value);
      else next(value);
    })
    // It tells the socket's, too.
    .on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return {
    socket,
    closed,
    send: (value: unknown) => void socket.write(`${typeof value === "string" ? value : JSON.stringify(value)}\n`),
    answer: () => (lines.length > 0 ? Promise.resolve(lines.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
}

test("a request is answered by one line, and the next on the same connection after it", async () => {
  const { socketPath } = await serve({ kill: ({ agentId }) => ({ pid: agentId.length }) });
  const one = client(socketPath);
  one.send({ type: "status" });
  one.send({ type: "kill", agentId: "chat" });
  expect(await one.answer()).toEqual({ result: nothing });
  expect(await one.answer()).toEqual({ result: { pid: 4 } });
});

test("an answer that takes its time is waited for; who asks meanwhile is answered", async () => {
  const stopped = Promise.withResolvers<{ state: string }>();
  const { socketPath } = await serve({ stop: () => stopped.promise });
  const [one, other] = [client(socketPath), client(socketPath)];
  one.send({ type: "stop", agentId: "chat" });
  other.send({ type: "status" });
  expect(await other.answer()).toEqual({ result: nothing });
  stopped.resolve({ state: "stopped" });
  expect(await one.answer()).toEqual({ result: { state: "stopped" } });
});

test.each([
  ["no JSON", "status", "request is"],
  ["no object", "3", "request is"],
  ["no request", { type: "dance" }, "type is"],
  ["no agent", { type: "kill" }, "agentId is"],
  ["no number", { type: "crash", agentId: "a", incarnation: "1" }, "incarnation is"],
])("%s is refused with an error, and the connection goes on", async (_what, request, message) => {
  const { socketPath } = await serve();
  const one = client(socketPath);
  one.send(request);
  expect(await one.answer()).toMatchObject({
    error: { code: "invalid_argument", message: expect.stringContaining(message) },
  });
  one.send({ type: "status" });
  expect(await one.answer()).toEqual({ result: nothing });
});

test("an error of the system arrives with its code, thrown or rejected", async () => {
  const refuse = () => {
    throw new CallerError("not_found", "there is no such agent");
  };
  const { socketPath } = await serve({ kill: refuse, stop: async () => refuse() });
  const one = client(socketPath);
  for (const type of ["kill", "stop"]) {
    one.send({ type, agentId: "a" });
    expect(await one.answer()).toEqual({ error: { code: "not_found", message: "[not_found] there is no such agent" } });
  }
});

test("its directory is this user's alone, and is gone when it is closed", async () => {
  const { server, socketPath } = await serve();
  const directory = dirname(socketPath);
  expect(lstatSync(directory).mode & 0o777).toBe(0o700);
  const one = client(socketPath);
  await server.close();
  await one.closed;
  expect(lstatSync(directory, { throwIfNoEntry: false })).toBeUndefined();
  await server.close();
});

describe("no client can slow the system", () => {
  test("after an answer there is a pause of nine times its work, whoever asks", async () => {
    const clock = createVirtualClock();
    const status = vi.fn(() => {
      clock.advance(20);
      return nothing;
    });
    const { socketPath } = await serve({ status }, clock);
    const all = [client(socketPath), client(socketPath)];
    for (const one of all) one.send({ type: "status" });
    await Promise.race(all.map((one) => one.answer()));
    await vi.waitUntil(() => clock.pending === 1);
    clock.advance(179);
    expect(status).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await vi.waitUntil(() => status.mock.calls.length === 2);
  });

  test("a request without an end is cut off", async () => {
    const { socketPath } = await serve();
    const one = client(socketPath);
    one.socket.write("x".repeat(maxRequestBytes + 1));
    await one.closed;
  });

  test("more connections than it takes are closed, and those that it has go on", async () => {
    const { socketPath } = await serve();
    const first = Array.from({ length: 16 }, () => client(socketPath));
    for (const one of first) {
      one.send({ type: "status" });
      await one.answer();
    }
    await client(socketPath).closed;
    first[0]?.send({ type: "status" });
    expect(await first[0]?.answer()).toEqual({ result: nothing });
  });

  test("more restarts than it waits for are refused", async () => {
    const never = new Promise<never>(() => undefined);
    const restart = vi.fn(() => never);
    const { socketPath } = await serve({ restart });
    for (let count = 1; count <= 64; count += 1) {
      // Who asks may leave: the restart goes on.
      const one = client(socketPath);
      one.send({ type: "restart", agentId: "a" });
      await vi.waitUntil(() => restart.mock.calls.length === count);
      one.socket.destroy();
      await one.closed;
    }
    const late = client(socketPath);
    late.send({ type: "restart", agentId: "a" });
    expect(await late.answer()).toMatchObject({ error: { code: "queue_full" } });
    expect(restart).toHaveBeenCalledTimes(64);
  });

  test("an answer that is not read is kept once: the next request waits until it has been", async () => {
    const status = vi.fn(
      (): ControlStatus => ({
        ...nothing,
        rows: [{ id: "x".repeat(8 * 1024 * 1024), path: "x", depth: 0, type: "worker", state: "ready", restarts: 0 }],
      }),
    );
    const { socketPath } = await serve({ status });
    const deaf = connect(socketPath);
    sockets.add(deaf);
    deaf.pause();
    for (let count = 0; count < 5; count += 1) deaf.write(`${JSON.stringify({ type: "status" })}\n`);
    await vi.waitUntil(() => status.mock.calls.length === 1);
    const other = client(socketPath);
    other.send({ type: "kill" });
    expect(await other.answer()).toHaveProperty("error");
    expect(status).toHaveBeenCalledTimes(1);
  });
});

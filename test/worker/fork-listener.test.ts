import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ForkChannels, ForkListener } from "../../src/worker/fork-listener.ts";
import { within } from "./fixture-worker.ts";

let listener: ForkListener;
const sockets: Socket[] = [];
const complete: [id: number, channels: ForkChannels][] = [];

beforeEach(() => {
  listener = new ForkListener((error) => expect.unreachable(error.message));
});
afterEach(() => {
  for (const [, { control, stdout, stderr }] of complete.splice(0)) {
    for (const socket of [control, stdout, stderr]) socket.destroy();
  }
  for (const socket of sockets.splice(0)) socket.destroy();
  listener.close();
});

/** A connection whose first line, and what follows it, is this. */
function dial(line: unknown, rest = ""): Socket {
  const socket = connect(listener.path);
  sockets.push(socket.on("error", () => socket.destroy()).resume());
  socket.write(`${JSON.stringify(line)}\n${rest}`);
  return socket;
}

const closed = (socket: Socket) =>
  within(5_000, "the end of a connection", new Promise((resolve) => socket.once("close", resolve)));
const expectFork = (id: number) => listener.expect(id, (channels) => void complete.push([id, channels]));

test("the three connections of a worker are told by their first lines, in whatever order they come, and what follows is theirs", async () => {
  expectFork(7);
  for (const channel of ["stderr", "control", "stdout"]) {
    dial({ id: 7, channel, token: listener.token }, `this is ${channel}`);
  }
  await expect.poll(() => complete.length, { timeout: 5_000 }).toBe(1);
  for (const [name, socket] of Object.entries(complete[0]?.[1] ?? {})) {
    const text = new Promise((resolve) => socket.once("data", (chunk: Buffer) => resolve(chunk.toString())));
    expect(await within(5_000, "the rest", text)).toBe(`this is ${name}`);
  }
});

test("who does not know the token, names nobody who is expected, or says no such thing, is hung up on", async () => {
  expectFork(1);
  const { token } = listener;
  const wrong = [
    { id: 1, channel: "control", token: "guessed" },
    { id: 2, channel: "control", token },
    { id: 1, token },
    "hello",
  ];
  await Promise.all(wrong.map((line) => closed(dial(line))));
  expect(complete).toEqual([]);
});

test("what has come for a worker that there will not be is closed, and so is what comes later", async () => {
  expectFork(3);
  const early = dial({ id: 3, channel: "control", token: listener.token });
  // A connection after it has been answered: the one before has been taken by then.
  await closed(dial({ id: 9, channel: "control", token: listener.token }));
  listener.forget(3);
  await Promise.all([closed(early), closed(dial({ id: 3, channel: "stdout", token: listener.token }))]);
});

test("closing removes the directory and ends what waits", async () => {
  expectFork(4);
  const waits = dial({ id: 4, channel: "control", token: listener.token });
  await closed(dial("hello"));
  const ended = closed(waits);
  listener.close();
  await ended;
  expect(existsSync(dirname(listener.path))).toBe(false);
});

import { Duplex, duplexPair, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { openControlChannel } from "../../src/worker/control-channel.ts";

function open() {
  const [ours, theirs] = duplexPair();
  const lines: string[] = [];
  let ends = 0;
  const channel = openControlChannel(ours, {
    onLine: (line) => lines.push(line),
    onEnd: () => {
      ends += 1;
    },
  });
  return { channel, ours, theirs, lines, ends: () => ends };
}

test("whole lines are delivered; a half one dies with its writer", async () => {
  const { channel, ours, theirs, lines, ends } = open();
  theirs.write("one\ntw");
  theirs.end("o\nhal");
  theirs.resume();
  await new Promise<void>((resolve) => ours.once("end", () => resolve()));
  expect(lines).toEqual(["one", "two"]);
  expect(channel.open).toBe(false);
  ours.destroy();
  await channel.closed;
  expect(ends()).toBe(1);
});

test("what is sent arrives, and sending on a closed channel does nothing", async () => {
  const { channel, theirs } = open();
  const arrived = new Promise<Buffer>((resolve) => theirs.once("data", resolve));
  channel.send("hi\n");
  expect(String(await arrived)).toBe("hi\n");
  channel.destroy();
  await channel.closed;
  channel.send("too late\n");
});

test("a broken socket ends the channel without a throw", async () => {
  let ends = 0;
  const broken = Duplex.from({ readable: new PassThrough(), writable: new PassThrough() });
  const channel = openControlChannel(broken, {
    onLine: () => undefined,
    onEnd: () => {
      ends += 1;
    },
  });
  broken.destroy(new Error("ECONNRESET, as it were"));
  await channel.closed;
  expect(ends).toBe(1);
});

/** Rows P20 to P25: links. */

import { expect, test } from "vitest";
import { exit, link, unlink } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { send } from "../../../src/otp/request/call.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn, spawnLink } from "../../../src/otp/start/spawn.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

/** Does what it is sent, as itself. */
const obedient = async ({ receive }: ProcessContext) => {
  for (;;) (await receive<() => void>((message) => typeof message === "function"))();
};

const linksOf = (process: Process) => processInfo(process)?.links;

test("P20 a link is two-way, unlink from either side removes it, and relinking makes one again", async () => {
  const { run } = createKernel();
  await run(async ({ self: me }) => {
    const other = spawn(obedient);
    link(other);
    expect([linksOf(me), linksOf(other)]).toEqual([[other], [me]]);
    send(other, () => unlink(me));
    await quiet();
    expect([linksOf(me), linksOf(other)]).toEqual([[], []]);
    link(other);
    unlink(other);
    expect([linksOf(me), linksOf(other)]).toEqual([[], []]);
    link(other);
    link(me);
    expect([linksOf(me), linksOf(other)]).toEqual([[other], [me]]);
    unlink(other);
    exit(other, "gone");
    expect([other.links, linksOf(me)]).toEqual([undefined, []]);
    expect(isAlive(me)).toBe(true);
  });
});

test("P20 the end of one is EXIT for a trapping peer and the end of the other, and no trace of a link is left", async () => {
  const { run } = createKernel();
  await run(
    async ({ self: me, receive }) => {
      const plain = spawn(obedient);
      const ending = spawnLink(obedient);
      send(plain, () => link(ending));
      await quiet();
      exit(ending, "reason");
      expect(await receive()).toEqual({ type: "EXIT", from: ending, reason: "reason" });
      expect(await exited(plain)).toBe("reason");
      expect([linksOf(me), plain.links, ending.links]).toEqual([[], undefined, undefined]);
    },
    { trapExit: true },
  );
});

test("P21 links are one per pair, monitors stack: one EXIT, two DOWN", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const other = spawn(idle);
      link(other);
      link(other);
      const monitors = [monitor(other), monitor(other)];
      exit(other, "reason");
      const messages = [await receive<{ type: string; monitor?: unknown }>(), await receive(), await receive()];
      expect(messages.filter((message) => (message as { type: string }).type === "EXIT")).toHaveLength(1);
      const downs = messages.flatMap((message) => (message as { monitor?: unknown }).monitor ?? []);
      expect(downs).toEqual(monitors);
      expect(downs[0]).not.toBe(downs[1]);
      await quiet();
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

test("P22 a link to a dead process is an EXIT noproc when exits are trapped, and else raises noproc, which ends its process", async () => {
  const { run } = createKernel();
  const dead = await run(({ self: me }) => me);
  await run(
    async ({ receive }) => {
      link(dead);
      expect(await receive()).toEqual({ type: "EXIT", from: dead, reason: "noproc" });
      link("nobody");
      expect(await receive()).toEqual({ type: "EXIT", from: undefined, reason: "noproc" });
    },
    { trapExit: true },
  );
  await run(async () => {
    expect(await failure(() => link(dead))).toMatchObject({ code: "noproc", reason: "noproc" });
    expect(await exited(spawn(() => link(dead)))).toMatchObject({ code: "noproc" });
  });
});

test.each([["shutdown"], [{ shutdown: "detail" }], ["killed"], ["noproc"], [new Error("raised for P23")]] satisfies [
  ExitReason,
][])("P23 the reason %s spreads over a link to a process that does not trap", async (reason) => {
  const { run } = createKernel();
  await run(async () => {
    const peer = spawn(obedient);
    const ending = spawn(async ({ receive }) => {
      await receive();
      throw new Exit(reason);
    });
    send(peer, () => link(ending));
    await quiet();
    send(ending, "now");
    expect(await exited(peer)).toBe(reason);
  });
});

test("the reason normal does not spread over a link", async () => {
  const { run } = createKernel();
  await run(async () => {
    const peer = spawn(obedient);
    const ending = spawn(({ receive }) => receive());
    send(peer, () => link(ending));
    await quiet();
    send(ending, "now");
    expect(await exited(ending)).toBe("normal");
    await quiet();
    expect(isAlive(peer)).toBe(true);
    expect(linksOf(peer)).toEqual([]);
  });
});

test("P25 a lost connection is EXIT noconnection for those that are linked (adapted: the process that stands for the other side ends with it)", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const far = spawnLink(idle);
      await quiet();
      spawn(() => exit(far, "noconnection"));
      expect(await receive()).toEqual({ type: "EXIT", from: far, reason: "noconnection" });
    },
    { trapExit: true },
  );
});

test("a link to oneself is nothing", async () => {
  const { run } = createKernel();
  await run(async ({ self: me }) => {
    link(me);
    expect(linksOf(me)).toEqual([]);
  });
});

test("no EXIT comes from a link after unlink has returned", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const other = spawnLink(idle);
      await quiet();
      unlink(other);
      exit(other, "late");
      await quiet();
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

test("a ring of linked processes ends as one, each once", async () => {
  const { run, reports } = createKernel();
  await run(async () => {
    const ring = Array.from({ length: 10 }, () => spawn(obedient));
    for (const [index, ref] of ring.entries()) send(ref, () => link(ring[(index + 1) % ring.length] as Process));
    await quiet();
    exit(ring[3] as Process, "broken");
    expect(ring.map(({ exitReason }) => exitReason)).toEqual(ring.map(() => "broken"));
    expect(reports).toEqual([]);
  });
});

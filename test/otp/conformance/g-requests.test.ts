/** Rows G39 to G46 and G84: requests whose replies are waited for later, and calls to many. */

import { expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import {
  RequestCollection,
  receiveResponse,
  sendRequest,
  waitResponse,
} from "../../../src/otp/request/async-request.ts";
import { call, type From, reply, send } from "../../../src/otp/request/call.ts";
import { multiCall } from "../../../src/otp/request/multi-call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { resume, suspend } from "../../../src/otp/request/sys.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

/** Answers a number after as many milliseconds; text at once. */
const delayed = (clock: { setTimeout(fn: () => void, ms: number): unknown }) =>
  fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (message: number | string, _state, from: From) => {
      if (message === "junk") return "junk" as never;
      if (typeof message === "string") return { reply: message };
      clock.setTimeout(() => reply(from, message), message);
      return { noreply: true };
    },
  });

test("G39 two requests under way to one server are both answered", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const ref = await start(delayed(clock));
    const first = sendRequest(ref, "one");
    const second = sendRequest(ref, "two");
    expect(await waitResponse(second)).toEqual({ type: "reply", reply: "two" });
    expect(await waitResponse(first)).toEqual({ type: "reply", reply: "one" });
  });
});

test("G41 a wait that times out keeps the request, and a later one gets the reply", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const request = sendRequest(await start(delayed(clock)), 400);
    expect(await waitResponse(request, { timeoutMs: 0 })).toEqual({ type: "timeout" });
    const waiting = waitResponse(request, { timeoutMs: 100 });
    await quiet();
    clock.advance(100);
    expect(await waiting).toEqual({ type: "timeout" });
    const patient = waitResponse(request, { timeoutMs: "infinity" });
    clock.advance(300);
    expect(await patient).toEqual({ type: "reply", reply: 400 });
    expect(await waitResponse(request, { timeoutMs: 0 })).toEqual({ type: "reply", reply: 400 });
    await quiet();
    expect(clock.pending).toBe(0);
  });
});

test("G42 what goes wrong with a request is a value of its response; an address that is none throws at once", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const ref = await start(delayed(clock));
    expect(await waitResponse(sendRequest(ref, "junk"))).toMatchObject({
      type: "error",
      error: { code: "exited", reason: { reason: { type: "bad_return_value" } }, call: { target: ref } },
    });
    for (const nobody of [ref, "nobody", { via: createTable(), key: "nobody" }]) {
      expect(await waitResponse(sendRequest(nobody as string, "x"))).toMatchObject({
        type: "error",
        error: { code: "noproc", reason: "noproc", call: { target: nobody } },
      });
    }
    expect(await failure(() => sendRequest({} as string, "x"))).toMatchObject({
      code: "invalid_argument",
      field: "target",
    });
    expect(await waitResponse(sendRequest(self() as never, "x" as never))).toMatchObject({
      error: { code: "calling_self" },
    });
  });
});

test("G43 responses of a collection are received in the order in which they come, under their labels (adapted: the collection changes in place)", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const ref = await start(delayed(clock));
    const collection = new RequestCollection<unknown, number>();
    collection.send(ref, 400, 1).add(sendRequest(ref, 1), 2).send(ref, 200, 3);
    expect(collection.size).toBe(3);
    expect(collection.entries().map(([, label]) => label)).toEqual([1, 2, 3]);
    await quiet();
    const order = [];
    for (const ms of [1, 199, 200]) {
      const waiting = collection.receiveResponse();
      clock.advance(ms);
      order.push(await waiting, collection.size);
    }
    expect(order).toEqual([
      { type: "reply", reply: 1, label: 2 },
      2,
      { type: "reply", reply: 200, label: 3 },
      1,
      { type: "reply", reply: 400, label: 1 },
      0,
    ]);
    expect(await collection.receiveResponse()).toEqual({ type: "no_request" });
  });
});

test("G46 a wait on a collection that times out abandons nothing: both answers come later, errors too (adapted: the collection changes in place)", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const ref = await start(delayed(clock));
    const collection = new RequestCollection<unknown, string>().send(ref, 100, "slow").send(ref, 200, "slower");
    expect(await collection.waitResponse({ timeoutMs: 0 })).toEqual({ type: "timeout" });
    const late = collection.waitResponse({ timeoutMs: 50 });
    await quiet();
    clock.advance(50);
    expect(await late).toEqual({ type: "timeout" });
    expect(collection.size).toBe(2);
    clock.advance(150);
    await quiet();
    expect(await collection.waitResponse({ timeoutMs: 0 })).toEqual({ type: "reply", reply: 100, label: "slow" });
    expect(await collection.waitResponse()).toEqual({ type: "reply", reply: 200, label: "slower" });
    collection.send("nobody", "x", "dead");
    expect(await collection.waitResponse()).toMatchObject({ type: "error", label: "dead", error: { code: "noproc" } });
    expect(collection.size).toBe(0);
  });
});

test("a response that is not received in time is given up with its request, or with the whole collection", async () => {
  const { run, clock } = createKernel();
  await run(async ({ receive }) => {
    const ref = await start(delayed(clock));
    const request = sendRequest(ref, 50);
    expect(await receiveResponse(request, { timeoutMs: 0 })).toEqual({ type: "timeout" });
    expect(await failure(waitResponse(request))).toMatchObject({ code: "invalid_argument" });
    const collection = new RequestCollection<unknown, string>().send(ref, 50, "late");
    expect(await collection.receiveResponse({ timeoutMs: 0 })).toEqual({ type: "timeout" });
    expect(await collection.receiveResponse()).toEqual({ type: "no_request" });
    clock.advance(50);
    await quiet();
    expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
  });
});

test("a request stands in a collection once", async () => {
  const { runtime, clock } = createKernel();
  const request = sendRequest(await start(delayed(clock), { runtime }), "x");
  const collection = new RequestCollection<unknown, number>().add(request, 1);
  expect(() => collection.add(request, 2)).toThrow(/invalid_argument/);
  await waitResponse(request);
});

test("G84 a call to many answers replies in their order and names the dead, the slow, the suspended and the ended (adapted: over a list of servers)", async () => {
  const { run, clock } = createKernel();
  await run(async ({ self: me, receive }) => {
    const logic = delayed(clock);
    const [good, slow, held, dead] = [
      await start(logic, { name: "good" }),
      await start(logic),
      await start(logic),
      await start(logic),
    ];
    await stop(dead);
    await suspend(held);
    for (let index = 0; index < 1_000; index += 1) send(me, index);
    const asking = multiCall([slow, "good", held, dead, "nobody", good], "x", { timeoutMs: 100 });
    await call(good, "x");
    const later = multiCall([slow, good], 500, { timeoutMs: 100 });
    await quiet();
    clock.advance(100);
    const { replies, bad } = await asking;
    expect(replies).toEqual([
      { target: slow, reply: "x" },
      { target: "good", reply: "x" },
      { target: good, reply: "x" },
    ]);
    expect(bad).toMatchObject([
      { target: held, error: { code: "timeout" } },
      { target: dead, error: { code: "noproc" } },
      { target: "nobody", error: { code: "noproc" } },
    ]);
    expect(await later).toMatchObject({ replies: [], bad: [{ target: slow }, { target: good }] });
    await resume(held);
    clock.advance(500);
    await quiet();
    // Late replies reach nobody: the caller finds its own messages and no others.
    for (let index = 0; index < 1_000; index += 1) expect(await receive()).toBe(index);
    expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
  });
});

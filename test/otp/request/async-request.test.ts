import { expect, test } from "vitest";
import { RequestCollection, sendRequest, waitResponse } from "../../../src/otp/request/async-request.ts";
import { type From, reply, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

/** Answers the call that it is sent the number of. */
const desk = fromGenServer({
  init: (_input: undefined) => ({ state: [] as From[] }),
  handleCall: (_message: unknown, waiting, from) => ({ noreply: true, state: [...waiting, from] }),
  handleInfo(message, waiting) {
    reply(waiting[message as number] as From, message);
    return { state: waiting };
  },
});

test("a wait may be until a moment, and is over when its request is given up", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const ref = (await start(desk)) as Ref;
    const request = sendRequest(ref, "x");
    const late = waitResponse(request, { deadlineAtMs: clock.now() + 10 });
    await quiet();
    clock.advance(10);
    expect(await late).toEqual({ type: "timeout" });
    const given = failure(waitResponse(request));
    await quiet();
    request.abandon();
    expect(await given).toMatchObject({ code: "invalid_argument", field: "request" });
    await quiet();
    expect([ref.openCalls, clock.pending]).toEqual([undefined, 0]);
  });
});

test("everybody who waits for a request is told, and of a collection who was answered first", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = (await start(desk)) as Ref;
    const collection = new RequestCollection<unknown, string>();
    for (const label of ["a", "b", "c"]) collection.send(ref, label, label);
    const [, request] = collection.entries().map(([sent]) => sent);
    if (request === undefined) throw new Error("there is a second one");
    const waits = [collection.waitResponse(), waitResponse(request), waitResponse(request, { timeoutMs: 1_000 })];
    await quiet();
    send(ref, 1);
    expect(await Promise.all(waits)).toEqual([
      { type: "reply", reply: 1, label: "b" },
      { type: "reply", reply: 1 },
      { type: "reply", reply: 1 },
    ]);
    send(ref, 2);
    send(ref, 0);
    const rest = [await collection.waitResponse(), await collection.waitResponse(), await collection.waitResponse()];
    expect(rest.map((response) => ("label" in response ? response.label : response.type))).toEqual([
      "c",
      "a",
      "no_request",
    ]);
  });
});

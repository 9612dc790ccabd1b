import { expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { multiCall } from "../../../src/otp/request/multi-call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const answering = fromGenServer({
  init: (name: string) => ({ state: name }),
  handleCall: (_message: string, name) => ({ reply: name }),
});
const silent = fromGenServer({
  init: (_input: undefined) => ({ state: 0 }),
  handleCall: (_message: string, _state) => ({ noreply: true as const }),
});

test("one target that is none is the caller's mistake: nobody is called", async () => {
  const { runtime } = createKernel();
  const ref = await start(answering, { runtime, input: "a" });
  const asked = failure(multiCall([ref, 7 as never, ref], "x"));
  expect(await asked).toMatchObject({ code: "invalid_argument", field: "target", value: 7 });
  await quiet();
  expect([ref.handled, ref.openCalls]).toEqual([0, undefined]);
});

test("the time, the deadline and the signal hold for all", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const [quick, slow] = [await start(answering, { input: "quick" }), await start(silent)];
    const targets: readonly Process[] = [quick, slow, slow];
    for (const options of [{ timeoutMs: 10 }, { deadlineAtMs: clock.now() + 10 }]) {
      const asked = multiCall(targets, "x", options);
      await quiet();
      clock.advance(10);
      const { replies, bad } = await asked;
      expect([replies, bad.map(({ error }) => error.code)]).toEqual([
        [{ target: quick, reply: "quick" }],
        ["timeout", "timeout"],
      ]);
    }
    const abort = new AbortController();
    const asked = multiCall(targets, "x", { signal: abort.signal });
    await quiet();
    abort.abort();
    const { replies, bad } = await asked;
    expect([replies.length, bad.map(({ error }) => error.code)]).toEqual([1, ["aborted", "aborted"]]);
    expect(slow.openCalls).toBeUndefined();
  });
});

import { expect, test } from "vitest";
import { Groups } from "../../../src/otp/registry/groups.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

test("the process of a table refuses calls at once, and tells of every other message instead of keeping it", async () => {
  const { runtime, letters } = createKernel();
  const tables = [Registry.start({ keys: "unique", runtime }), Groups.start({ runtime })];
  for (const { process } of tables) {
    expect(await failure(call(process as Ref, "x"))).toMatchObject({ code: "exited", reason: "refused" });
    send(process, "lost");
    cast(process as Ref, "lost too");
    await quiet();
    expect(process.queueLength).toBe(0);
  }
  expect(letters()).toEqual(
    [1, 2].flatMap(() => ["lost", "lost too"].map((message) => ({ message, why: "unhandled" }))),
  );
});

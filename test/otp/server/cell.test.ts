import { describe, expect, test } from "vitest";
import { call } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { castCell, readAndUpdateCell, readCell, startCell, updateCell } from "../../../src/otp/server/cell.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

describe("a cell's functions may be async", () => {
  test("they are awaited in the cell, one at a time", async () => {
    const { runtime } = createKernel();
    const cell = await startCell(async () => 1, { runtime });
    const log: string[] = [];
    const slowly = async (state: number): Promise<number> => {
      log.push(`begins with ${state}`);
      await quiet();
      log.push(`ends with ${state}`);
      return state + 1;
    };
    castCell(cell, slowly);
    const [, read, both] = await Promise.all([
      updateCell(cell, slowly),
      readCell(cell, async (state) => state * 10),
      readAndUpdateCell(cell, async (state) => [`was ${state}`, state * 2] as const),
    ]);
    expect([read, both, await readCell(cell, (state) => state)]).toEqual([30, "was 3", 6]);
    expect(log).toEqual(["begins with 1", "ends with 1", "begins with 2", "ends with 2"]);
  });

  test.each([
    ["readCell", (cell: Ref) => readCell(cell as never, async () => Promise.reject(new Error("refused by a reader")))],
    [
      "updateCell",
      (cell: Ref) => updateCell(cell as never, async () => Promise.reject(new Error("refused by a reader"))),
    ],
    [
      "readAndUpdateCell",
      (cell: Ref) => readAndUpdateCell(cell as never, async () => Promise.reject(new Error("refused by a reader"))),
    ],
    ["readAndUpdateCell with no pair", (cell: Ref) => readAndUpdateCell(cell as never, async () => undefined as never)],
  ])("a rejection of %s ends the cell, and its caller learns why", async (_what, ask) => {
    const { runtime } = createKernel();
    const cell = await startCell(() => 1, { runtime });
    const error = await failure(ask(cell as Ref));
    expect([error.code, isAlive(cell), error.cause === cell.exitReason]).toEqual(["exited", false, true]);
  });

  test("a rejection of castCell ends the cell, one of the initial function fails the start", async () => {
    const { runtime } = createKernel();
    const cell = await startCell(() => 1, { runtime });
    castCell(cell, async () => Promise.reject(new Error("refused by a cast")));
    expect(await exited(cell)).toMatchObject({ message: "refused by a cast" });
    const start = startCell(async () => Promise.reject(new Error("nothing to begin with")), { runtime });
    expect(await failure(start)).toMatchObject({ code: "start_failed", reason: { message: "nothing to begin with" } });
    expect(runtime.processCount).toBe(0);
  });
});

test("a call that is none of a cell's ends it", async () => {
  const { runtime } = createKernel();
  const cell = (await startCell(() => 1, { runtime })) as unknown as Ref;
  expect(await failure(call(cell, { type: "not a function" }))).toMatchObject({ code: "exited" });
});

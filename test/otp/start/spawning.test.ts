import { expect, test } from "vitest";
import { fromTransition } from "xstate";
import { send } from "../../../src/otp/request/call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { labelOf } from "../../../src/otp/start/spawning.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel } from "../kernel.ts";

test("logic whose name is no text has a process that can be told of: its crash ends it and nothing else", async () => {
  const { runtime, crashes } = createKernel();
  const crash = (): never => {
    throw new Error("crashes under an odd name");
  };
  const odd = Symbol("odd") as never;
  const code = Object.defineProperty(async () => crash(), "name", { value: odd });
  const refs = [
    await start(Object.assign(fromTransition<number, { type: string }, never, undefined>(crash, 0), { id: odd }), {
      runtime,
    }),
    await start(fromGenServer({ name: odd, init: () => ({ state: 0 }), handleInfo: crash }), { runtime }),
    spawn(code, { runtime }),
  ];
  for (const ref of refs) send(ref, { type: "crash" });
  for (const ref of refs) expect(await exited(ref)).toMatchObject({ message: "crashes under an odd name" });
  expect(
    crashes()
      .map(({ process }) => process)
      .sort(),
  ).toEqual(["<1> actor", "<2> process", "<3> process"]);
});

test("a label is the text that logic says, or what it is", () => {
  expect([labelOf("gate", "actor"), labelOf("", "actor"), labelOf(7, "actor"), labelOf(undefined, "actor")]).toEqual([
    "gate",
    "actor",
    "actor",
    "actor",
  ]);
});

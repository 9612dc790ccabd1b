import { expect, test, vi } from "vitest";
import { Outbox } from "../../src/agent/outbox.ts";
import { currentProcess, runAs } from "../../src/otp/process/current.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { spawn } from "../../src/otp/start/spawn.ts";

test("others are told after the outermost turn, in order", () => {
  const outbox = new Outbox();
  const seen: string[] = [];
  outbox.turn(() => {
    outbox.tell(() => seen.push("first"));
    outbox.turn(() => outbox.tell(() => seen.push("second")));
    seen.push("state");
  });
  expect(seen).toEqual(["state", "first", "second"]);
});

test("outside a turn they are told at once", () => {
  const outbox = new Outbox();
  let told = false;
  outbox.tell(() => {
    told = true;
  });
  expect(told).toBe(true);
});

test("who is told may take turns: what follows from them is told after the others", () => {
  const outbox = new Outbox();
  const seen: string[] = [];
  outbox.turn(() => {
    outbox.tell(() => {
      outbox.turn(() => {
        outbox.tell(() => seen.push("answer"));
        seen.push("turn of the first");
      });
      seen.push("first");
    });
    outbox.tell(() => seen.push("second"));
  });
  expect(seen).toEqual(["turn of the first", "first", "second", "answer"]);
});

test("a turn belongs to no process, whoever has caused it", async () => {
  const outbox = new Outbox();
  let seen: unknown = "not run";
  const process: Process = spawn(async () => undefined);
  runAs(process, () => outbox.tell(() => (seen = currentProcess())), undefined);
  expect(seen).toBeUndefined();
});

test("one who throws keeps the news from nobody, and the error is the host's", async () => {
  const outbox = new Outbox();
  const caught = new Promise((resolve) => {
    const spy = vi.spyOn(globalThis, "setImmediate").mockImplementation(((rethrow: () => void) => {
      spy.mockRestore();
      try {
        rethrow();
      } catch (error) {
        resolve(error);
      }
    }) as never);
  });
  let told = false;
  outbox.turn(() => {
    outbox.tell(() => {
      throw new Error("a listener of the outbox broke");
    });
    outbox.tell(() => {
      told = true;
    });
  });
  expect(told).toBe(true);
  expect(await caught).toMatchObject({ message: "a listener of the outbox broke" });
});

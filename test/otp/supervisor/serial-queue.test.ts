import { expect, test } from "vitest";
import { SerialQueue } from "../../../src/otp/supervisor/serial-queue.ts";

const raise = (error: unknown) => expect.fail(`a job broke: ${String(error)}`);

test("a job that returns no promise is done before add returns", () => {
  const queue = new SerialQueue(raise);
  const done: string[] = [];
  queue.add(() => void done.push("a"));
  expect(done).toEqual(["a"]);
});

test("jobs run one at a time, in the order they were added", async () => {
  const queue = new SerialQueue(raise);
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  queue.add(async () => {
    done.push("a begins");
    await gate.promise;
    done.push("a ends");
  });
  queue.add(() => void done.push("b"));
  const c = queue.call(() => {
    done.push("c");
    return "answer of c";
  });
  expect(done).toEqual(["a begins"]);
  gate.resolve();
  expect(await c).toBe("answer of c");
  expect(done).toEqual(["a begins", "a ends", "b", "c"]);
});

test("a job added by a job waits for it", () => {
  const queue = new SerialQueue(raise);
  const done: string[] = [];
  queue.add(() => {
    queue.add(() => void done.push("inner"));
    done.push("outer");
  });
  expect(done).toEqual(["outer", "inner"]);
});

test("call settles with what its job throws or rejects with, and the next job runs", async () => {
  const queue = new SerialQueue(raise);
  const thrown = queue.call(() => {
    throw new Error("thrown in a job");
  });
  const rejected = queue.call(() => Promise.reject(new Error("rejected in a job")));
  const next = queue.call(() => "next");
  await expect(thrown).rejects.toThrow("thrown in a job");
  await expect(rejected).rejects.toThrow("rejected in a job");
  expect(await next).toBe("next");
});

test("a job that breaks after all, at once or later, is told of, and the next one runs", async () => {
  const told: unknown[] = [];
  const queue = new SerialQueue((error) => told.push(error));
  queue.add(() => {
    throw new Error("a job broke at once");
  });
  queue.add(() => Promise.reject(new Error("a job broke later")));
  expect(await queue.call(() => "next")).toBe("next");
  expect(told).toMatchObject([{ message: "a job broke at once" }, { message: "a job broke later" }]);
});

test("ten thousand jobs that wait do not grow the stack", async () => {
  const queue = new SerialQueue(raise);
  const gate = Promise.withResolvers<void>();
  queue.add(() => gate.promise);
  let done = 0;
  const job = (): void => {
    done += 1;
  };
  for (let added = 0; added < 10_000; added += 1) queue.add(job);
  const last = queue.call(() => done);
  gate.resolve();
  expect(await last).toBe(10_000);
});

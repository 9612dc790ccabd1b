import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { WorkerLogRecord } from "../../src/worker/launcher.ts";
import { createOutputTail, drainOutput } from "../../src/worker/stdio.ts";
import { exitOf, launchFixture, readyOf, within } from "./fixture-worker.ts";

test("a tail keeps the last 50 lines", () => {
  const tail = createOutputTail();
  for (let number = 0; number < 120; number += 1) tail.add(`${number}`);
  expect(tail.lines()).toEqual(Array.from({ length: 50 }, (_, index) => `${70 + index}`));
});

test("a tail keeps at most 64 KiB, counted in bytes", () => {
  const tail = createOutputTail();
  for (let number = 0; number < 50; number += 1) tail.add("é".repeat(1_000));
  expect(tail.lines()).toHaveLength(32);
});

test("a drain tells every line and the rest of both streams, then closes", async () => {
  const records: WorkerLogRecord[] = [];
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const drain = drainOutput(streams, (record) => records.push(record));
  streams.stdout.end("one\ntwo");
  streams.stderr.end("three\n");
  await drain.closed;
  expect(records.map(({ stream, message }) => `${stream} ${message}`).sort()).toEqual([
    "stderr three",
    "stdout one",
    "stdout two",
  ]);
  expect(drain.stderrTail()).toEqual(["three"]);
});

test("destroying a drain tells what came without a newline, once", async () => {
  const records: WorkerLogRecord[] = [];
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const drain = drainOutput(streams, (record) => records.push(record));
  const read = new Promise<void>((resolve) => streams.stderr.once("data", () => resolve()));
  streams.stderr.write("half");
  await read;
  drain.destroy();
  await drain.closed;
  expect(records.map(({ message }) => message)).toEqual(["half"]);
  expect(drain.stderrTail()).toEqual(["half"]);
});

test("5 MB without a newline on both streams neither block the worker nor are kept", async () => {
  const worker = launchFixture("flood-stdout");
  await readyOf(worker);
  const exit = await worker.stop(5_000);
  for (const stream of ["stdout", "stderr"]) {
    const records = worker.logs.filter((record) => record.stream === stream);
    expect(records.reduce((sum, { message }) => sum + message.length, 0)).toBe(5 * 1024 * 1024);
    expect(Math.max(...records.map(({ message }) => message.length))).toBe(64 * 1024);
  }
  expect(exit.stderrTail.join("").length).toBeLessThanOrEqual(64 * 1024);
});

test("JSON lines are logged at their level, other lines as text", async () => {
  const worker = launchFixture("logs");
  await readyOf(worker);
  await worker.stop(5_000);
  const of = (stream: string) => worker.logs.filter((record) => record.stream === stream);
  expect(of("stderr").map(({ level, message }) => `${level}: ${message}`)).toEqual([
    "debug: at debug",
    "info: at info",
    "warn: at warning",
    "error: at error",
    "fatal: at critical",
    "warn: plain err",
  ]);
  expect(of("stderr")[0]?.fields).toEqual({ logger: "fixture" });
  expect(of("stdout")).toEqual([
    { stream: "stdout", level: "info", message: "plain out", fields: {} },
    { stream: "stdout", level: "info", message: '{"rows": 3}', fields: {} },
  ]);
});

test("the exit carries the last 50 lines of stderr", async () => {
  const exit = await exitOf(launchFixture("many-lines"));
  expect(exit.stderrTail).toEqual(Array.from({ length: 50 }, (_, index) => `line ${150 + index}`));
});

test("an onLog that throws harms neither host nor worker", async () => {
  const warning = new Promise<Error>((resolve) => process.once("warning", resolve));
  const worker = launchFixture("logs", {
    onLog() {
      throw new Error("the logger's disk is full");
    },
  });
  await readyOf(worker);
  expect((await within(5_000, "the warning", warning)).message).toContain("the logger's disk is full");
  expect(await worker.stop(5_000)).toMatchObject({ cause: "stopped" });
});

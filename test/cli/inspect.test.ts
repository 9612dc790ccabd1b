import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { createInspectCommand, inspectCommand } from "../../src/cli/inspect.ts";
import { createTerminal } from "./terminal.ts";

beforeAll(() => buildIfStale());

function recording(): string {
  const directory = mkdtempSync(join(tmpdir(), "recording-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "run.jsonl");
  writeFileSync(file, '{"type":"header","version":1,"system":"x","atMs":1}\n{"type":"end","atMs":2}\n');
  return file;
}

test("a recording is served at the address that is printed, until the end", async () => {
  const { terminal, out } = createTerminal();
  const statuses: number[] = [];
  const command = createInspectCommand(async () => {
    statuses.push((await fetch(out[0] ?? "")).status);
  });
  expect(await command.run([recording()], terminal)).toBe(0);
  expect(statuses).toEqual([200]);
  await expect(fetch(out[0] ?? "")).rejects.toThrow();
});

test("a signal ends it", async () => {
  const { terminal, out } = createTerminal();
  const running = inspectCommand.run([recording()], terminal);
  await expect.poll(() => out.length).toBe(1);
  process.emit("SIGTERM");
  expect(await running).toBe(0);
});

test.each([
  ["no file", []],
  ["two files", ["a", "b"]],
  ["a port that is none", ["run.jsonl", "--port", "x"]],
])("%s is said", async (_what, words) => {
  await expect(inspectCommand.run(words, createTerminal().terminal)).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

test("a file that is not there is said", async () => {
  const running = inspectCommand.run(["nowhere.jsonl"], createTerminal().terminal);
  await expect(running).rejects.toMatchObject({ code: "not_found" });
});

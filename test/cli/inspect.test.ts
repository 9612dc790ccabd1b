import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { createInspectCommand, inspectCommand } from "../../src/cli/inspect.ts";
import { silentLogger } from "../../src/logger.ts";
import { startSystem } from "../../src/start-system.ts";
import { readViewer } from "../viewer/page-reader.ts";
import { createTerminal, runCommand } from "./terminal.ts";

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
  expect(await runCommand(command, [recording()], terminal)).toBe(0);
  expect(statuses).toEqual([200]);
  await expect(fetch(out[0] ?? "")).rejects.toThrow();
});

test("a signal ends it", async () => {
  const { terminal, out } = createTerminal();
  const running = runCommand(inspectCommand, [recording()], terminal);
  await expect.poll(() => out.length).toBe(1);
  process.emit("SIGTERM");
  expect(await running).toBe(0);
});

test("a running system is shown by its name, until it ends", async () => {
  const name = `s-${randomUUID()}`;
  const system = await startSystem({ name, control: true, logger: silentLogger });
  onTestFinished(() => system.stop());
  const { terminal, out, error } = createTerminal();
  const running = runCommand(inspectCommand, [name], terminal);
  await expect.poll(() => out.length).toBe(1);
  const page = await readViewer(out[0] ?? "");
  await expect.poll(() => page.world.system).toBe(name);
  page.leave();
  await system.stop();
  expect(await running).toBe(0);
  expect(error).toEqual([`system "${name}" (pid ${process.pid}) has ended`]);
}, 20_000);

test("two things to show make no sense", async () => {
  expect(await runCommand(inspectCommand, ["a", "b"], createTerminal().terminal)).toBe(2);
});

test.each(["x", "0", "65536"])("a port that is none is said: %s", async (port) => {
  const running = runCommand(inspectCommand, ["run.jsonl", "--port", port], createTerminal().terminal);
  await expect(running).rejects.toMatchObject({ code: "invalid_argument" });
});

test("what is neither a file nor a system is said", async () => {
  const running = runCommand(inspectCommand, ["nowhere.jsonl"], createTerminal("/nowhere").terminal);
  await expect(running).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringMatching(
      /^\[not_found\] there is no recording "\/nowhere\/nowhere.jsonl", and no system "nowhere.jsonl" is found: /,
    ),
  });
});

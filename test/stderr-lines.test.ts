import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StderrLines } from "../src/stderr-lines.ts";

/** A pipe that takes as many bytes as the test allows. */
function pipe() {
  let room = 0;
  let taken = "";
  const waiting: (() => void)[] = [];
  const write = (bytes: Buffer) => {
    if (room === 0) throw Object.assign(new Error("try again"), { code: "EAGAIN" });
    const written = Math.min(room, bytes.length);
    room -= written;
    taken += bytes.toString("utf8", 0, written);
    return written;
  };
  return {
    lines: new StderrLines({ write, later: (fn) => void waiting.push(fn) }),
    taken: () => taken,
    waiting,
    /** The reader takes so many bytes, and the pipe is tried again. */
    read(bytes: number) {
      room = bytes;
      for (const fn of waiting.splice(0)) fn();
    },
  };
}

test("what a reader does not take now is written later, in order and whole", () => {
  const { lines, taken, read, waiting } = pipe();
  lines.write("first\n");
  lines.write("second\n");
  expect([taken(), waiting.length]).toEqual(["", 1]);
  read(8);
  expect([taken(), waiting.length]).toEqual(["first\nse", 1]);
  read(100);
  expect([taken(), waiting.length]).toEqual(["first\nsecond\n", 0]);
  lines.write("third\n");
  expect(taken()).toBe("first\nsecond\nthird\n");
});

test("what is too much is left out and counted", () => {
  const { lines, taken, read } = pipe();
  for (let n = 0; n < 3_000; n += 1) lines.write(`${"x".repeat(1_023)}\n`);
  read(Number.MAX_SAFE_INTEGER);
  const written = taken().split("\n");
  expect(written.filter((line) => line.startsWith("x"))).toHaveLength(1_024);
  expect(JSON.parse(written.at(-2) ?? "")).toMatchObject({ level: 40, msg: expect.stringContaining("1976 log lines") });
});

test("a stderr that is closed takes nothing more, and nobody is troubled", () => {
  const lines = new StderrLines({
    write() {
      throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
    },
  });
  lines.write("a\n");
  lines.write("b\n");
  lines.flushAtExit();
});

test("a host whose stderr nobody reads goes on, and ends by itself", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stderr-"));
  const program = join(folder, "host.ts");
  const source = (name: string) => JSON.stringify(join(import.meta.dirname, "../src", name));
  writeFileSync(
    program,
    `import { createDefaultLogger } from ${source("default-logger.ts")};
import { StderrLines } from ${source("stderr-lines.ts")};
const lines = new StderrLines();
lines.watchExit();
const logger = createDefaultLogger("host", (line) => lines.write(line));
for (let n = 0; n < 20_000; n += 1) logger.error({ n }, "x".repeat(200));
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write("not held up");`,
  );
  // Its stderr is a pipe of ours that stays unread.
  const host = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(host, "exit");
  let said = "";
  host.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  expect(await ended).toEqual([0, null]);
  host.stderr.destroy();
  rmSync(folder, { recursive: true });
  expect(said).toBe("not held up");
});

test("one listener sees to the ends of all systems, as Node warns of the eleventh, and none is left after the last", () => {
  const before = process.listenerCount("exit");
  const ends = Array.from({ length: 20 }, () => new StderrLines({ write: (bytes) => bytes.length }).watchExit());
  expect(process.listenerCount("exit")).toBe(before + 1);
  for (const end of ends) end();
  expect(process.listenerCount("exit")).toBe(before);
});

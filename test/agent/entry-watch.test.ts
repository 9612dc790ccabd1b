import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EntryWatch, type WatchedWorker } from "../../src/agent/entry-watch.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/index.ts";
import { until } from "./fleet.ts";

let folder: string;
let clock: VirtualClock;
let reasons: string[];
let watch: EntryWatch;
/** What a swap answers; undefined: it is not possible now. */
let answer: Promise<void> | undefined;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "synapse-watch-")));
  clock = createVirtualClock();
  reasons = [];
  answer = Promise.resolve();
  write("agent.py", "1");
  write("tools.py", "1");
  watch = new EntryWatch({
    entry: "agent.py:agent",
    cwd: folder,
    clock: () => clock,
    swap: (reason) => {
      reasons.push(reason);
      return answer;
    },
    warn: (error) => reasons.push(String(error)),
  });
});

afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true });
});

/** Writes a file as it was a while ago, so that a worker that is launched now has it. */
function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  utimesSync(file, new Date(1_000), new Date(1_000));
  return file;
}

function worker(...imports: string[]): WatchedWorker {
  return {
    launchedAtMs: Date.now(),
    importedFiles: async () => imports.map((name) => join(folder, name)),
  };
}

/** Turns, in which what the system tells arrives, and time, until a swap is asked for. */
async function swapped(count = 1): Promise<void> {
  await until("the swap", () => {
    clock.advance(20);
    return reasons.length >= count;
  });
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("the entry's file is watched before the worker has told anything", async () => {
  watch.began({ launchedAtMs: Date.now(), importedFiles: () => new Promise(() => undefined) });
  writeFileSync(join(folder, "agent.py"), "22");
  await swapped();
  expect(reasons).toEqual(["agent.py changed"]);
});

test("a file that the worker has imported is watched, and one that it has not is none of its affair", async () => {
  watch.began(worker("agent.py", "tools.py"));
  await turns();
  writeFileSync(join(folder, "notes.py"), "x");
  writeFileSync(join(folder, "tools.py"), "22");
  await swapped();
  expect(reasons).toEqual(["tools.py changed"]);
});

test("an editor that puts another file in the place has changed it", async () => {
  watch.began(worker("agent.py"));
  writeFileSync(join(folder, ".agent.swp"), "333");
  renameSync(join(folder, ".agent.swp"), join(folder, "agent.py"));
  await swapped();
  expect(reasons).toEqual(["agent.py changed"]);
});

test("files that are written one after the other are one change, when they have been left alone for a moment", async () => {
  watch.began(worker("agent.py", "tools.py"));
  await turns();
  writeFileSync(join(folder, "agent.py"), "22");
  writeFileSync(join(folder, "tools.py"), "22");
  await swapped();
  await turns();
  clock.advance(1_000);
  expect(reasons).toEqual(["agent.py, tools.py changed"]);
});

test("what is imported later, in a folder of its own, is watched from the end of the run on", async () => {
  const imports = ["agent.py"];
  watch.began({ launchedAtMs: Date.now(), importedFiles: async () => imports.map((name) => join(folder, name)) });
  await turns();
  mkdirSync(join(folder, "later"));
  write("later/lazy.py", "1");
  imports.push("later/lazy.py");
  watch.lookAgain();
  await turns();
  writeFileSync(join(folder, "later/lazy.py"), "22");
  await swapped();
  expect(reasons).toEqual(["lazy.py changed"]);
});

test("a file that was written while the worker started, and may have been read before, is a change", async () => {
  const early = { ...worker("agent.py"), launchedAtMs: Date.now() - 60_000 };
  writeFileSync(join(folder, "agent.py"), "22");
  watch.began(early);
  await swapped();
  expect(reasons).toEqual(["agent.py changed"]);
});

test("a change while no worker serves is loaded by the next one, or swapped in when that one had begun before", async () => {
  const starting = { ...worker("agent.py"), launchedAtMs: Date.now() - 60_000 };
  watch.began(worker("agent.py"));
  answer = undefined;
  writeFileSync(join(folder, "agent.py"), "22");
  await swapped();
  answer = Promise.resolve();
  watch.began(starting);
  expect(reasons).toEqual(["agent.py changed", "files changed while the worker started"]);
  watch.began({ ...worker("agent.py"), launchedAtMs: Date.now() + 1_000 });
  expect(reasons).toHaveLength(2);
});

test("after a swap that failed any Python file beside those of the worker may be the one that mends it", async () => {
  watch.began(worker("agent.py"));
  answer = Promise.reject(new Error("the swap failed by design"));
  answer.catch(() => undefined);
  writeFileSync(join(folder, "agent.py"), "import helper");
  await swapped();
  await turns();
  answer = Promise.resolve();
  writeFileSync(join(folder, "helper.py"), "ok");
  await swapped(2);
  expect(reasons).toEqual(["agent.py changed", "helper.py changed"]);
});

test("a file that is gone is no change, until it is there again", async () => {
  watch.began(worker("agent.py"));
  rmSync(join(folder, "agent.py"));
  await turns();
  clock.advance(1_000);
  expect(reasons).toEqual([]);
  writeFileSync(join(folder, "agent.py"), "22");
  await swapped();
  expect(reasons).toEqual(["agent.py changed"]);
});

test("a folder that cannot be watched is told", () => {
  rmSync(folder, { recursive: true });
  watch.began(worker());
  mkdirSync(folder);
  expect(reasons).toEqual([expect.stringContaining("ENOENT")]);
});

test("a watch that is closed waits for nothing", async () => {
  watch.began(worker("agent.py"));
  writeFileSync(join(folder, "agent.py"), "22");
  await until("the change", () => clock.pending === 1);
  watch.close();
  expect(clock.pending).toBe(0);
});

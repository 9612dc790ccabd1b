/** A script run by the program, in a folder of its own, with what it writes. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
/** The program, from its source. */
export const program = join(root, "src", "cli", "main.ts");
/** What a script imports as "synapse-otp" and "synapse-otp/otp". */
export const doors = {
  main: join(root, "src", "index.ts"),
  otp: join(root, "src", "otp", "index.ts"),
  inspect: join(root, "src", "inspect", "index.ts"),
};

const deadlineMs = 30_000;
const folders: string[] = [];
const running = new Set<{ kill(signal: NodeJS.Signals): unknown }>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Makes a folder with these files; another call of `write` replaces one. */
export function scriptFolder(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "synapse-script-test-"));
  folders.push(folder);
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { folder, write, path: (name: string) => join(folder, name) };
}

/** Runs the program. */
export function runProgram(
  words: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; node?: string[] } = {},
) {
  const { cwd = root, env = process.env, node = [] } = options;
  const child = spawn(process.execPath, [...node, program, ...words], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const written = { out: "", error: "" };
  const looks = new Set<() => void>();
  for (const [stream, name] of [
    [child.stdout, "out"],
    [child.stderr, "error"],
  ] as const) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      written[name] += text;
      for (const look of looks) look();
    });
  }
  const ended = once(child, "close").then(([code, signal]) => {
    running.delete(child);
    return { code, signal, ...written };
  });
  return {
    child,
    written,
    ended,
    /** Settles when the program has written this, on either stream. */
    said(text: string | RegExp): Promise<void> {
      const { promise, resolve: settle, reject } = Promise.withResolvers<void>();
      const fail = (why: string) => reject(new Error(`${why}: no ${text}; it said ${JSON.stringify(written)}`));
      const timer = setTimeout(() => fail(`after ${deadlineMs} ms`), deadlineMs);
      const look = () => {
        const all = written.out + written.error;
        if (typeof text === "string" ? all.includes(text) : text.test(all)) settle();
      };
      looks.add(look);
      look();
      void ended.then(() => setImmediate(() => fail("it has ended")));
      return promise.finally(() => {
        clearTimeout(timer);
        looks.delete(look);
      });
    },
  };
}

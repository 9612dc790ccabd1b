import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  describeSearch,
  findSystemPython,
  isUsable,
  type PythonProbe,
  probePython,
} from "../../src/python/system-python.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "system-python-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function program(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const known: Record<string, PythonProbe> = {
  old: { name: "old", version: [3, 10, 4], lacks: [] },
  bare: { name: "bare", version: [3, 12, 1], lacks: ["ensurepip"] },
  good: { name: "good", version: [3, 11, 0], lacks: [] },
  newer: { name: "newer", version: [4, 0, 0], lacks: [] },
};
const probe = async (name: string): Promise<PythonProbe> => known[name] ?? { name, failure: "spawn ENOENT" };

test("the first Python that is new enough and complete is taken", async () => {
  expect(await findSystemPython(["missing", "old", "bare", "good", "newer"], "--python PATH", probe)).toBe(known.good);
});

test("a later major version is new enough", () => {
  expect(isUsable(known.newer as PythonProbe)).toBe(true);
});

test("without any Python the error says what to install and what was tried", async () => {
  await expect(findSystemPython(["missing", "old"], "npm run setup:python -- --python PATH", probe)).rejects.toThrow(
    "No Python 3.11 or newer was found. Install Python 3.11 or newer with its venv module, or name one: npm run setup:python -- --python PATH. Tried: missing (spawn ENOENT); old (3.10.4).",
  );
});

test("a Python without its venv parts is named with the package that brings them", () => {
  const message = describeSearch([known.old as PythonProbe, known.bare as PythonProbe], "--python PATH");
  expect(message).toContain("bare is Python 3.12.1 but lacks ensurepip");
  expect(message).toContain("apt-get install python3.12-venv");
});

test("of a Python that is not the system's package manager's, uv is what makes an environment without those parts", () => {
  const message = describeSearch(
    [{ name: "bare", version: [3, 12, 1], lacks: ["ensurepip"], basePrefix: "/opt/python" }],
    "--python PATH",
  );
  expect(message).toContain("Install uv, which makes one without them.");
  expect(message).not.toContain("apt-get");
});

test("a program answers with its version", async () => {
  const path = program("python", `echo 'noise'; echo 'synapse:[[3, 12, 9], ["venv"]]'`);
  expect(await probePython(path)).toEqual({ name: path, version: [3, 12, 9], lacks: ["venv"] });
});

test("a version manager's shim that leads nowhere is a failure with its own words", async () => {
  const path = program("shim", "echo 'shim: python3.13: command not found' >&2; exit 127");
  expect(await probePython(path)).toEqual({ name: path, failure: "shim: python3.13: command not found" });
});

test("a program that is not there is a failure", async () => {
  const path = join(directory, "nowhere");
  expect(await probePython(path)).toMatchObject({ name: path, failure: expect.stringContaining("ENOENT") });
});

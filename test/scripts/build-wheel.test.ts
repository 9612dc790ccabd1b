import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildWheel } from "../../scripts/build-wheel.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "build-wheel-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the same sources give the same bytes, and an older wheel does not stay beside the new one", () => {
  const [one, two] = [join(directory, "one"), join(directory, "two")];
  mkdirSync(two);
  writeFileSync(join(two, "synapse_otp-0.0.1-py3-none-any.whl"), "");
  const wheel = readFileSync(buildWheel(one));
  expect(readFileSync(buildWheel(two)).equals(wheel)).toBe(true);
  expect(readdirSync(two)).toEqual(readdirSync(one));
});

test("pip installs it without an index", () => {
  const wheel = buildWheel(join(directory, "dist"));
  const target = join(directory, "target");
  const options = ["--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check", "--target", target];
  execFileSync("python3", ["-m", "pip", "install", ...options, wheel], { stdio: "pipe" });
  const program =
    "import importlib.metadata, synapse_otp; print(synapse_otp.__version__, importlib.metadata.version('synapse-otp'))";
  const printed = execFileSync("python3", ["-c", program], {
    env: { ...process.env, PYTHONPATH: target },
    encoding: "utf8",
  });
  const [source, metadata] = printed.trim().split(" ");
  expect(source).toMatch(/^\d+\.\d+\.\d+$/);
  expect(metadata).toBe(source);
});

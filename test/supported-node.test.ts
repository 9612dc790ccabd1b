import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const doors = ["index.ts", "otp/index.ts", "testing/index.ts"];

function load(door: string, pretend: string) {
  const before = `data:text/javascript,Object.defineProperty(process.versions, ${pretend})`;
  const program = `await import("./src/${door}")`;
  return spawnSync(process.execPath, ["--import", before, "--input-type=module", "-e", program], {
    cwd: root,
    encoding: "utf8",
  });
}

test.each(doors)("src/%s tells a Node that is too old, when it is loaded", (door) => {
  const { status, stderr } = load(door, "'node', { value: '20.20.2' }");
  expect(stderr).toMatch(/^Error: synapse-otp needs Node 22\.19 or newer; this is Node 20\.20\.2$/m);
  expect(status).toBe(1);
});

test.each(doors)("src/%s tells Bun, when it is loaded", (door) => {
  const { status, stderr } = load(door, "'bun', { value: '1.4.5' }");
  expect(stderr).toMatch(/^Error: synapse-otp needs Node 22\.19 or newer; this is Bun 1\.4\.5$/m);
  expect(status).toBe(1);
});

test.each(doors)("nothing of src/%s is evaluated before its check", (door) => {
  const [first] = readFileSync(join(root, "src", door), "utf8").match(/^(?:import|export)\b.*$/m) ?? [];
  expect(first).toMatch(/^import "\.{1,2}\/supported-node\.ts";$/);
});

test("a bundler is told that the check has an effect, so that it keeps it", () => {
  const { sideEffects } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(sideEffects).toContain("./dist/supported-node.js");
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeStale } from "../../scripts/build.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "build-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(...names: string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), "");
  }
}

test("what no source has become is removed, with the folders that it leaves empty", () => {
  write("src/index.ts", "src/otp/index.ts", "src/gone");
  write("dist/index.js", "dist/index.js.map", "dist/index.d.ts", "dist/otp/index.js");
  write("dist/old.js", "dist/old.d.ts", "dist/gone/deep/file.js", "dist/index.txt", "dist/otp/.cache", "dist/gone.js");
  removeStale(join(directory, "dist"), join(directory, "src"));
  expect(readdirSync(join(directory, "dist"), { recursive: true }).sort()).toEqual([
    "index.d.ts",
    "index.js",
    "index.js.map",
    "otp",
    "otp/index.js",
  ]);
  expect(existsSync(join(directory, "src", "gone"))).toBe(true);
});

test("npm builds before it packs, and in a checkout or a clone, but never tells a user of an install script", () => {
  const text = readFileSync(resolve(import.meta.dirname, "..", "..", "package.json"), "utf8");
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> };
  expect([scripts.prepack, scripts.postprepare]).toEqual(["npm run build", "npm run build"]);
  // npm lists these as install scripts ("npm warn install-scripts …"), prepare where the package is no registry's.
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(name);
});

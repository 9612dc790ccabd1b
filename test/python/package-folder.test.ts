import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ownPackage } from "../../src/python/needs.ts";
import { programOf, pythonFolder, searchPackage } from "../../src/python/package-folder.ts";

const root = resolve(import.meta.dirname, "..", "..");

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "package-folder-")));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A package of our name in a node_modules folder; answers its folder. */
function install(folder: string, version: string): string {
  const path = join(folder, "node_modules", "synapse-otp");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "package.json"), JSON.stringify({ name: "synapse-otp", version }));
  return path;
}

test("the package finds itself, its Python folder and its program", () => {
  expect(searchPackage()).toEqual({ root });
  expect(existsSync(join(pythonFolder(), "pyproject.toml"))).toBe(true);
  expect(existsSync(programOf(root))).toBe(true);
});

test("a file that lies elsewhere finds it by name: beside itself, in a folder above, or behind a link", () => {
  const path = install(directory, ownPackage.version);
  const bundle = join(directory, "dist", "server", "main.cjs");
  expect(searchPackage([bundle])).toEqual({ root: path });

  const linked = join(directory, "linked");
  mkdirSync(join(linked, "node_modules"), { recursive: true });
  symlinkSync(root, join(linked, "node_modules", "synapse-otp"));
  expect(searchPackage([join(linked, "main.cjs")])).toEqual({ root });
});

test("a place in the package itself is enough", () => {
  expect(searchPackage([join(root, "src", "python", "package-folder.ts")])).toEqual({ root });
  expect(searchPackage([join(root, "nowhere", "to", "be", "found.js")])).toEqual({ root });
});

test("the first place that has it is taken", () => {
  const path = install(join(directory, "app"), ownPackage.version);
  install(join(directory, "other"), ownPackage.version);
  const places = ["/nowhere/main.cjs", join(directory, "app", "main.cjs"), join(directory, "other", "main.cjs")];
  expect(searchPackage(places)).toEqual({ root: path });
});

test("one of another version is passed by, and told", () => {
  const path = install(directory, "0.0.7");
  const places = [join(directory, "main.cjs"), join(directory, "package.json")];
  const { version } = ownPackage;
  expect(searchPackage(places)).toEqual({
    absent: `the npm package synapse-otp ${version} was not found from "${places[0]}", "${places[1]}" ("${path}" is version 0.0.7)`,
  });
});

test("where there is none, the error says from where it was looked for", () => {
  const place = join(directory, "main.cjs");
  expect(() => pythonFolder(searchPackage([place, "/nowhere/main.cjs"]))).toThrow(
    `[python_package_missing] the npm package synapse-otp ${ownPackage.version} was not found from "${place}", "/nowhere/main.cjs"; ` +
      "run the set-up where it is installed: npm install synapse-otp",
  );
});

test("no file of the source looks for another one beside itself, where a bundle has none", () => {
  // The files that a new project begins with are the project's own.
  const asked = "import\\.meta\\.(url|dirname|filename|resolve)|__dirname";
  const found = execFileSync("grep", ["-rlE", "--exclude=new-project.ts", asked, "src"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(found).toBe("src/python/package-folder.ts\n");
});

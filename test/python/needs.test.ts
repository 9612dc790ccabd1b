import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  belongs,
  compareReleases,
  dependencies,
  isTooOld,
  oldestPython,
  ownPackage,
  requirementOf,
} from "../../src/python/needs.ts";
import { pythonFolder } from "../../src/python/package-folder.ts";
import { readProject } from "../../src/python/pyproject.ts";
import { contractVersion } from "../../src/worker/handshake.ts";

const project = readProject(pythonFolder());

test("the Python package has the version of the npm package", () => {
  const { version } = JSON.parse(readFileSync(join(pythonFolder(), "..", "package.json"), "utf8"));
  expect([ownPackage.version, project.version]).toEqual([version, version]);
});

test("the contract is that of the handshake and of the Python package's mark", () => {
  const mark = readFileSync(join(pythonFolder(), "src", ownPackage.module, "__init__.py"), "utf8");
  expect(mark).toMatch(new RegExp(`^__synapse_contract__ = ${ownPackage.contract}$`, "m"));
  expect(ownPackage.contract).toBe(contractVersion);
});

test("name, oldest Python and dependencies are those of pyproject.toml", () => {
  expect(project.name).toBe(ownPackage.distribution);
  expect(project.requiresPython).toBe(`>=${oldestPython.join(".")}`);
  expect(project.dependencies).toEqual(dependencies.map(requirementOf));
});

test.each([
  ["2.59.9", true],
  ["2.60", false],
  ["2.60.0", false],
  ["10.0", false],
  ["unknown", false],
  ["2.60.0rc1", false],
])("pydantic-ai-slim %s is too old for >=2.60,<3: %s", (version, expected) => {
  expect(isTooOld(version, ">=2.60,<3")).toBe(expected);
});

test("a Python package of the same major and minor version belongs to this npm package", () => {
  const [major, minor] = ownPackage.version.split(".").map(Number) as [number, number];
  const fitting = [`${major}.${minor}.0`, `${major}.${minor}.99`, `${major}.${minor}`, `${major}.${minor}.1.dev3`];
  expect(fitting.map(belongs)).toEqual([true, true, true, true]);
  const others = [`${major}.${minor + 1}.0`, `${major + 1}.${minor}.0`, "unknown", ""];
  expect(others.map(belongs)).toEqual([false, false, false, false]);
});

test("releases are compared number by number", () => {
  expect(compareReleases("1.10", "1.9")).toBeGreaterThan(0);
  expect(compareReleases("0.0.1", "0.1.0")).toBeLessThan(0);
  expect(compareReleases("1", "1.0.0")).toBe(0);
  expect(compareReleases("unknown", "1")).toBe(0);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pythonFolder } from "../../src/python/package-folder.ts";
import { readProject } from "../../src/python/pyproject.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pyproject-"));
  mkdirSync(join(directory, "src"));
  writeFileSync(join(directory, "README.md"), "# Made up\n");
  writeFileSync(join(directory, "src", "version.py"), '"""Docs."""\n\n__version__ = "1.2.3"\n');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const complete = `[build-system]
requires = ["other"]

[project]
name = "made-up"
dynamic = ["version"]
description = "A package, made up"
readme = "README.md"
license = "MIT"
requires-python = ">=3.11"
classifiers = [
  "Typing :: Typed",
]
# A comment, and [a bracket]
dependencies = [
  "one>=1,<2",
  # another comment
  "two",
]

[project.optional-dependencies]
more = ["three[four]", "five"]

[tool.hatch.version]
path = "src/version.py"

[tool.other]
name = "not this"
`;

test("texts, lists of one and of several lines, extras and the version are read", () => {
  writeFileSync(join(directory, "pyproject.toml"), complete);
  expect(readProject(directory)).toEqual({
    name: "made-up",
    version: "1.2.3",
    description: "A package, made up",
    license: "MIT",
    requiresPython: ">=3.11",
    classifiers: ["Typing :: Typed"],
    dependencies: ["one>=1,<2", "two"],
    extras: { more: ["three[four]", "five"] },
    readme: "# Made up\n",
  });
});

test("what the package cannot do without is told by its name", () => {
  writeFileSync(join(directory, "pyproject.toml"), complete.replace(/^license.*$/m, ""));
  expect(() => readProject(directory)).toThrow('pyproject.toml has no text "license"');
  writeFileSync(join(directory, "pyproject.toml"), complete);
  writeFileSync(join(directory, "src", "version.py"), "");
  expect(() => readProject(directory)).toThrow("the Python package has no __version__");
});

test("our own is complete", () => {
  const { extras, classifiers, readme } = readProject(pythonFolder());
  expect(Object.keys(extras)).toContain("openai");
  expect(classifiers.length).toBeGreaterThan(3);
  expect(readme).toMatch(/^# synapse-otp\n/);
});

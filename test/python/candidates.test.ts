import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listCandidates, packagePythonDirectory } from "../../src/python/candidates.ts";

const none = { interpreter: undefined, virtualEnv: undefined, searchPath: "", modulePath: undefined };

test("this package's python folder holds the package to install", () => {
  expect(existsSync(join(packagePythonDirectory, "pyproject.toml"))).toBe(true);
});

test("the places are the project's, the active one, the package's", () => {
  const paths = listCandidates(undefined, "/project", { ...none, virtualEnv: "/active" }).map(({ path }) => path);
  expect(paths).toEqual([
    "/project/python/.venv/bin/python",
    "/project/.venv/bin/python",
    "/active/bin/python",
    join(packagePythonDirectory, ".venv/bin/python"),
  ]);
});

test("a place that has two reasons is looked at once", () => {
  const candidates = listCandidates(undefined, join(packagePythonDirectory, ".."), {
    ...none,
    virtualEnv: join(packagePythonDirectory, ".venv"),
  });
  expect(candidates.map(({ source }) => source)).toEqual(["cwd/python/.venv", "cwd/.venv"]);
});

test("an activated environment given as a relative path starts at cwd", () => {
  const candidates = listCandidates(undefined, "/project", { ...none, virtualEnv: "env" });
  expect(candidates[2]?.path).toBe("/project/env/bin/python");
});

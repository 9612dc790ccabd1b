import { join } from "node:path";
import { expect, test } from "vitest";
import { listCandidates } from "../../src/python/candidates.ts";
import { pythonFolder } from "../../src/python/package-folder.ts";

const none = { interpreter: undefined, virtualEnv: undefined, searchPath: "", modulePath: undefined };

test("the places are the project's, the active one, the package's", () => {
  const paths = listCandidates(undefined, "/project", { ...none, virtualEnv: "/active" }).map(({ path }) => path);
  expect(paths).toEqual([
    "/project/python/.venv/bin/python",
    "/project/.venv/bin/python",
    "/active/bin/python",
    join(pythonFolder(), ".venv/bin/python"),
  ]);
});

test("a place that has two reasons is looked at once", () => {
  const candidates = listCandidates(undefined, join(pythonFolder(), ".."), {
    ...none,
    virtualEnv: join(pythonFolder(), ".venv"),
  });
  expect(candidates.map(({ source }) => source)).toEqual(["cwd/python/.venv", "cwd/.venv"]);
});

test("an activated environment given as a relative path starts at cwd", () => {
  const candidates = listCandidates(undefined, "/project", { ...none, virtualEnv: "env" });
  expect(candidates[2]?.path).toBe("/project/env/bin/python");
});

test("a program that was moved away from its package looks in the project, and says why it looks in no package", () => {
  const absent = 'the npm package synapse-otp 0.1.0 was not found from "/app/main.cjs"';
  const candidates = listCandidates(undefined, "/app", none, () => ({ absent }));
  expect(candidates.map(({ path }) => path)).toEqual([
    "/app/python/.venv/bin/python",
    "/app/.venv/bin/python",
    undefined,
  ]);
  expect(candidates.at(-1)).toMatchObject({ source: "package", given: "python/.venv of synapse-otp", absent });
});

test("one that is named needs no package to be looked for", () => {
  const candidates = listCandidates("/usr/bin/python3", "/app", none, () => {
    throw new Error("looked for");
  });
  expect(candidates.map(({ path }) => path)).toEqual(["/usr/bin/python3"]);
});

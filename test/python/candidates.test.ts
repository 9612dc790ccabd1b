import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listCandidates } from "../../src/python/candidates.ts";
import { pythonFolder } from "../../src/python/package-folder.ts";
import { usePythonRoom } from "./fixture-python.ts";

const none = {
  interpreter: undefined,
  virtualEnv: undefined,
  condaPrefix: undefined,
  searchPath: "",
  modulePath: undefined,
};
const room = usePythonRoom();

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

test("an active conda environment is a place, after a virtual one", () => {
  const env = { ...none, virtualEnv: "/active", condaPrefix: "/opt/conda/envs/agents" };
  const candidates = listCandidates(undefined, "/project", env).map(({ source, path }) => [source, path]);
  expect(candidates.slice(2, 4)).toEqual([
    ["VIRTUAL_ENV", "/active/bin/python"],
    ["CONDA_PREFIX", "/opt/conda/envs/agents/bin/python"],
  ]);
});

test("python3 and python on PATH come last, and once where they are one program", () => {
  const first = room.script("a/python3", "exit 0");
  const second = room.script("b/python", "exit 0");
  const searchPath = `${room.path("none")}:${room.path("a")}:${room.path("b")}`;
  const last = () =>
    listCandidates(undefined, "/project", { ...none, searchPath }).filter(({ source }) => source === "PATH");
  expect(last()).toEqual([
    { source: "PATH", path: first, given: "python3" },
    { source: "PATH", path: second, given: "python" },
  ]);
  symlinkSync("python3", room.path("a/python"));
  expect(last()).toEqual([{ source: "PATH", path: first, given: "python3" }]);
});

test("an environment that is active and on PATH is looked at once", () => {
  const python = room.script("conda/bin/python3.11", "exit 0");
  for (const name of ["python", "python3"]) symlinkSync(python, room.path(`conda/bin/${name}`));
  const env = { ...none, condaPrefix: room.path("conda"), searchPath: room.path("conda/bin") };
  expect(listCandidates(undefined, "/project", env).map(({ source }) => source)).toEqual([
    "cwd/python/.venv",
    "cwd/.venv",
    "CONDA_PREFIX",
    "package",
  ]);
});

test("without PATH nothing is looked up in the working directory", () => {
  room.script("python3", "exit 0");
  expect(listCandidates(undefined, room.path("."), none).map(({ source }) => source)).not.toContain("PATH");
});

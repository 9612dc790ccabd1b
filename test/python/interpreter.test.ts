import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { createInterpreterFinder, type FindInterpreterOptions, findInterpreter } from "../../src/python/interpreter.ts";
import { ownPackage } from "../../src/python/needs.ts";
import {
  allStandIns,
  dependencyStandIns,
  goodPretence,
  ownStandIn,
  realPython,
  usePythonRoom,
} from "./fixture-python.ts";

const room = usePythonRoom();
const good = goodPretence;
const versions = Object.fromEntries(dependencyStandIns.map(({ module, version }) => [module, version]));
const others = ["pydantic_ai", "grpc", "grpc_health", "google.rpc", "google.protobuf"];
/** The set-up command as a message prints it where npx would not find this package. */
const setup = `${process.execPath} ${resolve(import.meta.dirname, "../../src/cli/main.ts")} setup`;
const env = { PATH: "/usr/bin:/bin" };

async function errorOf(options: FindInterpreterOptions): Promise<WorkerError> {
  const error = await findInterpreter(options).then(
    (found) => new Error(`found ${found.path}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkerError);
  return error as WorkerError;
}

test("a named interpreter that is only slow is given time by who raises the limit, and is not called broken", async () => {
  const good = room.pretender("good", goodPretence);
  // A wrapper that is slow at its first start: the search looks at what is behind it afterwards.
  const slow = room.script(
    "slow",
    `if mkdir '${room.path("warm")}' 2>/dev/null; then sleep 2; fi; exec '${good}' "$@"`,
  );
  const options = { interpreter: slow, cwd: room.path("."), env };
  const { code, message } = await errorOf({ ...options, timeoutMs: 200 });
  expect(code).toBe("python_missing");
  expect(message).toBe(
    `[python_missing] "${slow}" (given by the option interpreter) cannot be used: it did not answer within 200 ms; ` +
      "if it is only slow, raise startTimeoutMs: the search waits as long as the agent that may take longest",
  );
  rmSync(room.path("warm"), { recursive: true });
  expect(await findInterpreter({ ...options, timeoutMs: 20_000 })).toMatchObject({ path: good });
});

test("a place that is only slow is not to be made anew", async () => {
  room.script(".venv/bin/python", "sleep 5");
  const cwd = room.path(".");
  const found = await findInterpreter({ cwd, env, timeoutMs: 200 }).catch((error: unknown) => error);
  // The package's own environment may exist on this machine and end the search.
  if (found instanceof WorkerError) expect(found.message).toMatch(/raise startTimeoutMs: the search waits as long/);
});

test("a Python on PATH that has everything is taken, after every other place", async () => {
  const cwd = room.path(".");
  const onPath = room.pretender("image/python3", goodPretence);
  const path = { ...env, PATH: `${room.path("image")}:${env.PATH}` };
  const found = await findInterpreter({ cwd, env: path });
  // The package's own environment may exist on this machine.
  if (found.source !== "package") expect(found).toMatchObject({ path: onPath, source: "PATH" });
  const conda = room.pretender("conda/bin/python", goodPretence);
  expect(await findInterpreter({ cwd, env: { ...path, CONDA_PREFIX: room.path("conda") } })).toMatchObject({
    path: conda,
    source: "CONDA_PREFIX",
  });
});

test("PYTHONHOME of the host keeps nobody from being found; one that is given to the workers is named", async () => {
  const python = room.venv("venv");
  const cwd = room.path(".");
  vi.stubEnv("PYTHONHOME", "/usr/lib/nothing-here");
  try {
    expect(await findInterpreter({ interpreter: python, cwd })).toMatchObject({ path: python });
  } finally {
    vi.unstubAllEnvs();
  }
  const { message } = await errorOf({ interpreter: python, cwd, env: { ...env, PYTHONHOME: "/usr/lib/nothing-here" } });
  expect(message).toContain('; PYTHONHOME is "/usr/lib/nothing-here": leave it out of python.env');
});

test("a virtual environment's python is taken by its own path, with the versions of its packages", async () => {
  const python = room.venv("venv");
  const found = await findInterpreter({ interpreter: python, cwd: room.path("."), env });
  expect(found).toEqual({
    path: python,
    version: expect.stringMatching(/^3\.\d+\.\d+$/),
    source: "option",
    modules: { synapse_otp: ownPackage.version, ...versions },
  });
});

test("the option goes before PYTHON_EXEC, and that before every environment", async () => {
  const cwd = room.path(".");
  const option = room.pretender("option", good);
  const exec = room.pretender("exec", good);
  room.pretender(".venv/bin/python", good);
  const named = { ...env, PYTHON_EXEC: exec };
  expect(await findInterpreter({ interpreter: option, cwd, env: named })).toMatchObject({
    path: option,
    source: "option",
  });
  expect(await findInterpreter({ cwd, env: named })).toMatchObject({ path: exec, source: "PYTHON_EXEC" });
});

test("the project's environments go before the active one, python/.venv first", async () => {
  const cwd = room.path(".");
  const active = { ...env, VIRTUAL_ENV: room.path("active") };
  const order = ["active", ".venv", "python/.venv"];
  const sources = ["VIRTUAL_ENV", "cwd/.venv", "cwd/python/.venv"];
  for (const [index, directory] of order.entries()) {
    const path = room.pretender(join(directory, "bin/python"), good);
    expect(await findInterpreter({ cwd, env: active })).toMatchObject({ path, source: sources[index] });
  }
});

test("a candidate that nobody named is passed over when it cannot be used", async () => {
  room.pretender("python/.venv/bin/python", { version: [3, 8, 2] });
  const path = room.pretender(".venv/bin/python", good);
  expect(await findInterpreter({ cwd: room.path("."), env })).toMatchObject({ path });
});

test("one that was named is never replaced", async () => {
  room.pretender(".venv/bin/python", good);
  const old = room.pretender("old", { version: [3, 8, 2] });
  const cwd = room.path(".");
  expect((await errorOf({ interpreter: old, cwd, env })).code).toBe("python_too_old");
  expect((await errorOf({ cwd, env: { ...env, PYTHON_EXEC: "/no/such/python" } })).code).toBe("python_missing");
});

test("a relative path starts at cwd, a bare name is looked up on PATH", async () => {
  const path = room.pretender("tools/python3.99", good);
  const cwd = room.path(".");
  expect(await findInterpreter({ interpreter: "tools/python3.99", cwd, env })).toMatchObject({ path });
  const searched = { ...env, PATH: `${room.path("nowhere/x")}:${room.path("tools")}:${env.PATH}` };
  expect(await findInterpreter({ interpreter: "python3.99", cwd, env: searched })).toMatchObject({ path });
  const { code, message } = await errorOf({ interpreter: "python3.99", cwd, env });
  expect(code).toBe("python_missing");
  expect(message).toContain(
    '"python3.99" (given by the option interpreter) cannot be used: there is no such program on PATH',
  );
});

test("an interpreter that is too old is told with its version and the way out", async () => {
  const cwd = room.path(".");
  const old = room.pretender("old", { version: [3, 10, 14] });
  const { code, message } = await errorOf({ cwd, env: { ...env, PYTHON_EXEC: old } });
  expect(code).toBe("python_too_old");
  expect(message).toBe(
    `[python_too_old] "${old}" (given by PYTHON_EXEC) is Python 3.10.14, older than 3.11; run in "${cwd}": ${setup} --venv .venv; ` +
      `then unset PYTHON_EXEC or set it to "${join(cwd, ".venv/bin/python")}"`,
  );
});

test("missing packages are named, and brought by setting that environment up", async () => {
  const python = room.venv("venv", [ownStandIn()]);
  const cwd = room.path(".");
  const { code, message } = await errorOf({ interpreter: python, cwd, env });
  expect(code).toBe("python_package_missing");
  expect(message).toBe(
    `[python_package_missing] "${python}" (given by the option interpreter) lacks the Python modules ${others.join(", ")}; ` +
      `run in "${cwd}": ${setup} --python ${python} (it has no pip: the set-up takes uv or ensurepip)`,
  );
});

test("packages are not advised into an interpreter outside a virtual environment", async () => {
  const { code, message } = await errorOf({ interpreter: realPython, cwd: room.path("."), env });
  expect(code).toBe("python_package_missing");
  expect(message).toContain(`${setup} --venv .venv --python ${realPython}; then leave the option out`);
});

test("a folder that only has the name of a package is not that package", async () => {
  for (const { module } of allStandIns) mkdirSync(room.path(module.replace(".", "/")), { recursive: true });
  const { message } = await errorOf({ interpreter: realPython, cwd: room.path("."), env });
  expect(message).toContain(`lacks the Python modules synapse_otp, ${others.join(", ")}`);
});

test("packages on the workers' PYTHONPATH count", async () => {
  const python = room.venv("venv");
  const { version } = await findInterpreter({ interpreter: python, cwd: room.path("."), env });
  const [major, minor] = version.split(".");
  const modules = room.path(`venv/lib/python${major}.${minor}/site-packages`);
  const options = { interpreter: realPython, cwd: room.path("."), env: { ...env, PYTHONPATH: modules } };
  expect(await findInterpreter(options)).toMatchObject({ path: realPython, modules: { grpc: versions.grpc } });
});

test("a wrapper script is not executed; the interpreter behind it is", async () => {
  const python = room.venv("venv");
  const wrapper = room.script("wrapper", `"${python}" "$@"`);
  expect(await findInterpreter({ interpreter: wrapper, cwd: room.path("."), env })).toMatchObject({ path: python });
});

test("a wrapper that alone makes the packages visible is refused", async () => {
  const python = room.venv("venv");
  const found = await findInterpreter({ interpreter: python, cwd: room.path("."), env });
  const [major, minor] = found.version.split(".");
  const modules = room.path(`venv/lib/python${major}.${minor}/site-packages`);
  const wrapper = room.script("wrapper", `PYTHONPATH="${modules}" exec "${realPython}" "$@"`);
  const { code, message } = await errorOf({ interpreter: wrapper, cwd: room.path("."), env });
  expect(code).toBe("python_package_missing");
  expect(message).toContain(`"${wrapper}" = "${realPython}" (given by the option interpreter) lacks`);
});

test("a link to an interpreter is no wrapper", async () => {
  const target = room.pretender("target", good);
  symlinkSync(target, room.path("link"));
  expect(await findInterpreter({ interpreter: "./link", cwd: room.path("."), env })).toMatchObject({
    path: room.path("link"),
  });
});

test.each([
  ["echo 'dyld: no such library' >&2; exit 1", "dyld: no such library"],
  ["echo hello", "it printed something else"],
  ["echo 'synapse-probe:{'", "it printed something else"],
  ["echo 'synapse-probe:{}'", "it printed something else"],
  ["kill -9 $$", "SIGKILL ended it"],
  ["exit 9", "it exited with code 9"],
])("a program that answers with %s is no interpreter", async (body, words) => {
  const { code, message } = await errorOf({ interpreter: room.script("odd", body), cwd: room.path("."), env });
  expect(code).toBe("python_missing");
  expect(message).toContain(words);
});

test("when nothing is found, every place that was looked at is named with the command that mends it", async () => {
  const cwd = room.path(".");
  const broken = room.script(".venv/bin/python", "exit 1");
  const old = room.pretender("active/bin/python", { version: [3, 9, 0] });
  const { code, message } = await errorOf({ interpreter: "none", cwd, env });
  expect(code).toBe("python_missing");
  expect(message).toContain(`run in "${cwd}": ${setup} --venv .venv; then leave the option out`);

  // The package's own environment may exist on this machine and end the search.
  const found = await findInterpreter({ cwd, env: { ...env, VIRTUAL_ENV: room.path("active") } }).catch(
    (error) => error,
  );
  if (found instanceof WorkerError) {
    expect(found.code).toBe("python_too_old");
    for (const path of [broken, old, room.path("python/.venv/bin/python")]) expect(found.message).toContain(path);
  } else expect(found.source).toBe("package");
});

test("a finder asks an interpreter once, also when asked from two sides", async () => {
  const finder = createInterpreterFinder();
  const path = room.pretender("python", good);
  const options = { interpreter: path, cwd: room.path("."), env };
  const [one, two] = await Promise.all([finder.find(options), finder.find(options)]);
  expect(await finder.find(options)).toEqual(one);
  expect(two).toEqual(one);
  expect(room.timesAsked()).toBe(1);
});

test("a finder asks again when the file, the directory or PYTHONPATH has changed", async () => {
  const finder = createInterpreterFinder();
  const path = room.pretender("python", good);
  const options = { interpreter: path, cwd: room.path("."), env };
  await finder.find(options);
  utimesSync(path, 1_000, 1_000);
  await finder.find(options);
  await finder.find({ ...options, cwd: join(room.path("elsewhere/x"), "..") });
  await finder.find({ ...options, env: { ...env, PYTHONPATH: "/x" } });
  expect(room.timesAsked()).toBe(4);
});

test("a refusal is not remembered, so that what was mended is seen", async () => {
  const finder = createInterpreterFinder();
  const python = room.venv("venv", []);
  const options = { interpreter: python, cwd: room.path("."), env };
  await expect(finder.find(options)).rejects.toMatchObject({ code: "python_package_missing" });
  room.venv("complete");
  renameSync(room.path("complete/lib"), room.path("venv/lib"));
  expect(await finder.find(options)).toMatchObject({ path: python });
});

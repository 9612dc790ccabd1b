/** How a user gets the Python side: from the packed package, in an empty project, without any index. */

import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPacked, packingMs, packPackage, root } from "./packed.ts";

const run = promisify(execFile);
const ownPython = join(root, "python", ".venv", "bin", "python");
/** The folder with pydantic-ai, grpc and the rest; what is on a line of a .pth file needs no download. */
const [basePython = "", others = ""] = execFileSync(
  ownPython,
  ["-c", "import sys, sysconfig; print(sys._base_executable); print(sysconfig.get_path('purelib'))"],
  { encoding: "utf8" },
)
  .trim()
  .split("\n");

let directory: string;
/** Directories of programs: a `python3` that is complete; uv, and a `python3` without ensurepip as Debian has it; what a shell needs. */
let pythonOnly: string;
let withUv: string;
let tools: string;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "synapse-setup-")));
  const modules = join(directory, "node_modules");
  await installPacked(await packPackage(directory), modules);
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".") && name !== "synapse-otp")
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  pythonOnly = join(directory, "python-only");
  withUv = join(directory, "with-uv");
  tools = join(directory, "tools");
  for (const folder of [pythonOnly, withUv, tools]) mkdirSync(folder);
  symlinkSync(basePython, join(pythonOnly, "python3"));
  symlinkSync(join(root, "python", ".venv", "bin", "uv"), join(withUv, "uv"));
  const hides = "import sys; sys.modules['ensurepip'] = None; exec(sys.argv[1])";
  const incomplete = `if [ "$1" = -c ]; then exec ${basePython} -c "${hides}" "$2"; fi; exec ${basePython} "$@"`;
  writeFileSync(join(withUv, "python3"), `#!/bin/sh\n${incomplete}\n`, { mode: 0o755 });
  for (const name of ["sh", "env", "npx"]) {
    const path = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    symlinkSync(realpathSync(path), join(tools, name));
  }
}, packingMs);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A user's project with an agent, and a program that asks it. */
function createProject(name: string, programs: string) {
  const project = join(directory, name);
  mkdirSync(project);
  symlinkSync(join(directory, "node_modules"), join(project, "node_modules"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  cpSync(join(root, "python", "agents", "example_agent.py"), join(project, "agent.py"));
  writeFileSync(join(project, "app.js"), app);
  const { PYTHON_EXEC: _exec, VIRTUAL_ENV: _venv, CONDA_PREFIX: _conda, PYTHONPATH: _path, ...rest } = process.env;
  const env = {
    ...rest,
    PATH: [programs, join(root, "node_modules", ".bin"), tools].join(delimiter),
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: "",
    UV_OFFLINE: "1",
    UV_NO_CACHE: "1",
    npm_config_cache: join(directory, "cache"),
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
  };
  const shell = async (command: string) => {
    const result = await run("sh", ["-c", command], { cwd: project, env, timeout: 60_000 }).catch(
      (error: unknown) => error as { stdout: string; stderr: string; code: number },
    );
    return { exitCode: "code" in result ? result.code : 0, stdout: result.stdout, stderr: result.stderr };
  };
  const addOthers = () => {
    const library = join(project, ".venv", "lib");
    const [version = ""] = readdirSync(library);
    writeFileSync(join(library, version, "site-packages", "others.pth"), `${others}\n`);
  };
  return { project, shell, addOthers };
}

const app = `
import { pino } from "pino";
import { defineAgent, startSystem } from "synapse-otp";

const agent = defineAgent({ id: "mine", entry: "agent.py:agent" });
try {
  const system = await startSystem({ children: [agent], logger: pino({ level: "silent" }) });
  console.log((await system.agent(agent).run("it works")).output);
  await system.stop();
} catch (error) {
  console.log(error.message);
}
`;
const answer = "Hello from Python! You said: it works\n";

test("the error names one command; offline it says what is missing; with that there, the agent answers", async () => {
  const { project, shell, addOthers } = createProject("empty", pythonOnly);
  const { stdout: message } = await shell("node app.js");
  expect(message).toMatch(
    /^\[python_missing\] no Python interpreter for the workers was found; .*; run: npx synapse-otp setup$/m,
  );
  const [, command = ""] = /run: (.*)$/m.exec(message) ?? [];

  const offline = await shell(command);
  expect(offline.exitCode).toBe(1);
  const python = join(project, ".venv", "bin", "python");
  expect(offline.stdout).toContain(`made "${join(project, ".venv")}" with Python 3.`);
  expect(offline.stdout).toContain("installed synapse-otp ");
  expect(offline.stderr).toMatch(
    /^\[python_package_missing\] ".*" lacks pydantic-ai-slim>=.*, and pip could not install it: ERROR: No matching/,
  );
  expect(offline.stderr).toContain(`when the index can be reached, run: ${python} -m pip install 'pydantic-ai-slim>=`);

  addOthers();
  const done = await shell(command);
  expect(done).toMatchObject({ exitCode: 0, stderr: "" });
  expect(done.stdout).toMatch(new RegExp(`^ready: ${python} \\(Python 3\\.`));
  expect(await shell("node app.js")).toMatchObject({ stdout: answer });
  // pip knows the package, and takes it away without a trace.
  expect((await shell(`${python} -m pip check`)).stdout).not.toContain("synapse-otp");
  expect((await shell(`${python} -m pip freeze --local`)).stdout).toMatch(/^synapse-otp @ file:/m);
  await shell(`${python} -m pip uninstall --yes synapse-otp`);
  const packages = readdirSync(join(project, ".venv", "lib"), { recursive: true, encoding: "utf8" });
  expect(packages.filter((name) => name.includes("synapse"))).toEqual([]);
}, 60_000);

test("an environment without pip is set up without pip", async () => {
  const { shell, addOthers } = createProject("without-pip", pythonOnly);
  await shell("python3 -m venv --without-pip .venv");
  addOthers();
  expect((await shell("node app.js")).stdout).toContain("[python_package_missing]");
  expect(await shell("npx synapse-otp setup")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await shell("node app.js")).toMatchObject({ stdout: answer });
});

test("an environment that uv has made is set up, and uv knows the package", async () => {
  const { shell, addOthers } = createProject("uv", withUv);
  expect(await shell(`uv venv --quiet --python ${basePython} .venv`)).toMatchObject({ exitCode: 0 });
  addOthers();
  expect(await shell("npx synapse-otp setup")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await shell("node app.js")).toMatchObject({ stdout: answer });
  expect((await shell("uv pip freeze")).stdout).toMatch(/^synapse-otp @ file:/m);
});

test("where Python cannot make an environment, uv makes it and is what installs", async () => {
  const { project, shell, addOthers } = createProject("uv-alone", withUv);
  const offline = await shell("npx synapse-otp setup");
  expect(offline.stdout).toContain(`made "${join(project, ".venv")}" with uv`);
  expect(offline).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(", and uv could not install it: ") });
  addOthers();
  expect(await shell("npx synapse-otp setup")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await shell("node app.js")).toMatchObject({ stdout: answer });
});

test("the wheel in the package can be installed by whoever manages the environment otherwise", async () => {
  const { shell, addOthers } = createProject("managed", pythonOnly);
  await shell("python3 -m venv .venv");
  addOthers();
  expect(
    await shell(".venv/bin/pip install --quiet --no-deps node_modules/synapse-otp/python/dist/*.whl"),
  ).toMatchObject({
    exitCode: 0,
  });
  expect(await shell("node app.js")).toMatchObject({ stdout: answer });
  expect((await shell("npx synapse-otp setup")).stdout).toMatch(/^ready: [^\n]*\n$/);
});

test("an older Node is told which one is needed", async () => {
  const { shell } = createProject("old-node", pythonOnly);
  const pretend = "data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })";
  expect(await shell(`NODE_OPTIONS="--import \\"${pretend}\\"" node_modules/.bin/synapse-otp setup`)).toMatchObject({
    exitCode: 1,
    stderr: "synapse-otp needs Node 22.19 or newer; this is Node 20.20.2\n",
  });
});

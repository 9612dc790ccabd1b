/** Every command that an error about the interpreter prints is run here as it is printed, and the search works afterwards. */

import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createZip } from "../../scripts/zip.ts";
import { WorkerError } from "../../src/errors.ts";
import { defineAgent, startSystem } from "../../src/index.ts";
import { type FindInterpreterOptions, findInterpreter } from "../../src/python/interpreter.ts";
import { ownPackage } from "../../src/python/needs.ts";
import { recordOf } from "../../src/python/wheel.ts";
import {
  allStandIns,
  dependencyStandIns,
  offlineIndex,
  ownStandIn,
  realPython,
  type StandIn,
  usePythonRoom,
} from "../python/fixture-python.ts";

const run = promisify(execFile);
const room = usePythonRoom();
const program = resolve(import.meta.dirname, "../../src/cli/main.ts");
const ownPython = resolve(import.meta.dirname, "../../python/.venv/bin");
const root = resolve(import.meta.dirname, "../..");
/** The folder with pydantic-ai, grpc and the rest. */
const ownPackages = execFileSync(
  join(ownPython, "python"),
  ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
  { encoding: "utf8" },
).trim();
const stranger: StandIn = { module: "synapse_agent", distribution: "synapse-agent", version: "0.9" };
const old: StandIn = { module: "synapse_otp", distribution: "synapse-otp", version: "0.0.1" };

/** Only the room's programs, `python3` among them, and those of the system that a shell needs. */
function environment(extra: Record<string, string> = {}): Record<string, string> {
  for (const name of ["sh", "cat"]) link(join("/bin", name), name);
  if (!existsSync(room.path("bin/python3"))) link(realPython, "python3");
  return { PATH: room.path("bin"), ...offlineIndex(room.path("wheels"), dependencyStandIns), ...extra };
}

function link(target: string, name: string): void {
  rmSync(room.path(`bin/${name}`), { force: true });
  symlinkSync(target, room.path(`bin/${name}`));
}

/** Puts uv on PATH beside a `python3` that cannot make an environment: uv makes it, and takes no second for it. */
function letUvMake(): void {
  link(join(ownPython, "uv"), "uv");
  const hides = "import sys; sys.modules['ensurepip'] = None; exec(sys.argv[1])";
  room.script(
    "bin/python3",
    `if [ "$1" = -c ]; then exec ${realPython} -c "${hides}" "$2"; fi\nexec ${realPython} "$@"`,
  );
}

/** The files of a wheel of a package that is installed in python/.venv, under another version. */
function sound(module: string, version: string) {
  const info = `${module}-${version}.dist-info`;
  const modules = readdirSync(join(ownPackages, module)).filter((name) => name.endsWith(".py"));
  const files = [
    ...modules.map((name) => ({ path: `${module}/${name}`, content: readFileSync(join(ownPackages, module, name)) })),
    {
      path: `${info}/METADATA`,
      content: Buffer.from(`Metadata-Version: 2.1\nName: ${module.replace("_", "-")}\nVersion: ${version}\n`),
    },
    {
      path: `${info}/WHEEL`,
      content: Buffer.from("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    },
  ];
  return [...files, { path: `${info}/RECORD`, content: Buffer.from(recordOf(files, info)) }];
}

/** Gives an environment the pip of python/.venv, without the seconds that ensurepip takes. */
function givePip(name: string): void {
  const library = join(ownPython, "..", "lib");
  const pip = readdirSync(library).map((version) => join(library, version, "site-packages", "pip"));
  mkdirSync(room.sitePackages(name), { recursive: true });
  symlinkSync(pip[0] ?? "", join(room.sitePackages(name), "pip"));
}

async function refusal(options: FindInterpreterOptions): Promise<WorkerError> {
  const error = await findInterpreter(options).then(
    ({ path }) => new Error(`found ${path}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkerError);
  return error as WorkerError;
}

/** The command of a message, as a reader would copy it. */
function commandOf(message: string): { cwd: string | undefined; command: string } {
  const pattern = /\brun(?: in "([^"]+)")?: (.+?)(?:; | \(it has no pip|$)/;
  const [, cwd, command = ""] = pattern.exec(message.trim()) ?? [];
  expect(command, message).not.toBe("");
  return { cwd, command };
}

/** Runs the command of a message where it says, else in `here`. */
async function obey(message: string, env: Record<string, string>, here = room.path(".")) {
  const { cwd = here, command } = commandOf(message);
  return run("/bin/sh", ["-c", command], { cwd, env, timeout: 60_000 }).then(
    () => ({ exitCode: 0, stderr: "" }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ exitCode: code, stderr }),
  );
}

/** What `synapse-otp setup` says when it refuses. */
async function setUpRefusal(words: string[], env: Record<string, string>): Promise<string> {
  const done = run(process.execPath, [program, "setup", ...words], { cwd: room.path("."), env });
  const { code, stderr } = (await done.catch((error: unknown) => error)) as { code?: number; stderr: string };
  expect({ code, stderr }).toMatchObject({ code: 1 });
  return stderr;
}

/** A refused search, its command, and the same search again. */
async function mends(options: FindInterpreterOptions & { env: Record<string, string> }): Promise<WorkerError> {
  const error = await refusal(options);
  expect(await obey(error.message, options.env)).toEqual({ exitCode: 0, stderr: "" });
  expect((await findInterpreter(options)).modules.synapse_otp).toBe(ownPackage.version);
  return error;
}

test("another project's synapse-agent beside pydantic-ai is named, and ours is brought beside it", async () => {
  const interpreter = room.venv("env", [stranger, ...dependencyStandIns]);
  const { code, message } = await mends({ interpreter, cwd: room.path("."), env: environment() });
  expect(code).toBe("python_package_missing");
  expect(message).toContain("lacks the Python module synapse_otp, has synapse-agent 0.9, which is another project's");
  expect(readdirSync(room.sitePackages("env"))).toContain("synapse_agent");
});

test.each([
  ["as pip installs it", old],
  ["with metadata alone", { ...old, metadata: "no RECORD" as const }],
  ["with a mark", ownStandIn("0.0.1")],
])("an old synapse-otp, %s, is a mismatch, and is replaced", async (_how, standIn) => {
  const interpreter = room.venv("env", [standIn, ...dependencyStandIns]);
  const { code, message } = await mends({ interpreter, cwd: room.path("."), env: environment() });
  expect(code).toBe("python_package_mismatch");
  expect(message).toContain(`has version 0.0.1`);
  expect(message).toContain(`version ${ownPackage.version} of the npm package`);
});

test("another project's package under our name is told from ours, and replaced", async () => {
  const interpreter = room.venv("env", [{ ...old, version: "7.0" }, ...dependencyStandIns]);
  const { code, message } = await mends({ interpreter, cwd: room.path("."), env: environment() });
  expect(code).toBe("python_package_missing");
  expect(message).toContain("that is not Synapse's");
});

test("another project's module under our name is to be moved by hand, and then the command works", async () => {
  const interpreter = room.venv("env", [{ ...old, distribution: "other" }, ...dependencyStandIns]);
  const options = { interpreter, cwd: room.path("."), env: environment() };
  const { message } = await refusal(options);
  const refused = await obey(message, options.env);
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("rename or remove it, then try again"),
  });
  const [, folder = ""] = /rename or remove "([^"]+)", then run/.exec(message) ?? [];
  rmSync(folder, { recursive: true });
  await mends(options);
});

test("a dependency that is too old is a mismatch, and is brought up to date by pip", async () => {
  const packages = allStandIns.map((standIn) =>
    standIn.module === "grpc" ? { ...standIn, version: "1.2.3" } : standIn,
  );
  const interpreter = room.venv("env", packages);
  givePip("env");
  const { code, message } = await mends({ interpreter, cwd: room.path("."), env: environment() });
  expect(code).toBe("python_package_mismatch");
  expect(message).toContain("has grpcio 1.2.3, while >=1.85.1,<2 is needed");
});

test("an environment without pip gets what it lacks from ensurepip's", async () => {
  const interpreter = room.venv("env", []);
  const { message } = await mends({ interpreter, cwd: room.path("."), env: environment() });
  expect(message).toContain("(it has no pip: the set-up takes uv or ensurepip)");
});

test("an environment without pip gets what it lacks from uv, where there is uv", async () => {
  link(join(ownPython, "uv"), "uv");
  const interpreter = room.venv("env", []);
  await mends({ interpreter, cwd: room.path("."), env: environment() });
  expect(readdirSync(room.sitePackages("env"))).not.toContain("pip");
});

test("where neither pip, uv nor ensurepip is, the error says so, and its command works when uv is there", async () => {
  const interpreter = room.venv("env", []);
  const options = { interpreter, cwd: room.path("."), env: environment() };
  room.place(room.sitePackages("env"), { module: "x", distribution: "x", version: "1" });
  writeFileSync(join(room.sitePackages("env"), "hide.pth"), "import sys; sys.modules['ensurepip'] = None\n");
  const { exitCode, stderr } = await obey((await refusal(options)).message, options.env);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("there is no uv on PATH") });
  link(join(ownPython, "uv"), "uv");
  expect(await obey(stderr, options.env)).toEqual({ exitCode: 0, stderr: "" });
  await findInterpreter(options);
});

test.each([
  ["uv", () => link(join(ownPython, "uv"), "uv")],
  ["pip", () => givePip("env")],
])(
  "what %s could not install is installed by the command in its error, once it can be reached",
  async (_name, give) => {
    const interpreter = room.venv("env", []);
    give();
    const options = { interpreter, cwd: room.path("."), env: environment() };
    const { exitCode, stderr } = await obey((await refusal(options)).message, {
      ...options.env,
      PIP_FIND_LINKS: room.path("empty/."),
      UV_FIND_LINKS: room.path("empty/."),
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining("when the index can be reached"),
    });
    expect(await obey(stderr, options.env)).toMatchObject({ exitCode: 0 });
    await findInterpreter(options);
  },
);

test.each([
  ["pip", () => givePip("env")],
  ["uv", () => link(join(ownPython, "uv"), "uv")],
])(
  "a package that is damaged is named when a worker cannot import it, and is brought anew by the command, with %s",
  async (_name, give) => {
    const interpreter = room.venv("env", [
      {
        module: "typing_inspection",
        distribution: "typing-inspection",
        version: "0.0.1",
        source: "raise ImportError('bad ELF')",
      },
    ]);
    writeFileSync(join(room.sitePackages("env"), "others.pth"), `${ownPackages}\n${join(root, "python/src")}\n`);
    give();
    const env = environment();
    writeFileSync(
      room.path("wheels/typing_inspection-0.0.1-py3-none-any.whl"),
      createZip(sound("typing_inspection", "0.0.1")),
    );
    const agent = defineAgent({ id: "a", entry: join(root, "python/agents/example_agent.py:agent"), env });
    const answer = async () => {
      const system = await startSystem({
        children: [agent],
        logger: pino({ level: "silent" }),
        python: { interpreter },
      });
      const said = await system
        .agent(agent)
        .run("hi")
        .then(({ output }) => String(output), String);
      await system.stop();
      return said;
    };
    const message = await answer();
    expect(message).toContain("[worker_import_failed]");
    expect(message).toContain("if typing-inspection is damaged or made for another platform, run: ");
    const [, command = ""] = /run: (.+)$/m.exec(message) ?? [];
    await run("/bin/sh", ["-c", command], { env, timeout: 60_000 });
    expect(await answer()).toBe("Hello from Python! You said: hi");
  },
);

test("what a Python cannot make an environment with is brought by uv, as its error says", async () => {
  letUvMake();
  rmSync(room.path("bin/uv"));
  const cwd = room.path(".");
  const env = environment();
  const words = ["setup", "--venv", ".venv"];
  const refused = await setUpRefusal(words.slice(1), env);
  // Debian packs these modules of its own Python apart; a test cannot install them.
  if (!refused.includes("apt-get install")) expect(refused).toContain("Install uv, which makes one without them");
  link(join(ownPython, "uv"), "uv");
  await run(process.execPath, [program, ...words], { cwd, env });
  expect(await findInterpreter({ cwd, env })).toMatchObject({ path: join(cwd, ".venv/bin/python") });
});

test("a Python outside an environment is left alone, and an environment is made from it", async () => {
  const cwd = room.path(".");
  const env = environment();
  const { message } = await refusal({ interpreter: realPython, cwd, env });
  expect(message).toContain(`then leave the option out or set it to "${join(cwd, ".venv/bin/python")}"`);
  const { command } = commandOf(await setUpRefusal(["--python", realPython], env));
  expect(commandOf(message)).toEqual({ cwd, command });
  expect(await obey(message, env)).toEqual({ exitCode: 0, stderr: "" });
  expect(await findInterpreter({ cwd, env })).toMatchObject({ path: join(cwd, ".venv/bin/python") });
});

test.each([".venv", "python/.venv"])(
  "an environment of the project, %s, whose Python is too old is made anew",
  async (name) => {
    const cwd = room.path(".");
    letUvMake();
    const env = environment();
    room.pretender(`${name}/bin/python`, { version: [3, 9, 2], prefix: room.path(name) });
    writeFileSync(room.path(`${name}/pyvenv.cfg`), "");
    const refused = await setUpRefusal(["--venv", name], env);
    expect(refused).toContain("[python_too_old]");
    expect(await obey(refused, env)).toEqual({ exitCode: 0, stderr: "" });
    expect(await findInterpreter({ cwd, env })).toMatchObject({ path: room.path(`${name}/bin/python`) });
  },
);

test.each([
  ["is too old", () => room.pretender("old", { version: [3, 9, 2] })],
  ["does not answer", () => room.script("broken", "exit 3")],
  ["is not there", () => "/nowhere/python"],
])("instead of a named Python that %s, an environment is made where the search looks", async (_what, name) => {
  const cwd = room.path(".");
  letUvMake();
  const env = environment();
  const { message } = await refusal({ cwd, env: { ...env, PYTHON_EXEC: name() } });
  expect(message).toContain(`then unset PYTHON_EXEC or set it to "${join(cwd, ".venv/bin/python")}"`);
  expect(await obey(message, { ...env, PYTHON_EXEC: name() })).toEqual({ exitCode: 0, stderr: "" });
  expect(await findInterpreter({ cwd, env })).toMatchObject({ path: join(cwd, ".venv/bin/python") });
});

test("an environment that is broken is made anew by the command that says so", async () => {
  const cwd = room.path(".");
  letUvMake();
  const env = environment();
  room.script(".venv/bin/python", "echo 'no libpython' >&2; exit 127");
  writeFileSync(room.path(".venv/pyvenv.cfg"), "");
  const refused = await setUpRefusal(["--venv", ".venv"], env);
  expect(refused).toContain("no libpython");
  expect(await obey(refused, env)).toEqual({ exitCode: 0, stderr: "" });
  expect(await findInterpreter({ cwd, env })).toMatchObject({ path: join(cwd, ".venv/bin/python") });
});

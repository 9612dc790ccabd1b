import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { CallerError, WorkerError } from "../../src/errors.ts";
import { ownPackage } from "../../src/python/needs.ts";
import { type SetUpOptions, setUpPython } from "../../src/python/set-up.ts";
import { runSetup } from "../../src/python/setup-command.ts";
import { tryLock } from "../../src/python/setup-lock.ts";
import { dependencyStandIns, offlineIndex, ownStandIn, usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();
const path = "/usr/bin:/bin";

function optionsOf(changes: Partial<SetUpOptions> = {}, env: NodeJS.ProcessEnv = {}) {
  const told: string[] = [];
  const tell = (line: string) => void told.push(line);
  // Whatever a test gets wrong, nothing is fetched.
  const base = { PATH: path, PIP_NO_INDEX: "1", UV_OFFLINE: "1", ...env };
  return { told, options: { cwd: room.path("."), env: base, tell, ...changes } };
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

test("an environment that lacks only our package gets it without any index, and a second run changes nothing", async () => {
  const python = room.venv("env", dependencyStandIns);
  const { options, told } = optionsOf({ python });
  const { interpreter } = await setUpPython(options);
  expect(interpreter).toMatchObject({ path: python, modules: { synapse_otp: ownPackage.version } });
  expect(told).toEqual([`installed synapse-otp ${ownPackage.version} into "${room.sitePackages("env")}"`]);

  const before = readdirSync(room.sitePackages("env"), { recursive: true }).sort();
  told.length = 0;
  await setUpPython(options);
  expect(told).toEqual([]);
  expect(readdirSync(room.sitePackages("env"), { recursive: true }).sort()).toEqual(before);
});

test("an environment is named by its directory as well, and relative to the working directory", async () => {
  const python = room.venv("env", dependencyStandIns);
  expect((await setUpPython(optionsOf({ python: "env" }).options)).interpreter.path).toBe(python);
  expect((await setUpPython(optionsOf({ venv: "env" }).options)).interpreter.path).toBe(python);
  expect((await setUpPython(optionsOf({ python: "env/bin/python" }).options)).interpreter.path).toBe(python);
});

test("PYTHONHOME, left by a profile or a program that embeds Python, leads nobody astray", async () => {
  const env = { PYTHONHOME: "/usr/lib/nothing-here" };
  const python = room.venv("env", dependencyStandIns);
  const { interpreter } = await setUpPython(optionsOf({ python }, env).options);
  expect(interpreter.path).toBe(python);
  const made = optionsOf({ venv: "new" }, { ...env, ...offlineIndex(room.path("wheels"), dependencyStandIns) });
  expect((await setUpPython(made.options)).interpreter.path).toBe(room.path("new/bin/python"));
});

test("a PYTHONINSPECT or PIP_DRY_RUN that was exported keeps nothing from being installed", async () => {
  const env = {
    ...offlineIndex(room.path("wheels"), dependencyStandIns),
    PYTHONINSPECT: "1",
    PIP_DRY_RUN: "1",
    PIP_USER: "1",
  };
  const python = room.venv("env", dependencyStandIns.slice(1));
  const { interpreter } = await setUpPython(optionsOf({ python }, env).options);
  expect(interpreter.modules).toMatchObject({ pydantic_ai: "2.99.0" });
});

test("the interpreter that PYTHON_EXEC names is the one to set up", async () => {
  const python = room.venv("env", dependencyStandIns);
  const { interpreter, found } = await setUpPython(optionsOf({}, { PYTHON_EXEC: python }).options);
  expect(interpreter.path).toBe(python);
  expect(found).toMatchObject({ path: python, source: "PYTHON_EXEC" });
});

test("what the search takes when it is told nothing is told beside what was set up", async () => {
  const other = room.venv("other");
  const python = room.venv("env", dependencyStandIns);
  const { found } = await setUpPython(optionsOf({ python }, { PYTHON_EXEC: other }).options);
  expect(found).toMatchObject({ path: other });
  const nothing = await setUpPython(optionsOf({ python }, { PYTHON_EXEC: "/nowhere/python" }).options);
  expect(nothing.found).toBeUndefined();
});

test("what is missing of other projects is installed, from where the installer is configured to look", async () => {
  const env = offlineIndex(room.path("wheels"), dependencyStandIns);
  const missing = dependencyStandIns.slice(0, 2);
  const python = room.venv("env", dependencyStandIns.slice(2));
  const { options, told } = optionsOf({ python }, env);
  const { interpreter } = await setUpPython(options);
  expect(interpreter.modules).toMatchObject({ pydantic_ai: "2.99.0", grpc: "1.99.0" });
  expect(told).toContain(`installing pydantic-ai-slim>=2.60,<3, grpcio>=1.85.1,<2 with pip`);
  expect(told.join("\n")).toContain(
    `Successfully installed ${missing.map(({ distribution }) => distribution).sort()[0]}`,
  );
});

test("another patch version would do, and is brought up to date in an environment", async () => {
  const patch = `${ownPackage.version.split(".").slice(0, 2).join(".")}.99`;
  const python = room.venv("env", [...dependencyStandIns, ownStandIn(patch)]);
  const { options, told } = optionsOf({ python });
  expect((await setUpPython(options)).interpreter.modules.synapse_otp).toBe(ownPackage.version);
  expect(told[0]).toContain(`installed synapse-otp ${ownPackage.version} instead of ${patch}`);
});

test("an interpreter outside an environment is refused by name of the rule, unless it is allowed", async () => {
  const python = join(room.home("machine", "lib/nothing"), "bin/python3");
  for (const standIn of dependencyStandIns) room.place(room.sitePackages("machine"), standIn);
  const error = await errorOf(setUpPython(optionsOf({ python }).options));
  expect(error).toBeInstanceOf(CallerError);
  const way = runSetup(["--venv", ".venv", "--python", python], room.path("."));
  expect(error).toMatchObject({
    code: "invalid_argument",
    field: "--python",
    value: python,
    rule: `in a virtual environment, which the set-up keeps to unless --system is given; to make an environment from it, ${way}`,
  });
  expect(existsSync(join(room.sitePackages("machine"), "synapse_otp"))).toBe(false);

  const { interpreter } = await setUpPython(optionsOf({ python, system: true }).options);
  expect(interpreter).toMatchObject({ path: python, modules: { synapse_otp: ownPackage.version } });
  expect(existsSync(join(room.sitePackages("machine"), "synapse_otp"))).toBe(true);
  // One that needs nothing is nobody's to refuse.
  await setUpPython(optionsOf({ python }).options);
});

test("one that the system keeps for itself is refused with PEP 668, unless that is allowed too", async () => {
  const library = relative(room.path("machine"), dirname(room.sitePackages("machine")));
  const python = join(room.home("machine", join(library, "EXTERNALLY-MANAGED")), "bin/python3");
  for (const standIn of dependencyStandIns) room.place(room.sitePackages("machine"), standIn);
  const options = { python, system: true };
  expect(await errorOf(setUpPython(optionsOf(options).options))).toMatchObject({
    code: "invalid_argument",
    rule: expect.stringContaining("EXTERNALLY-MANAGED (PEP 668) forbids it unless --break-system-packages is given"),
  });
  const { interpreter } = await setUpPython(optionsOf({ ...options, breakSystemPackages: true }).options);
  expect(interpreter.modules.synapse_otp).toBe(ownPackage.version);
});

test("an environment whose Python is too old is not made anew unasked", async () => {
  const old = room.pretender("env/bin/python", { version: [3, 9, 2] });
  const { code, message } = (await errorOf(setUpPython(optionsOf({ python: old }).options))) as WorkerError;
  expect(code).toBe("python_too_old");
  expect(message).toContain(`"${old}" is Python 3.9.2, older than 3.11; run in `);
});

test("an interpreter that does not answer is told with the way to one that does", async () => {
  const cwd = room.path(".");
  const broken = room.script("env/bin/python", "echo 'no libpython' >&2; exit 127");
  const named = (await errorOf(setUpPython(optionsOf({ python: broken }).options))) as WorkerError;
  expect(named).toMatchObject({ code: "python_missing" });
  expect(named.message).toContain("no libpython");
  expect(named.message).toContain(`; for an environment that works, ${runSetup(["--venv", ".venv"], cwd)}`);
  room.script("env/pyvenv.cfg", "");
  const made = await errorOf(setUpPython(optionsOf({ venv: "env" }).options));
  expect(made.message).toContain(runSetup(["--venv", room.path("env"), "--clear"], cwd));
});

test("a set-up that can make nothing leaves nothing", async () => {
  const { options } = optionsOf({ venv: "new" }, { PATH: room.path("empty/.") });
  expect(await errorOf(setUpPython(options))).toMatchObject({ code: "python_missing" });
  expect(existsSync(room.path("new"))).toBe(false);
});

test("a module that goes before what was installed is told, since no installation mends it", async () => {
  const python = room.venv("env", dependencyStandIns);
  const hidden = room.path("elsewhere");
  room.place(hidden, { module: "synapse_otp", distribution: "other", version: "1", metadata: false });
  const error = await errorOf(setUpPython(optionsOf({ python }, { PYTHONPATH: hidden }).options));
  expect(error).toBeInstanceOf(WorkerError);
  expect(error).toMatchObject({ code: "python_package_missing" });
  expect(error.message).toContain(`rename or remove "${join(hidden, "synapse_otp")}", then run in `);
  rmSync(join(hidden, "synapse_otp"), { recursive: true });
  await setUpPython(optionsOf({ python }, { PYTHONPATH: hidden }).options);
});

test("two set-ups of one environment follow each other", async () => {
  const python = room.venv("env", dependencyStandIns);
  const lock = tryLock(room.path("env/synapse-setup.lock"));
  const waits = Promise.withResolvers<string>();
  const { options, told } = optionsOf({ python });
  const running = setUpPython({
    ...options,
    tell(line) {
      told.push(line);
      waits.resolve(line);
    },
  });
  expect(await waits.promise).toBe(`another set-up is running (process ${process.pid}); waiting for it`);
  expect(existsSync(join(room.sitePackages("env"), "synapse_otp"))).toBe(false);
  if ("release" in lock) lock.release();
  await running;
  expect(told.at(-1)).toContain("installed synapse-otp");
  expect(existsSync(room.path("env/synapse-setup.lock"))).toBe(false);
});

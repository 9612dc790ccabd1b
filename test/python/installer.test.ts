import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { type InstallerContext, type InstallTarget, installRequirements } from "../../src/python/installer.ts";
import { runSetup } from "../../src/python/setup-command.ts";
import { usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();
const requirements = ["grpcio>=1.85.1,<2", "protobuf>=7.35,<8"];

function contextOf(env: NodeJS.ProcessEnv = {}): InstallerContext & { told: string[] } {
  const told: string[] = [];
  return {
    cwd: room.path("."),
    env: { PATH: `${room.path("bin")}:/usr/bin:/bin`, ...env },
    tell: (line) => told.push(line),
    told,
  };
}

/** An interpreter that writes down how it was called, and fails at `-m <module>` when that is asked for. */
function python(failsAt = "nothing"): string {
  const fail = `if [ "$2" = ${failsAt} ]; then echo 'first words'; echo 'last words' >&2; exit 1; fi`;
  return room.script("env/bin/python", `echo "python $*" >> '${room.path("calls")}'\n${fail}\necho 'a line'`);
}

const targetOf = (path: string, changes: Partial<InstallTarget> = {}): InstallTarget => ({
  python: path,
  version: "3.12.1",
  hasPip: true,
  breakSystemPackages: false,
  ...changes,
});

const calls = () => readFileSync(room.path("calls"), "utf8").trim().split("\n");
const pipCall = `python -m pip install --no-input --disable-pip-version-check --progress-bar off ${requirements.join(" ")}`;

async function errorOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkerError);
  return error as WorkerError;
}

test("the environment's own pip installs, and every line of it is told", async () => {
  const context = contextOf();
  room.script("bin/uv", `echo "uv $*" >> '${room.path("calls")}'`);
  await installRequirements(requirements, targetOf(python()), context);
  expect(calls()).toEqual([pipCall]);
  expect(context.told).toEqual([`installing ${requirements.join(", ")} with pip`, "  a line"]);
});

test("without pip, uv on PATH installs into that interpreter", async () => {
  room.script("bin/uv", `echo "uv $*" >> '${room.path("calls")}'`);
  const path = python();
  await installRequirements(requirements, targetOf(path, { hasPip: false }), contextOf());
  expect(calls()).toEqual([`uv pip install --python ${path} --no-progress ${requirements.join(" ")}`]);
});

test("without pip and uv, ensurepip brings pip", async () => {
  await installRequirements(requirements, targetOf(python(), { hasPip: false }), contextOf());
  expect(calls()).toEqual(["python -m ensurepip", pipCall]);
});

test("whoever passes the system's package manager by has that passed on", async () => {
  await installRequirements(["one"], targetOf(python(), { breakSystemPackages: true }), contextOf());
  expect(calls()[0]).toContain(" --break-system-packages one");
});

test("the installer has the user's index, and nothing that leads it out of the environment", async () => {
  const path = room.script("env/bin/python", "env");
  const context = contextOf({ PIP_INDEX_URL: "x", PIP_TARGET: "y", PYTHONPATH: "z", VIRTUAL_ENV: "w", UV_PYTHON: "v" });
  await installRequirements(["one"], targetOf(path), context);
  const names = context.told.map((line) => line.trim().split("=")[0]);
  expect(names).toContain("PIP_INDEX_URL");
  for (const name of ["PIP_TARGET", "PYTHONPATH", "VIRTUAL_ENV", "UV_PYTHON"]) expect(names).not.toContain(name);
});

test("a failure has what is missing, the installer's last words, and the command to run later", async () => {
  const path = python("pip");
  const { code, message } = await errorOf(installRequirements(requirements, targetOf(path), contextOf()));
  expect(code).toBe("python_package_missing");
  expect(message).toBe(
    `[python_package_missing] "${path}" lacks grpcio>=1.85.1,<2, protobuf>=7.35,<8, and pip could not install it: last words; ` +
      `when the index can be reached, run: ${path} -m pip install 'grpcio>=1.85.1,<2' 'protobuf>=7.35,<8'`,
  );
});

test("without anything to install with, the ways to get something are told", async () => {
  const path = python("ensurepip");
  const target = targetOf(path, { hasPip: false });
  const { code, message } = await errorOf(installRequirements(requirements, target, contextOf()));
  expect(code).toBe("python_package_missing");
  expect(message).toBe(
    `[python_package_missing] "${path}" has no pip, there is no uv on PATH, and ensurepip failed: last words; install uv, or on Debian ` +
      `and Ubuntu: apt-get install python3.12-venv; then ${runSetup(["--python", path], room.path("."))}`,
  );
});

test("an installer that cannot be started is a failure like another", async () => {
  const { message } = await errorOf(installRequirements(["one"], targetOf("/nowhere/python"), contextOf()));
  expect(message).toContain("could not install it: ");
  expect(message).toContain("ENOENT");
});

import { expect, test } from "vitest";
import { judgePython, lookAtPython } from "../../src/doctor/python.ts";
import { dependencies, ownPackage } from "../../src/python/needs.ts";
import { allStandIns, dependencyStandIns, usePythonRoom } from "../python/fixture-python.ts";

const room = usePythonRoom();

async function examine(interpreter?: string, env: Record<string, string> = { PATH: "/usr/bin:/bin" }) {
  const cwd = room.path(".");
  const options = { cwd, env, ...(interpreter === undefined ? {} : { interpreter }) };
  return judgePython(await lookAtPython(options), cwd);
}

test("an interpreter is told with how it was found, and its packages with their versions", async () => {
  const python = room.venv(".venv");
  const [interpreter, packages] = await examine();
  expect(interpreter).toMatchObject({
    check: "interpreter",
    status: "ok",
    message: expect.stringMatching(new RegExp(`^Python 3\\.\\d+\\.\\d+, found in \\.venv: "${python}"$`)),
  });
  expect(packages).toMatchObject({ check: "packages", status: "ok" });
  for (const { distribution } of [ownPackage, ...dependencies]) expect(packages?.message).toContain(`${distribution} `);
});

test("a named interpreter that is not there is a failure, and its packages are not looked at", async () => {
  expect(await examine("/nowhere/python")).toEqual([
    {
      check: "interpreter",
      status: "failure",
      message: expect.stringContaining('"/nowhere/python" (given by the option interpreter) cannot be used'),
      fix: {
        before: "run:",
        command: expect.stringContaining("setup --venv .venv"),
        after: expect.stringContaining("leave the option out"),
      },
    },
    { check: "packages", status: "skipped", message: expect.any(String) },
  ]);
});

test("an interpreter that is too old is a failure", async () => {
  const [interpreter] = await examine(room.pretender("old", { version: [3, 9, 2] }));
  expect(interpreter).toMatchObject({
    status: "failure",
    message: expect.stringContaining("is Python 3.9.2, older than"),
  });
});

test("an interpreter that lacks packages is one, and the packages are the failure", async () => {
  const python = room.venv("env", dependencyStandIns);
  expect(await examine(python)).toEqual([
    { check: "interpreter", status: "ok", message: expect.stringContaining(`answers, named by --python: "${python}"`) },
    {
      check: "packages",
      status: "failure",
      message: expect.stringContaining("lacks the Python module synapse_otp"),
      fix: {
        before: "run:",
        command: expect.stringMatching(/^cd \S+ && .* setup --python \S+$/),
      },
    },
  ]);
});

test("an environment of the project that was passed over for another one is a warning", async () => {
  room.venv("python/.venv", dependencyStandIns);
  const taken = room.venv(".venv");
  const [finding] = await examine();
  expect(finding).toMatchObject({
    status: "warning",
    message: expect.stringContaining(
      `"${taken}"; one that goes before it was passed over: "${room.path("python/.venv")}`,
    ),
    fix: { command: expect.stringContaining("setup --python") },
  });
});

test("a package that is newer than was known of is a warning", async () => {
  const packages = allStandIns.map((one) => (one.module === "grpc" ? { ...one, version: "2.0.0" } : one));
  const python = room.venv(".venv", packages);
  const [, finding] = await examine();
  expect(finding).toMatchObject({
    status: "warning",
    message: expect.stringContaining("newer than this version was made for: grpcio (>=1.85.1,<2)"),
    fix: { command: `${python} -m pip install 'grpcio>=1.85.1,<2'` },
  });
});

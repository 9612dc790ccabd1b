import { expect, test } from "vitest";
import { setupCommand } from "../../src/cli/setup.ts";
import { ownPackage } from "../../src/python/needs.ts";
import { dependencyStandIns, usePythonRoom } from "../python/fixture-python.ts";
import { createTerminal, helpOf, runCommand } from "./terminal.ts";

const room = usePythonRoom();

test("what is done is told line by line, and last which interpreter is ready", async () => {
  const python = room.venv(".venv", dependencyStandIns);
  const { terminal, out } = createTerminal(room.path("."), { PATH: "/usr/bin:/bin" });
  await runCommand(setupCommand, ["--venv", ".venv"], terminal);
  expect(out).toEqual([
    `installed synapse-otp ${ownPackage.version} into "${room.sitePackages(".venv")}"`,
    expect.stringMatching(
      new RegExp(
        `^ready: ${python} \\(Python 3\\.\\d+\\.\\d+, synapse-otp ${ownPackage.version}, pydantic-ai 2\\.99\\.0\\)$`,
      ),
    ),
  ]);
});

test("one that the search does not take by itself is told, with who goes before it", async () => {
  const python = room.venv("elsewhere", dependencyStandIns);
  const { terminal, out } = createTerminal(room.path("."), { PATH: "/usr/bin:/bin", PYTHON_EXEC: room.venv("other") });
  await runCommand(setupCommand, ["--python", python], terminal);
  expect(out.at(-1)).toBe(
    `from "${room.path(".")}" the search takes "${room.path("other/bin/python")}" (PYTHON_EXEC): ` +
      "name this one by PYTHON_EXEC or python.interpreter",
  );
});

test("every option of the help is one, and no other", async () => {
  const named = [...(await helpOf(setupCommand)).matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
  expect(named).toEqual(["--python", "--venv", "--clear", "--system", "--break-system-packages", "--json"]);
});

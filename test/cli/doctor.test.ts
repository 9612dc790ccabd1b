import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { createDoctorCommand, doctorCommand } from "../../src/cli/doctor.ts";
import type { DiagnoseOptions } from "../../src/doctor/diagnose.ts";
import { checkNames, type Finding } from "../../src/doctor/finding.ts";
import { CallerError } from "../../src/errors.ts";
import { ownPackage } from "../../src/python/needs.ts";
import { createTerminal, helpOf, runCommand } from "./terminal.ts";

const fine: Finding = { check: "node", status: "ok", message: "fine" };

/** Runs the command over findings that are given. */
async function examine(findings: readonly Finding[], ...words: string[]) {
  const { terminal, out } = createTerminal("/", { A: "b" });
  let seen: DiagnoseOptions | undefined;
  const command = createDoctorCommand(async function* (options) {
    seen = options;
    yield* findings;
  });
  const exitCode = await runCommand(command, words, terminal);
  return { exitCode, out, seen };
}

test.each(checkNames)("a failure of %s is told, and ends with 1", async (check) => {
  const { exitCode, out } = await examine([fine, { check, status: "failure", message: "it is broken" }]);
  expect(exitCode).toBe(1);
  expect(out.join("\n")).toContain(`✗ FAILURE  ${check.padEnd(12)} it is broken`);
});

test("warnings and skipped checks end with 0", async () => {
  const findings = (["warning", "skipped"] as const).map((status) => ({ ...fine, status }));
  const { exitCode, out } = await examine(findings);
  expect(exitCode).toBe(0);
  expect(out.at(-1)).toBe("\nagents can run here: 0 ok, 1 warning, 0 failures, 1 skipped");
});

test("--json is one object, with the command of a fix by itself", async () => {
  const fix = { before: "run:", command: "npx x", after: "then y" };
  const { exitCode, out } = await examine(
    [fine, { check: "packages", status: "failure", message: "no", fix }],
    "--json",
  );
  expect(exitCode).toBe(1);
  expect(JSON.parse(out.join("\n"))).toEqual({
    version: ownPackage.version,
    ok: false,
    findings: [
      { check: "node", status: "ok", message: "fine", fix: null, command: null },
      { check: "packages", status: "failure", message: "no", fix: "run: npx x; then y", command: "npx x" },
    ],
  });
});

test("the options say where and with what is looked", async () => {
  expect((await examine([])).seen).toEqual({ cwd: "/", env: { A: "b" }, start: true });
  const words = ["--cwd", tmpdir().slice(1), "--python", "python3.12", "--no-start"];
  expect((await examine([], ...words)).seen).toMatchObject({ cwd: tmpdir(), interpreter: "python3.12", start: false });
});

test("a directory that is not there is the caller's mistake", async () => {
  for (const directory of ["nowhere", "", "etc/passwd"]) {
    const error = await examine([], "--cwd", directory).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallerError);
    expect((error as CallerError).message).toContain("--cwd is");
  }
});

test("every option of the help is one, and no other, and the help fits 80 columns", async () => {
  const help = await helpOf(doctorCommand);
  const named = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
  expect(named).toEqual(["--python", "--cwd", "--no-start", "--json"]);
  expect(help).toContain("\nExamples:\n");
  expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

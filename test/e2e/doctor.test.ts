/** The doctor as a user runs it: the built program, a real interpreter, a real worker; and its commands, obeyed. */

import { execFile } from "node:child_process";
import { cpSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { checkNames } from "../../src/doctor/finding.ts";
import { dependencyStandIns, usePythonRoom } from "../python/fixture-python.ts";

const run = promisify(execFile);
const room = usePythonRoom();
const root = resolve(import.meta.dirname, "../..");
const program = join(root, "dist/cli/main.js");

interface Told {
  readonly ok: boolean;
  readonly findings: readonly { check: string; status: string; message: string; command: string | null }[];
}

beforeAll(() => buildIfStale());

async function doctor(words: string[], env: NodeJS.ProcessEnv = process.env, main = program) {
  const done = await run(process.execPath, [main, "doctor", ...words], { cwd: root, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
  expect(done.stderr).toBe("");
  return done;
}

test("where everything is set up, every check is told and a worker is started", async () => {
  const sockets = dirname(room.path("t/x"));
  const { code, stdout } = await doctor(["--json"], { ...process.env, TMPDIR: sockets });
  const { ok, findings } = JSON.parse(stdout) as Told;
  expect({ code, ok }, stdout).toEqual({ code: 0, ok: true });
  expect(findings.map(({ check }) => check)).toEqual(checkNames);
  expect(findings.at(-1)).toMatchObject({
    status: "ok",
    message: expect.stringMatching(/^a worker was ready \d+ ms after its spawn and answered a run in \d+ ms$/),
  });
  expect(findings.find(({ check }) => check === "sockets")?.message).toContain(`"${sockets}"`);
  expect(readdirSync(sockets)).toEqual([]);
});

test("an environment without the package is a failure, and the command in the text mends it", async () => {
  const python = room.venv(".venv", dependencyStandIns);
  const words = ["--cwd", room.path("."), "--python", python, "--no-start"];
  const env = { PATH: process.env.PATH };
  const failed = await doctor(words, env);
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^✗ FAILURE {2}packages /m) });
  const [, command = ""] = /^ {2}\$ (.+)$/m.exec(failed.stdout) ?? [];
  await run("/bin/sh", ["-c", command], { cwd: root, env });
  const mended = await doctor(words, env);
  expect(mended, mended.stdout).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✓ ok {7}packages /m) });
});

test("a project without xstate is told so, and so is everything else", async () => {
  const installed = dirname(room.path("node_modules/synapse-otp/x"));
  cpSync(join(root, "dist"), join(installed, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "xstate" && !name.startsWith("."))
      symlinkSync(join(root, "node_modules", name), room.path(`node_modules/${name}`));
  }
  const main = join(installed, "dist/cli/main.js");
  const words = ["--json", "--cwd", room.path("."), "--python", room.venv("env")];
  const { code, stdout } = await doctor(words, process.env, main);
  const { findings } = JSON.parse(stdout) as Told;
  expect(code).toBe(1);
  expect(findings.filter(({ status }) => status === "failure")).toMatchObject([
    { check: "xstate", command: "npm install xstate@^5.33" },
  ]);
  expect(findings.at(-1)).toMatchObject({ check: "start", message: "no worker can be started without xstate" });
});

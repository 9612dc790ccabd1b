import { expect, test } from "vitest";
import { diagnose } from "../../src/doctor/diagnose.ts";
import { checkNames } from "../../src/doctor/finding.ts";
import { usePythonRoom } from "../python/fixture-python.ts";

const room = usePythonRoom();

async function all(start: boolean, interpreter?: string) {
  const env = { PATH: "/usr/bin:/bin", HTTPS_PROXY: "http://proxy.test" };
  const findings = [];
  const options = { cwd: room.path("."), env, start, ...(interpreter === undefined ? {} : { interpreter }) };
  for await (const finding of diagnose(options)) findings.push(finding);
  return findings;
}

test("every check is told once, in the order of the list, with the environment that is given", async () => {
  room.venv(".venv");
  const findings = await all(false);
  expect(findings.map(({ check }) => check)).toEqual(checkNames);
  expect(findings.find(({ check }) => check === "proxies")).toMatchObject({ status: "warning" });
  expect(findings.at(-1)).toMatchObject({
    check: "start",
    status: "skipped",
    message: expect.stringContaining("--no-start"),
  });
});

test("without an interpreter the checks that need none are made", async () => {
  const findings = await all(true, "/nowhere/python");
  expect(findings.map(({ check }) => check)).toEqual(checkNames);
  expect(findings.at(-1)).toMatchObject({
    check: "start",
    status: "skipped",
    message: expect.stringContaining("without"),
  });
});

test("a worker that cannot start is a failure", async () => {
  // Stand-ins look like the packages, and cannot be imported.
  const finding = (await all(true, room.venv("env"))).at(-1);
  expect(finding).toMatchObject({
    check: "start",
    status: "failure",
    message: expect.stringContaining("a worker does not serve: ["),
  });
});

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");

test("a Node that is too old is told so in one sentence", () => {
  const pretend = "Object.defineProperty(process.versions, 'node', { value: '20.20.2' })";
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${pretend}`, join(root, "scripts", "run.js"), "start.ts"],
    { encoding: "utf8" },
  );
  expect(stderr).toMatch(/^Synapse needs Node 22\.19 or newer; this is Node 20\.20\.2\. .*npm start.*\n$/);
  expect(status).toBe(1);
});

test("a set-up that is done takes no time", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts", "run.js"), "setup-python.ts"], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("python/.venv is up to date\n");
  expect(status).toBe(0);
});

test("a Python that cannot be used is refused with what is wrong and how to mend it", () => {
  const program =
    "const { findSystemPython } = await import('./src/python/system-python.ts'); await findSystemPython(['/nowhere/python'], 'name it');";
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    cwd: root,
  });
  expect(stderr).toContain("No Python 3.11 or newer was found.");
  expect(status).toBe(1);
});

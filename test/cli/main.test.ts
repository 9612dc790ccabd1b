import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const main = join(root, "src", "cli", "main.ts");

test("the program ends with the command's exit code", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(spawnSync(process.execPath, [main, "--version"], { encoding: "utf8" })).toMatchObject({
    stdout: `${version}\n`,
    stderr: "",
    status: 0,
  });
  expect(spawnSync(process.execPath, [main, "dance"], { encoding: "utf8" })).toMatchObject({ stdout: "", status: 2 });
});

test("a Node that is too old is told so in one sentence, before anything else is loaded", () => {
  const pretend = "data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })";
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", pretend, main, "setup"], {
    encoding: "utf8",
  });
  expect(stderr).toBe("synapse-otp needs Node 22.19 or newer; this is Node 20.20.2\n");
  expect(stdout).toBe("");
  expect(status).toBe(1);
});

test("a reader that leaves early, as head does, is no failure", async () => {
  const child = spawn(process.execPath, [main, "doctor", "--no-start", "--python", "/nowhere/python"]);
  child.stdout.destroy();
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = await once(child, "close");
  // Of the doctor, who has found no interpreter.
  expect({ code, said }).toEqual({ code: 1, said: "" });
});

test("the package offers it under both names, as a program of Node", () => {
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(bin).toEqual({ "synapse-otp": "./dist/cli/main.js", synapse: "./dist/cli/main.js" });
  expect(readFileSync(main, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
});

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Runs a program whose stderr goes where the shell says. */
function run(program: string, redirection: string) {
  const script = `exec 3>&1; "$0" --input-type=module -e "$1" ${redirection}`;
  return spawnSync("sh", ["-c", script, process.execPath, program], { cwd: root, encoding: "utf8" });
}

const write = `const { writeToStderr } = await import("./src/stderr.ts");`;
const turn = "await new Promise((resolve) => setImmediate(resolve));";

test("a stderr that nobody reads any more does not end the host", () => {
  const program = `${write} for (let n = 0; n < 50; n += 1) { writeToStderr("x".repeat(10_000)); ${turn} } console.log("alive");`;
  expect(run(program, "2>&1 >&3 | true").stdout).toBe("alive\n");
});

test("many lines at once are written in order, and nothing is left behind", () => {
  const program = `
    ${write}
    for (let n = 0; n < 50; n += 1) writeToStderr(n + " ");
    ${turn} ${turn}
    console.log(process.stderr.listenerCount("error"));
  `;
  const { stdout, stderr } = run(program, "");
  expect(stderr).toBe(Array.from({ length: 50 }, (_, n) => `${n} `).join(""));
  expect(stdout).toBe("0\n");
});

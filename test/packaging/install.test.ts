/** `npm install` of the package, from a tarball and from a Git address. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copySource, root } from "../e2e/packed.ts";
import { agentOutput, agentProgram } from "../e2e/user-programs.ts";
import { createProject, type UserProject } from "./user-project.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "synapse-git-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What npm says but "added n packages"; a warning about the user's own configuration is none of ours. */
function complaints({ installed: { stdout, stderr } }: UserProject): string[] {
  return `${stdout}\n${stderr}`
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^added \d+ packages in /.test(line) && !/Unknown .* config/.test(line));
}

async function expectToWork(project: UserProject): Promise<void> {
  project.write({ "main.js": agentProgram });
  expect(await project.node(["main.js"])).toEqual({ status: 0, stdout: agentOutput, stderr: "" });
  for (const name of ["synapse-otp", "synapse"]) {
    const { stdout } = await project.run(join("node_modules", ".bin", name), ["--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  }
}

test("from a tarball npm has nothing to warn of, and agents run", async () => {
  const project = await createProject([]);
  expect(complaints(project)).toEqual([]);
  await expectToWork(project);
});

test("from a Git address it is built, without a warning either", async () => {
  const source = copySource(join(directory, "source"));
  rmSync(join(source, "node_modules"));
  for (const name of ["package-lock.json", ".npmrc", ".gitignore"]) cpSync(join(root, name), join(source, name));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], { cwd: source });
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "the package");
  const project = await createProject([], `git+file://${source}`);
  expect(complaints(project)).toEqual([]);
  await expectToWork(project);
});

#!/usr/bin/env node
/** The program `synapse-otp`, `npx synapse-otp <command>`. It loads nothing but one check, so that a Node that is too old gets as far as the sentence that says so. */

import { nodeProblem } from "../node-version.ts";

const problem = nodeProblem(process.versions);
if (problem === undefined) {
  const { runCommandLine } = await import("./command-line.ts");
  process.exitCode = await runCommandLine(process.argv.slice(2));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

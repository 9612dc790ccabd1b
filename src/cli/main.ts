#!/usr/bin/env node
/** The program `synapse-otp`, `npx synapse-otp <command>`. It loads nothing but one check, so that a Node that is too old gets as far as the sentence that says so. */

import { nodeProblem } from "../node-version.ts";

const words = process.argv.slice(2);
const problem = nodeProblem(process.versions);
if (problem === undefined) {
  const { runCommandLine } = await import("./command-line.ts");
  process.exitCode = await runCommandLine(words);
} else {
  process.stderr.write(`${problem}\n`);
  if (words.some((word) => /\.[cm]?ts$/.test(word))) {
    process.stderr.write(
      "such a Node runs TypeScript too, without a compiler: get it from nodejs.org, or by a version manager (nvm install 24)\n",
    );
  }
  process.exitCode = 1;
}

/** A project in nodenext, with the compilers that users have. */

import { describe, expect, test } from "vitest";
import { agentOutput, agentProgram } from "../e2e/user-programs.ts";
import { createProject, titled, whatIsMissing } from "./user-project.ts";

const doors = `
export type * from "synapse-otp";
export type * as core from "synapse-otp/otp";
`;

const compilers = ["typescript@5", "typescript@latest"];
const missingOf = new Map<string, string | undefined>();
for (const name of compilers) missingOf.set(name, await whatIsMissing(name, "@types/node@22"));

describe.each(compilers)("%s", (compiler) => {
  const missing = missingOf.get(compiler);
  test.skipIf(missing !== undefined)(titled("compiles a program, and the doors' own types", missing), async () => {
    const project = await createProject([compiler, "@types/node@22"]);
    const compilerOptions = {
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      module: "nodenext",
      types: ["node"],
    };
    project.write({
      "main.ts": agentProgram.replace("(m, state)", "(m: number, state: number)"),
      "doors.ts": doors,
      "tsconfig.json": JSON.stringify({
        compilerOptions: { ...compilerOptions, strict: true },
        files: ["main.ts", "doors.ts"],
      }),
    });
    const { status, stdout } = await project.node(["node_modules/typescript/bin/tsc"]);
    expect(stdout).toBe("");
    expect(status).toBe(0);
    expect(await project.node(["main.js"])).toEqual({ status: 0, stdout: agentOutput, stderr: "" });
  });
});

/** What npm publishes, made into one file by esbuild and type-checked by a project of its own: the heavier tools are in test/packaging. */

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build, type Format } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installPacked, linkDependencies, packingMs, packPackage, root } from "./packed.ts";
import { agentOutput, agentProgram, coreProgram, lostProgram, userEnvironment } from "./user-programs.ts";

const run = promisify(execFile);

let directory: string;
/** A user's project: node_modules has synapse-otp, as it was packed, xstate and what npm installs beside it. */
let project: string;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "synapse-bundlers-")));
  project = join(directory, "project");
  const modules = join(project, "node_modules");
  await installPacked(await packPackage(directory), modules);
  linkDependencies(modules);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
}, packingMs);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(["esm", "cjs"] as const)("a minified bundle of esbuild, as %s,", (format) => {
  test("runs an agent, and ends", async () => {
    const file = await bundle("agent", agentProgram, format);
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: project, env: userEnvironment });
    expect({ stdout, stderr }).toEqual({ stdout: agentOutput, stderr: "" });
  });

  test("runs the core alone", async () => {
    const file = await bundle("core", coreProgram, format);
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: project });
    expect({ stdout, stderr }).toEqual({ stdout: "42\n", stderr: "" });
  });

  test("that finds no interpreter and no package says from where it looked, by an error that keeps its name", async () => {
    const built = await bundle("lost", lostProgram, format);
    const empty = mkdtempSync(join(directory, "empty-"));
    const file = join(empty, `main.${extension(format)}`);
    copyFileSync(built, file);
    const { PYTHON_EXEC: _python, VIRTUAL_ENV: _active, CONDA_PREFIX: _conda, ...env } = userEnvironment;
    const { stdout } = await run(process.execPath, [file], { cwd: empty, env: { ...env, PATH: empty } });
    expect(stdout).toBe(
      `WorkerError: [python_missing] no Python interpreter for the workers was found; looked at: ` +
        `"${empty}/python/.venv/bin/python" cannot be used: there is no such executable file, ` +
        `"${empty}/.venv/bin/python" cannot be used: there is no such executable file, ` +
        `"python/.venv of synapse-otp" cannot be used: the npm package synapse-otp 0.1.0 was not found from "${file}", "${empty}/package.json"; ` +
        "run: npx synapse-otp setup, or name an interpreter that has synapse-otp by PYTHON_EXEC or python.interpreter\n",
    );
  });

  test("tells Bun and an old Node in one sentence", async () => {
    const file = await bundle("core", coreProgram, format);
    const pretend = "data:text/javascript,Object.defineProperty(process.versions, 'bun', { value: '1.4.5' })";
    const error = await run(process.execPath, ["--import", pretend, file]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      stdout: "",
      stderr: expect.stringMatching(/^Error: synapse-otp needs Node 22\.19 or newer; this is Bun 1\.4\.5$/m),
    });
  });
});

test("a CommonJS program requires every door", async () => {
  const file = join(project, "required.cjs");
  const doors = ["synapse-otp", "synapse-otp/otp", "synapse-otp/testing"];
  writeFileSync(file, doors.map((door) => `console.log(Object.keys(require("${door}")).length > 0);`).join("\n"));
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: project });
  expect({ stdout, stderr }).toEqual({ stdout: "true\n".repeat(doors.length), stderr: "" });
});

test("a project in nodenext type-checks against every door, and runs", async () => {
  const modules = join(project, "node_modules", "@types");
  mkdirSync(modules);
  symlinkSync(join(root, "node_modules", "@types", "node"), join(modules, "node"));
  const compilerOptions = {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    strict: true,
    outDir: "out",
    types: ["node"],
  };
  const check = async (skipLibCheck: boolean, file: string, code: string) => {
    writeFileSync(join(project, file), code);
    const config = { compilerOptions: { ...compilerOptions, skipLibCheck }, files: [file] };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules", ".bin", "tsc");
    const { stdout } = await run(tsc, ["-p", project]).catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe("");
  };
  await check(false, "doors.ts", 'export type * from "synapse-otp";\nexport type * as core from "synapse-otp/otp";\n');
  // Connect's own declarations, which the doubles name, want the DOM's types.
  await check(true, "typed.ts", typedProgram);
  const { stdout } = await run(process.execPath, ["out/typed.js"], { cwd: project, env: userEnvironment });
  expect(stdout).toBe("poet: 12 tokens at most\n5\n");
});

const typedProgram = `
import { type Agent, type AgentDefinition, defineAgent, type RunResult, startSystem, type SystemOptions } from "synapse-otp";
import { call, fromGenServer, type Ref, start } from "synapse-otp/otp";
import { createFakeLauncher, createVirtualClock } from "synapse-otp/testing";

const poet: AgentDefinition<string> = defineAgent({ id: "poet", entry: "poet.py:agent" });
const launcher = createFakeLauncher({ script: { answer: (run) => run.agentId + ": " + run.prompt } });
const options: SystemOptions = { children: [poet] };
const system = await startSystem(options, { launcher, interpreter: "none", clock: createVirtualClock() });
const agent: Agent<string> = system.agent(poet);
const result: RunResult<string> = await agent.run("12 tokens at most");
console.log(result.output satisfies string);
await system.stop();
export function refused(): void {
  // @ts-expect-error an agent has an entry
  defineAgent({ id: "poet" });
}

const adder = fromGenServer({
  init: () => ({ state: 2 }),
  handleCall: (more: number, state) => ({ reply: state + more }),
});
const ref = await start(adder);
const sum: number = await call(ref satisfies Ref, 3);
console.log(sum);
`;

/** Bundles a program without a warning; answers the path of the file. */
async function bundle(name: string, code: string, format: Format) {
  const outfile = join(project, "bundled", `${name}.${extension(format)}`);
  const { warnings } = await build({
    stdin: { contents: code, resolveDir: project },
    bundle: true,
    platform: "node",
    format,
    minify: true,
    outfile,
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  return outfile;
}

function extension(format: Format): "mjs" | "cjs" {
  return format === "esm" ? "mjs" : "cjs";
}

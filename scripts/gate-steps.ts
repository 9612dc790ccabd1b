/** What the gate runs. A lane is a list of steps in order; the lanes of a stage run side by side, two of them for two cores. */

import { delimiter, join, resolve } from "node:path";
import { build } from "./build.ts";
import { checkGenerated } from "./check-generated.ts";
import { type CommandOptions, runCommand } from "./child.ts";
import { setupPython } from "./setup-python.ts";

/** One step of the gate. */
export interface GateStep {
  readonly name: string;
  /** Whether it writes to the terminal itself. Default false: its output is shown when it fails. */
  readonly live?: boolean;
  /** Never rejects. */
  run(): Promise<{ readonly ok: boolean; readonly output: string }>;
}

const root = resolve(import.meta.dirname, "..");
const python = join(root, "python", ".venv", "bin", "python");

/** The environment of the tools: this checkout's own programs first, and its Node for whatever they start. */
export const toolEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
};

/** The stages in order. Test reports are written into `reports`: pytest.xml, vitest.json and, of the fresh interpreters, spawn.json. */
export function listStages(reports: string): GateStep[][][] {
  const vitest = (report: string, ...options: string[]) => [
    "run",
    ...options,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${join(reports, report)}`,
  ];
  return [
    [
      [
        { name: "Python environment", live: true, run: setUp },
        { name: "build", run: () => attempt(build) },
      ],
    ],
    [
      [
        { name: "generated code", run: () => attempt(() => checkGenerated()) },
        tool("buf lint", "buf", ["lint"]),
        tool("buf breaking", "buf", ["breaking", "--against", join("proto", "contract.binpb")]),
        tool("biome", "biome", ["ci", "--error-on-warnings", "--colors=off"]),
        tool("types", "tsc", ["--noEmit", "-p", "tsconfig.json"]),
        tool("types of the page", "tsc", ["--noEmit", "-p", join("src", "viewer", "page")]),
      ],
      [
        pythonTool("ruff check", ["ruff", "check"]),
        pythonTool("ruff format", ["ruff", "format", "--check"]),
        pythonTool("mypy", ["mypy"]),
      ],
    ],
    [
      [tool("vitest", "vitest", vitest("vitest.json"), { inherit: true })],
      // Half of the time tests wait for processes to start and to end.
      [
        pythonTool("pytest", ["pytest", `--junitxml=${join(reports, "pytest.xml")}`]),
        tool(
          "vitest, fresh interpreters",
          "vitest",
          vitest("spawn.json", "--config", "test/e2e/vitest.config.ts", "--root", "."),
        ),
      ],
    ],
  ];
}

function tool(name: string, file: string, args: readonly string[], options: CommandOptions = {}): GateStep {
  return {
    name,
    live: options.inherit === true,
    run: () => runCommand(file, args, { cwd: root, env: toolEnvironment, ...options }),
  };
}

function pythonTool(name: string, args: readonly string[]): GateStep {
  return tool(name, python, ["-m", ...args], { cwd: join(root, "python") });
}

function setUp() {
  return attempt(async () => void (await setupPython({ kind: "dev" })));
}

/** Makes a step's result of a function that throws when it fails. */
async function attempt(work: () => Promise<void>): Promise<{ ok: boolean; output: string }> {
  try {
    await work();
    return { ok: true, output: "" };
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

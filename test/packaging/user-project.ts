/** A user's project: an empty folder into which npm installs the packed package, xstate and a tool. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, inject } from "vitest";
import { root } from "../e2e/packed.ts";
import { userEnvironment } from "../e2e/user-programs.ts";

/** What came of a command. */
export interface Outcome {
  /** Exit code; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project that npm has installed. */
export interface UserProject {
  /** Absolute path. */
  readonly directory: string;
  /** What npm said. */
  readonly installed: Outcome;
  /** Writes files, by their paths in the project. */
  write(files: Readonly<Record<string, string>>): void;
  /** Runs a JavaScript file of the project, or of its node_modules, with the Node of this checkout. */
  node(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome>;
  /** Runs any program in the project. */
  run(file: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome>;
}

/** npm and what it starts run with the Node of this checkout, whatever Node the machine has. */
const environment: NodeJS.ProcessEnv = {
  ...userEnvironment,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
  NEXT_TELEMETRY_DISABLED: "1",
};

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/**
 * Makes a project and installs into it; it is removed after the tests of the file.
 * @param packages what is installed beside synapse-otp and xstate
 * @param source what is installed as synapse-otp; default: the tarball
 */
export async function createProject(
  packages: readonly string[],
  source: string = inject("tarball"),
): Promise<UserProject> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "synapse-user-")));
  directories.push(directory);
  const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    outcomeOf(file, args, { cwd: directory, env: { ...environment, ...env } });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  const options = ["--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline"];
  const installed = await run("npm", ["install", ...options, source, "xstate", ...packages]);
  if (installed.status !== 0) throw new Error(`npm install failed:\n${installed.stdout}\n${installed.stderr}`);
  return {
    directory,
    installed,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text);
      }
    },
    node: (args, env) => run(process.execPath, args, env),
    run,
  };
}

/**
 * Why tests with these packages cannot run: the registry has no such package, or no such version. Undefined when it has them all; a registry
 * that cannot be asked lacks nothing, so that the tests fail.
 */
export async function whatIsMissing(...packages: readonly string[]): Promise<string | undefined> {
  const missing: string[] = [];
  for (const name of packages) {
    const { status, stdout, stderr } = await outcomeOf("npm", ["view", name, "version"], {
      cwd: root,
      env: environment,
    });
    if (status === 0 ? stdout.trim() === "" : /\bE404\b/.test(stderr)) missing.push(name);
  }
  return missing.length === 0 ? undefined : `the registry has no ${missing.join(", ")}`;
}

/** Runs a program to its end. Rejects when it cannot be started. */
function outcomeOf(
  file: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  execFile(file, args, { ...options, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
    if (typeof error?.code === "string") reject(error);
    else resolve({ status: error === null ? 0 : (error.code ?? undefined), stdout, stderr });
  });
  return promise;
}

/** A title, with the reason when its test is skipped. */
export function titled(title: string, missing: string | undefined): string {
  return missing === undefined ? title : `${title} (skipped: ${missing})`;
}

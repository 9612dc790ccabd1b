/**
 * Makes python/.venv from the lock: `npm run setup:python [-- --dev] [-- --verbose] [-- --python PATH]`. A second run takes milliseconds; one
 * that was interrupted is begun anew; two at once wait for each other. The machine's own Python is not touched.
 */

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installerEnvironment } from "../src/python/environment.ts";
import { type SetupLock, tryLock } from "../src/python/setup-lock.ts";
import { findSystemPython, pythonNames } from "../src/python/system-python.ts";
import { type CommandResult, endOnSignal, lastLines, runCommand } from "./child.ts";
import { startProgress } from "./progress.ts";
import {
  configuredVersion,
  type EnvironmentKind,
  hashLocks,
  lockPath,
  markUnfinished,
  planSetup,
  readEnvironment,
  type SetupPlan,
  writeStamp,
} from "./setup-stamp.ts";

/** What is to be set up. */
export interface SetupOptions {
  /** Default "runtime". */
  readonly kind?: EnvironmentKind;
  /** Shows what pip says. Default false: only when it fails. */
  readonly verbose?: boolean;
  /** The Python to make the environment from: a path or a name on PATH. Default: searched, see `findSystemPython`. */
  readonly python?: string;
  /** Default: .venv in the python/ folder of this checkout. */
  readonly directory?: string;
}

const pythonDirectory = resolve(import.meta.dirname, "..", "python");
const lockName = "synapse-setup.lock";

/**
 * Sets the environment up as far as it is not.
 * @returns what had to be done; rejects with an Error whose message says what failed and how to mend it
 */
export async function setupPython(options: SetupOptions = {}): Promise<SetupPlan["type"]> {
  const { kind = "runtime", verbose = false, directory = join(pythonDirectory, ".venv") } = options;
  const plan = () => planSetup(readEnvironment(directory), { kind, locks: hashLocks(pythonDirectory), directory });
  if (plan().type === "keep") return "keep";
  const lock = await takeLock(join(directory, lockName));
  const removeHandlers = endOnSignal(() => lock.release());
  try {
    const todo = plan();
    if (todo.type === "rebuild") await createEnvironment(directory, options);
    if (todo.type !== "keep") await installPackages(directory, todo.kind, verbose);
    return todo.type;
  } finally {
    removeHandlers();
    lock.release();
  }
}

async function takeLock(path: string): Promise<SetupLock> {
  for (let told = false; ; ) {
    const lock = tryLock(path);
    if ("release" in lock) return lock;
    if (!told) console.log(`another set-up is running (process ${lock.heldBy}); waiting for it`);
    told = true;
    await sleep(200);
  }
}

async function createEnvironment(directory: string, { python, verbose }: SetupOptions): Promise<void> {
  const found = await findSystemPython(
    python === undefined ? pythonNames : [python],
    "npm run setup:python -- --python PATH",
  );
  mkdirSync(directory, { recursive: true });
  markUnfinished(directory);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith("synapse-setup.")) rmSync(join(directory, name), { recursive: true, force: true });
  }
  const title = `Making a virtual environment with Python ${found.version.join(".")}`;
  await step(title, verbose === true, (onLine) =>
    runCommand(found.name, ["-m", "venv", directory], { env: installerEnvironment(process.env), onLine }),
  );
}

async function installPackages(directory: string, kind: EnvironmentKind, verbose: boolean): Promise<void> {
  markUnfinished(directory);
  const python = join(directory, "bin", "python");
  const pip = ["-m", "pip", "--no-input", "--disable-pip-version-check", "install", "--progress-bar", "off"];
  const env = installerEnvironment(process.env);
  const title = kind === "dev" ? "Installing the Python packages for development" : "Installing the Python packages";
  await step(title, verbose, (onLine) =>
    // The lock is whole. Where packages ask for others' extras, pip would look for pins that no lock has.
    runCommand(python, [...pip, "--no-deps", "--require-hashes", "-r", lockPath(pythonDirectory, kind)], {
      env,
      onLine,
    }),
  );
  await step("Installing synapse-otp", verbose, (onLine) =>
    runCommand(python, [...pip, "--no-deps", "--no-build-isolation", "-e", pythonDirectory], { env, onLine }),
  );
  const version = configuredVersion(directory);
  if (version === undefined)
    throw new Error(`"${directory}" has no pyvenv.cfg with a version; remove it and try again`);
  writeStamp({ kind, locks: hashLocks(pythonDirectory), python: version, directory });
}

async function step(
  title: string,
  verbose: boolean,
  run: (onLine: (line: string) => void) => Promise<CommandResult>,
): Promise<void> {
  const progress = startProgress(title);
  let collected = 0;
  const result = await run((line) => {
    if (verbose) console.log(line);
    const name = /^\s*Collecting ([A-Za-z0-9._-]+)/.exec(line)?.[1];
    if (name !== undefined) collected += 1;
    if (name !== undefined) progress.detail(`${name} (${collected} packages found)`);
    else if (line.startsWith("Installing collected packages")) progress.detail(`writing ${collected} packages`);
  });
  if (result.ok) return progress.done();
  progress.failed();
  throw new Error(`${title} failed:\n${lastLines(result.output, 20)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values } = parseArgs({
      options: { dev: { type: "boolean" }, verbose: { type: "boolean" }, python: { type: "string" } },
    });
    const done = await setupPython({
      kind: values.dev === true ? "dev" : "runtime",
      verbose: values.verbose === true,
      ...(values.python === undefined ? {} : { python: values.python }),
    });
    if (done === "keep") console.log("python/.venv is up to date");
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

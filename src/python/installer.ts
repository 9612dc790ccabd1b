/** Brings other projects' packages into an environment, with what there is: its own pip, uv, or the pip that ensurepip unpacks. */

import { execa } from "execa";
import { WorkerError } from "../errors.ts";
import { findProgram } from "./candidates.ts";
import { installerEnvironment, readPythonEnvironment } from "./environment.ts";
import { runSetup, shellWord } from "./setup-command.ts";

/** How the set-up's programs are run, and who is told what they say. */
export interface InstallerContext {
  readonly cwd: string;
  /** The user's own environment: index, proxy, PATH. */
  readonly env: NodeJS.ProcessEnv;
  /** Takes one line of what is done. */
  readonly tell: (line: string) => void;
}

/** The environment to install into. */
export interface InstallTarget {
  /** Its interpreter. */
  readonly python: string;
  /** "3.11.7" */
  readonly version: string;
  readonly hasPip: boolean;
  /** Whether the user has said that the system's package manager may be passed by. */
  readonly breakSystemPackages: boolean;
}

/**
 * Installs requirements from whatever index the user has configured.
 * @returns rejects with WorkerError "python_package_missing" that has the installer's last words and the command to run when it can succeed
 */
export async function installRequirements(
  requirements: readonly string[],
  target: InstallTarget,
  context: InstallerContext,
): Promise<void> {
  const { name, command, options } = await chooseInstaller(target, context);
  const extra = target.breakSystemPackages ? ["--break-system-packages"] : [];
  context.tell(`installing ${requirements.join(", ")} with ${name}`);
  const failure = await runTold([...command, ...options, ...extra, ...requirements], context);
  if (failure === undefined) return;
  const words = [...command, ...extra, ...requirements].map(shellWord).join(" ");
  throw new WorkerError(
    "python_package_missing",
    `"${target.python}" lacks ${requirements.join(", ")}, and ${name} could not install it: ${failure}; when the index can be reached, run: ${words}`,
  );
}

/** Runs a program and tells every line of it. Resolves with its last words when it fails. */
export async function runTold(words: readonly string[], context: InstallerContext): Promise<string | undefined> {
  const [file = "", ...args] = words;
  const program = execa(file, args, {
    cwd: context.cwd,
    env: installerEnvironment(context.env),
    extendEnv: false,
    stdin: "ignore",
    all: true,
    reject: false,
  });
  let last = "";
  try {
    for await (const line of program.iterable({ from: "all" })) {
      if (line.trim() !== "") last = line.trim();
      context.tell(`  ${line}`);
    }
  } catch {
    // The end of the program is told by its result.
  }
  const { failed, exitCode, originalMessage } = await program;
  if (!failed) return undefined;
  return last || originalMessage || `exit code ${exitCode}`;
}

interface Installer {
  name: string;
  /** The command up to the requirements, as a message prints it. */
  command: string[];
  /** What is added when no person is at the keyboard. */
  options: string[];
}

async function chooseInstaller(target: InstallTarget, context: InstallerContext): Promise<Installer> {
  const pip: Installer = {
    name: "pip",
    command: [target.python, "-m", "pip", "install"],
    options: ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"],
  };
  if (target.hasPip) return pip;
  const uv = findProgram("uv", context.cwd, readPythonEnvironment(context.env).searchPath);
  if (uv !== undefined) {
    return { name: "uv", command: [uv, "pip", "install", "--python", target.python], options: ["--no-progress"] };
  }
  context.tell(`"${target.python}" has no pip: ensurepip brings it`);
  const failure = await runTold([target.python, "-m", "ensurepip"], context);
  if (failure === undefined) return pip;
  const [major, minor] = target.version.split(".");
  throw new WorkerError(
    "python_package_missing",
    `"${target.python}" has no pip, there is no uv on PATH, and ensurepip failed: ${failure}; install uv, or on Debian and Ubuntu: ` +
      `apt-get install python${major}.${minor}-venv; then ${runSetup(["--python", target.python], context.cwd)}`,
  );
}

/** Sets an environment up for the workers: finds or makes it, puts our own package into it, and brings what that needs. */

import { readdirSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { invalidArgument, WorkerError } from "../errors.ts";
import { type Candidate, listCandidates } from "./candidates.ts";
import { readPythonEnvironment, workerEnvironment } from "./environment.ts";
import { type Examined, examine } from "./examine.ts";
import { type InstallerContext, installRequirements } from "./installer.ts";
import { findInterpreter, type Interpreter } from "./interpreter.ts";
import { makeEnvironment } from "./make-environment.ts";
import { oldestPython, ownPackage } from "./needs.ts";
import { pythonFolder } from "./package-folder.ts";
import { placePackage } from "./place-package.ts";
import { type ProbeAnswer, probeInterpreter } from "./probe.ts";
import { nearestOf, type Rejection, rejectionOf } from "./rejection.ts";
import { runSetup } from "./setup-command.ts";
import { type SetupLock, tryLock } from "./setup-lock.ts";
import { findPackageFault, isOld } from "./verdict.ts";
import { readWheel } from "./wheel.ts";

/** What is to be set up. */
export interface SetUpOptions {
  /** Absolute path of the directory that the search starts from. */
  readonly cwd: string;
  /** The user's environment. Default: the host's. */
  readonly env?: NodeJS.ProcessEnv;
  /** An interpreter, or the directory of its environment; with `venv`, the Python that one is made from. Relative to `cwd`. */
  readonly python?: string;
  /** The directory of the virtual environment, made when it is not there. Relative to `cwd`. */
  readonly venv?: string;
  /** Whether the environment is made anew. Default false. */
  readonly clear?: boolean;
  /** Whether an interpreter outside a virtual environment may be installed into. Default false. */
  readonly system?: boolean;
  /** Whether one that the system's package manager keeps for itself (PEP 668) may be installed into. Default false. */
  readonly breakSystemPackages?: boolean;
  /** Takes one line of what is done. Default: nobody is told. */
  readonly tell?: (line: string) => void;
}

/** What came of it. */
export interface SetUpResult {
  /** The interpreter that was set up, as the search sees it. */
  readonly interpreter: Interpreter;
  /** What the search takes in `cwd` when it is told nothing; undefined when that is nothing at all. */
  readonly found: Interpreter | undefined;
}

/**
 * Sets up what the options name, else the environment that the search would take, else `.venv` in `cwd`. What is right already stays as it
 * is, so that a second run changes nothing. The machine's own Python is not touched unless the options say so.
 * @returns rejects with CallerError "invalid_argument" for an environment that is not to be touched, and with the WorkerError that the search
 * would reject with when it cannot be mended
 */
export async function setUpPython(options: SetUpOptions): Promise<SetUpResult> {
  const context: InstallerContext = {
    cwd: options.cwd,
    env: options.env ?? process.env,
    tell: options.tell ?? (() => undefined),
  };
  const target = await chooseTarget(options, context);
  const path =
    "directory" in target
      ? await underLock(target.directory, context, async () => {
          const { directory } = target;
          await makeEnvironment({ directory, python: options.python, clear: options.clear === true }, context);
          const python = join(directory, "bin", "python");
          return complete({ source: "option", path: python, given: python }, options, context);
        })
      : await completeUnderLock(target, options, context);
  const { cwd } = context;
  const env = workerEnvironment({}, context.env);
  const interpreter = await findInterpreter({ interpreter: path, cwd, env });
  const found = await findInterpreter({ cwd, env }).catch((error: unknown) => {
    if (error instanceof WorkerError) return undefined;
    throw error;
  });
  return { interpreter, found };
}

type Target = { directory: string } | Candidate;

/** Whom to set up: what is named, else what came nearest in the search, else a new environment where the search looks. */
async function chooseTarget({ python, venv, cwd }: SetUpOptions, context: InstallerContext): Promise<Target> {
  if (venv !== undefined) return { directory: resolve(cwd, venv) };
  const environment = readPythonEnvironment(context.env);
  if (python !== undefined) {
    const given = isDirectory(resolve(cwd, python)) ? join(python, "bin", "python") : python;
    return one(listCandidates(given.includes("/") ? resolve(cwd, given) : given, cwd, environment));
  }
  const rejections: Rejection[] = [];
  for (const candidate of listCandidates(undefined, cwd, environment)) {
    const examined = await look(candidate, context);
    const rejection = rejectionOf(examined);
    if (rejection === undefined) return candidate;
    rejections.push(rejection);
  }
  const nearest = nearestOf(rejections);
  const named = rejections.find(({ candidate }) => candidate.source === "PYTHON_EXEC");
  if (named !== undefined) return named.candidate;
  const isMendable = nearest !== undefined && nearest.code !== "python_too_old" && nearest.answer.inVirtualEnv;
  return isMendable ? nearest.candidate : { directory: join(cwd, ".venv") };
}

async function completeUnderLock(candidate: Candidate, options: SetUpOptions, context: InstallerContext) {
  const examined = await look(candidate, context);
  const folder = "answer" in examined ? lockFolderOf(examined.answer) : "";
  if (folder === "") return complete(candidate, options, context);
  return underLock(folder, context, () => complete(candidate, options, context));
}

/** Brings what an interpreter lacks; resolves with its path. */
async function complete(candidate: Candidate, options: SetUpOptions, context: InstallerContext): Promise<string> {
  const examined = await look(candidate, context);
  if (!("answer" in examined)) {
    const { path = candidate.given } = candidate;
    const remedy = options.python === undefined ? ["--venv", dirname(dirname(path)), "--clear"] : ["--venv", ".venv"];
    const way = `for an environment that works, ${runSetup(remedy, context.cwd)}`;
    throw new WorkerError("python_missing", `"${path}" cannot be used: ${examined.reason}; ${way}`);
  }
  const { path, answer } = examined;
  const version = answer.version.join(".");
  if (isOld(answer.version)) {
    throw new WorkerError(
      "python_too_old",
      `"${path}" is Python ${version}, older than ${oldestPython.join(".")}; ${anew(answer, context)}`,
    );
  }
  const fault = findPackageFault(answer);
  // One of another patch version would do, and is brought up to date where that is allowed.
  const isOther = answer.own?.version !== ownPackage.version && answer.inVirtualEnv;
  if (fault === undefined && !isOther) return path;
  checkMayTouch(path, answer, options, context);

  if (fault?.own === true || isOther) {
    const folder = pythonFolder();
    const wheel = readWheel(folder);
    const { sitePackages, prefix } = answer;
    const removed = placePackage(wheel, { sitePackages, prefix }, folder);
    const instead = removed.length === 0 ? "" : ` instead of ${removed.join(", ")}`;
    context.tell(`installed ${ownPackage.distribution} ${wheel.version}${instead} into "${sitePackages}"`);
  }
  if (fault !== undefined && fault.requirements.length > 0) {
    const breakSystemPackages = options.breakSystemPackages === true;
    const environment = { python: path, version, hasPip: answer.hasPip, breakSystemPackages };
    await installRequirements(fault.requirements, environment, context);
  }
  return path;
}

/** An environment of somebody is not the machine: everything else is touched only by whoever says so. */
function checkMayTouch(path: string, answer: ProbeAnswer, options: SetUpOptions, context: InstallerContext): void {
  const beside = `to make an environment from it, ${runSetup(["--venv", ".venv", "--python", path], context.cwd)}`;
  if (!answer.inVirtualEnv && options.system !== true) {
    const rule = `in a virtual environment, which the set-up keeps to unless --system is given; ${beside}`;
    throw invalidArgument("--python", path, rule);
  }
  if (answer.externallyManaged && options.breakSystemPackages !== true) {
    const rule = `free to be installed into, but EXTERNALLY-MANAGED (PEP 668) forbids it unless --break-system-packages is given; ${beside}`;
    throw invalidArgument("--python", path, rule);
  }
}

/** The way out of an environment whose Python is too old. */
function anew({ prefix, inVirtualEnv }: ProbeAnswer, { cwd }: InstallerContext): string {
  return runSetup(inVirtualEnv ? ["--venv", prefix, "--clear"] : ["--venv", ".venv"], cwd);
}

function look(candidate: Candidate, { cwd, env }: InstallerContext): Promise<Examined> {
  return examine(candidate, { cwd, env: workerEnvironment({}, env) }, probeInterpreter);
}

function lockFolderOf({ inVirtualEnv, prefix, sitePackages }: ProbeAnswer): string {
  return inVirtualEnv ? prefix : sitePackages;
}

/** One set-up of an environment at a time; another one waits. */
async function underLock<T>(folder: string, context: InstallerContext, work: () => Promise<T>): Promise<T> {
  let lock: SetupLock | undefined;
  for (let told = false; lock === undefined; ) {
    const answer = tryLock(join(folder, "synapse-setup.lock"));
    if ("release" in answer) {
      lock = answer;
      continue;
    }
    if (!told) context.tell(`another set-up is running (process ${answer.heldBy}); waiting for it`);
    told = true;
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    lock.release();
    // Taking the lock has made the folder; a set-up that made nothing of it leaves none.
    if (isDirectory(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

function one(candidates: readonly Candidate[]): Candidate {
  const [candidate] = candidates;
  if (candidate === undefined) throw new TypeError("a named interpreter is a candidate");
  return candidate;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

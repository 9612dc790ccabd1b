/** The one file on this side of the process border that knows the names of environment variables. */

import { isRecord } from "../describe-value.ts";
import { CallerError, invalidArgument, unquotedArgument } from "../errors.ts";

/** What the host's environment says about Python. Empty texts count as unset. */
export interface PythonEnvironment {
  /** PYTHON_EXEC: the interpreter to use, a path or a name on PATH. */
  interpreter: string | undefined;
  /** VIRTUAL_ENV: the directory of the activated virtual environment. */
  virtualEnv: string | undefined;
  /** CONDA_PREFIX: the directory of the activated conda environment. */
  condaPrefix: string | undefined;
  /** PATH: the directories in which a bare name is looked up. */
  searchPath: string;
  /** PYTHONPATH: where modules are looked up before the interpreter's own directories. */
  modulePath: string | undefined;
}

/** Reads what concerns Python from an environment. */
export function readPythonEnvironment(env: NodeJS.ProcessEnv): PythonEnvironment {
  return {
    interpreter: env.PYTHON_EXEC || undefined,
    virtualEnv: env.VIRTUAL_ENV || undefined,
    condaPrefix: env.CONDA_PREFIX || undefined,
    searchPath: env.PATH ?? "",
    modulePath: env.PYTHONPATH || undefined,
  };
}

/** Whether Python's tracebacks are told where nobody has said so: everywhere but in production (NODE_ENV). */
export function tellsTracebacks(env: NodeJS.ProcessEnv = process.env): boolean {
  return env.NODE_ENV !== "production";
}

/**
 * What belongs to one run of one interpreter and leads another one astray. Activating a virtual environment unsets PYTHONHOME too; the others
 * tell an interpreter in the same way where its library or itself is, and PYTHONINSPECT makes one that ends by `sys.exit(0)` end with 1.
 */
const ofAnotherInterpreter = [
  "PYTHONHOME",
  "PYTHONPLATLIBDIR",
  "PYTHONEXECUTABLE",
  "__PYVENV_LAUNCHER__",
  "PYTHONINSPECT",
] as const;

/** What would lead pip, uv or venv out of the environment that they are to work on, or keep them from what they are to do. */
const ofAnotherInstallation = [
  "PIP_DRY_RUN",
  "PIP_EDITABLE",
  "PIP_NO_DEPS",
  "PIP_PREFIX",
  "PIP_PYTHON",
  "PIP_REQUIREMENT",
  "PIP_ROOT",
  "PIP_TARGET",
  "PYTHONPATH",
  "PYTHONWARNINGS",
  "UV_PROJECT",
  "UV_PROJECT_ENVIRONMENT",
  "UV_PYTHON",
  "UV_SYSTEM_PYTHON",
  "UV_WORKING_DIRECTORY",
  "UV_WORKING_DIR",
  "VIRTUAL_ENV",
] as const;

/** The environment of pip, uv and venv. The user's index, proxy and certificates stay. */
export function installerEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  // PIP_USER goes before a "user = true" in a configuration file of pip's, which forbids to install into an environment.
  return { ...without(base, [...ofAnotherInterpreter, ...ofAnotherInstallation]), PIP_USER: "0" };
}

/**
 * The whole environment of a worker: `base` with `extra` on top. What is undefined is left out. Left out of `base` is what belongs to another
 * interpreter, PYTHONHOME above all, and SYNAPSE_WORKER and SYNAPSE_SYSTEM, which mark a process that a launcher started: a host that is itself a
 * worker's child must not pass them on.
 * @param base default: the host's own environment at this moment
 */
export function workerEnvironment(
  extra: Readonly<Record<string, string>> = {},
  base: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  return without({ ...without(base, ofAnotherInterpreter), ...extra }, ["SYNAPSE_WORKER", "SYNAPSE_SYSTEM"]);
}

/** Tells a worker what makes the dependencies of runs; an empty text goes before what the host's own environment may say. */
export function depsVariable(deps: string | undefined): Record<string, string> {
  return { SYNAPSE_AGENT_DEPS: deps ?? "" };
}

/**
 * Checks variables that somebody gives to workers: what the system cannot carry would fail at every start.
 * @param field what they are the value of, quoted in the error: "spec.env"
 * @throws CallerError "invalid_argument" naming the variable and the rule
 */
export function checkVariables(field: string, env: unknown, about = ""): void {
  if (!isRecord(env)) throw invalidArgument(field, env, `an object of strings${about}`);
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "string") throw unquotedArgument(`${field}.${name}`, value, `a string${about}`);
    const index = value.indexOf("\0");
    if (index !== -1) {
      // The value may be a secret: only where it is wrong is told.
      const rule = "without NUL characters";
      const message = `${field}.${name} has a NUL character at index ${index}; it must be ${rule}${about}`;
      throw new CallerError("invalid_argument", message, { field: `${field}.${name}`, rule });
    }
    if (!/^[^=\0]+$/.test(name)) {
      throw invalidArgument(field, name, `named by at least one character, without "=" and NUL${about}`);
    }
  }
}

function without(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !names.includes(name)) kept[name] = value;
  }
  return kept;
}

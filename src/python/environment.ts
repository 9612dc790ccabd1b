/** The one file on this side of the process border that knows the names of environment variables. */

/** What the host's environment says about Python. Empty texts count as unset. */
export interface PythonEnvironment {
  /** PYTHON_EXEC: the interpreter to use, a path or a name on PATH. */
  interpreter: string | undefined;
  /** VIRTUAL_ENV: the directory of the activated virtual environment. */
  virtualEnv: string | undefined;
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
    searchPath: env.PATH ?? "",
    modulePath: env.PYTHONPATH || undefined,
  };
}

/**
 * The environment of pip, uv and venv: `base` without what would lead them out of the environment that they are to work on. The user's
 * index, proxy and certificates stay.
 */
export function installerEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const leadingOut = [
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "PIP_REQUIREMENT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
  ];
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !leadingOut.includes(name)) kept[name] = value;
  }
  return kept;
}

/**
 * The whole environment of a worker: `base` with `extra` on top. What is undefined is left out, and so is SYNAPSE_WORKER, which marks a
 * process that a launcher started: a host that is itself a worker's child must not pass it on.
 * @param base default: the host's own environment at this moment
 */
export function workerEnvironment(
  extra: Readonly<Record<string, string>> = {},
  base: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...base, ...extra })) {
    if (value !== undefined && name !== "SYNAPSE_WORKER") merged[name] = value;
  }
  return merged;
}

/** Asks an interpreter what it is, by running it once. No package is imported, neither ours nor another's: about 50 ms. */

import { execa, type Result } from "execa";
import { describeSize } from "../worker/environment-size.ts";
import { lastWordsOf } from "./last-words.ts";
import { type DependencyModule, dependencies, namesake, ownPackage } from "./needs.ts";
import { hiddenMarker, probeMarker, probeScript } from "./probe-script.ts";

/** How long an interpreter may take to answer, in milliseconds: a first start from a network drive, or under a virus scanner, takes long. */
export const answerTimeoutMs = 30_000;

/** The version of each dependency; undefined when its module is not there, "unknown" when it has no metadata. */
export type DependencyVersions = Readonly<Record<DependencyModule, string | undefined>>;

/** A module with the name of ours, as it lies on the disk. */
export interface OwnModule {
  /** Absolute path of its `__init__.py`. */
  file: string;
  /** The contract version in its mark; undefined when it has no mark: then it is not ours. */
  contract: number | undefined;
  /** What its source says, else what its metadata says. */
  version: string | undefined;
  /** The version of the installed distribution with the name of ours; undefined when there is none. */
  distribution: string | undefined;
  /** Whether it goes before whatever is installed into this interpreter: it lies in the working directory or on PYTHONPATH. */
  hides: boolean;
}

/** What an interpreter says of itself. */
export interface ProbeAnswer {
  /** `sys.executable`; undefined when the interpreter does not know. */
  executable: string | undefined;
  version: readonly [major: number, minor: number, micro: number];
  /** Whether it belongs to a virtual environment (or one of conda), so that packages can be installed into it. */
  inVirtualEnv: boolean;
  /** `sys.prefix`: the directory of the environment. */
  prefix: string;
  /** Whether the system's package manager keeps it for itself (PEP 668). */
  externallyManaged: boolean;
  /** The directory that packages are installed into. */
  sitePackages: string;
  /** Whether `python -m pip` is there. */
  hasPip: boolean;
  /** Our own package; undefined when there is no module of its name. */
  own: OwnModule | undefined;
  /** The version of the other project's package that was once mistaken for ours; undefined when it is not there. */
  namesake: string | undefined;
  modules: DependencyVersions;
}

/** What came of a probe: the answer, or one sentence on why there is none, and what to do where another interpreter would be no better. */
export type ProbeResult = { answer: ProbeAnswer } | { failure: string; timedOut: boolean; remedy?: string };

/** Where and with which whole environment an interpreter is run, as its workers will be. */
export interface ProbePlace {
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/**
 * Runs `path -c <script>`. Never rejects. What runs longer than `timeoutMs` (default 30,000) is killed with all it has started.
 */
export async function probeInterpreter(
  path: string,
  { cwd, env }: ProbePlace,
  timeoutMs = answerTimeoutMs,
): Promise<ProbeResult> {
  const result = await execa(path, ["-c", probeScript({ own: ownPackage, namesake, dependencies })], {
    cwd,
    env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    killDescendants: true,
  });
  if (result.timedOut) return { failure: `it did not answer within ${timeoutMs} ms`, timedOut: true };
  if (result.code === "E2BIG") {
    const remedy = "make that one smaller, or hand it over in a file";
    return { failure: `${result.originalMessage}; ${describeSize(env)}`, timedOut: false, remedy };
  }
  const line = result.stdout.split("\n").findLast((text) => text.startsWith(probeMarker));
  const answer = line === undefined ? undefined : readAnswer(line.slice(probeMarker.length));
  if (answer !== undefined) return { answer };
  const lastWords = lastWordsOf(result.stderr.split("\n")) ?? describeEnd(result);
  const failure = `it did not answer as a Python interpreter does: ${lastWords}${describeHome(env)}`;
  const hidden = result.stdout
    .split("\n")
    .find((text) => text.startsWith(hiddenMarker))
    ?.slice(hiddenMarker.length);
  if (hidden === undefined) return { failure, timedOut: false };
  const remedy = `rename or remove "${hidden}", or leave its folder out of PYTHONPATH`;
  return {
    failure: `${failure}; "${hidden}" is found before Python's own module of that name`,
    timedOut: false,
    remedy,
  };
}

/** What the host's environment says is not handed on: whoever gives it to the workers is told. */
function describeHome(env: Readonly<Record<string, string>>): string {
  return env.PYTHONHOME === undefined ? "" : `; PYTHONHOME is "${env.PYTHONHOME}": leave it out of python.env`;
}

function describeEnd({ signal, exitCode, originalMessage }: Pick<Result, "signal" | "exitCode" | "originalMessage">) {
  if (signal !== undefined) return `${signal} ended it`;
  if (exitCode === undefined) return originalMessage ?? "it could not be started";
  return exitCode === 0 ? "it printed something else" : `it exited with code ${exitCode}`;
}

function readAnswer(text: string): ProbeAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not written by our script.
  }
  if (!isObject(value)) return undefined;
  const { executable, version, modules, own } = value;
  if (!Array.isArray(version) || !isObject(modules)) return undefined;
  const [major, minor, micro] = version.map(Number);
  return {
    executable: textOf(executable) || undefined,
    version: [major ?? 0, minor ?? 0, micro ?? 0],
    inVirtualEnv: value.inVirtualEnv === true,
    prefix: textOf(value.prefix) ?? "",
    externallyManaged: value.externallyManaged === true,
    sitePackages: textOf(value.sitePackages) ?? "",
    hasPip: value.hasPip === true,
    own: isObject(own) ? readOwn(own) : undefined,
    namesake: textOf(value.namesake),
    modules: Object.fromEntries(
      dependencies.map(({ module }) => [module, textOf(modules[module])]),
    ) as DependencyVersions,
  };
}

function readOwn(own: Record<string, unknown>): OwnModule {
  return {
    file: textOf(own.file) ?? "",
    contract: typeof own.contract === "number" ? own.contract : undefined,
    version: textOf(own.version),
    distribution: textOf(own.distribution),
    hides: own.hides === true,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

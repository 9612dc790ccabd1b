/** Asks an interpreter what it is, by running it once. Nothing heavy is imported: about 50 ms. */

import { execa, type Result } from "execa";

/** How long an interpreter may take to answer, in ms. */
const defaultTimeoutMs = 10_000;

/** The modules a worker cannot do without, and the names under which pip knows them. */
const requirements = {
  synapse_otp: ["synapse-otp"],
  pydantic_ai: ["pydantic-ai-slim", "pydantic-ai"],
  grpc: ["grpcio"],
} as const;

/** A module that a worker cannot do without. */
export type RequiredModule = keyof typeof requirements;

/** The version of each required module; undefined when it is not there, "unknown" when it has no metadata. */
export type ModuleVersions = Readonly<Record<RequiredModule, string | undefined>>;

/** What an interpreter says of itself. */
export interface ProbeAnswer {
  /** `sys.executable`; undefined when the interpreter does not know. */
  executable: string | undefined;
  version: readonly [major: number, minor: number, micro: number];
  /** Whether it belongs to a virtual environment, so that packages can be installed into it. */
  inVirtualEnv: boolean;
  modules: ModuleVersions;
}

/** What came of a probe: the answer, or one sentence on why there is none. */
export type ProbeResult = { answer: ProbeAnswer } | { failure: string };

/** Where and with which whole environment an interpreter is run, as its workers will be. */
export interface ProbePlace {
  cwd: string;
  env: Readonly<Record<string, string>>;
}

const marker = "synapse-probe:";

// Runs on every Python since 2.6, so that an old one can say how old it is. A namespace package (origin None) is an empty folder by that name.
const script = `
import json, sys
modules = {}
if sys.version_info >= (3, 11):
    import importlib.metadata, importlib.util
    for name, distributions in json.loads(${JSON.stringify(JSON.stringify(requirements))}).items():
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        modules[name] = "unknown"
        for distribution in distributions:
            try:
                modules[name] = importlib.metadata.version(distribution)
                break
            except importlib.metadata.PackageNotFoundError:
                pass
answer = {
    "executable": sys.executable,
    "version": list(sys.version_info[:3]),
    "inVirtualEnv": sys.prefix != getattr(sys, "base_prefix", sys.prefix),
    "modules": modules,
}
sys.stdout.write("\\n${marker}" + json.dumps(answer) + "\\n")
`;

/**
 * Runs `path -c <script>`. Never rejects. What runs longer than
 * `timeoutMs` (default 10 s) is killed with all it has started.
 */
export async function probeInterpreter(
  path: string,
  { cwd, env }: ProbePlace,
  timeoutMs = defaultTimeoutMs,
): Promise<ProbeResult> {
  const result = await execa(path, ["-c", script], {
    cwd,
    env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    killDescendants: true,
  });
  if (result.timedOut) return { failure: `it did not answer within ${timeoutMs} ms` };
  const line = result.stdout.split("\n").findLast((text) => text.startsWith(marker));
  const answer = line === undefined ? undefined : readAnswer(line.slice(marker.length));
  if (answer !== undefined) return { answer };
  const lastWords = result.stderr.trim().split("\n").at(-1);
  return { failure: `it did not answer as a Python interpreter does: ${lastWords || describeEnd(result)}` };
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
  if (typeof value !== "object" || value === null) return undefined;
  const { executable, version, inVirtualEnv, modules } = value as Record<string, unknown>;
  if (!Array.isArray(version) || typeof modules !== "object" || modules === null) return undefined;
  const [major, minor, micro] = version.map(Number);
  const versionOf = (name: RequiredModule) => {
    const found = (modules as Record<string, unknown>)[name];
    return typeof found === "string" ? found : undefined;
  };
  return {
    executable: typeof executable === "string" && executable !== "" ? executable : undefined,
    version: [major ?? 0, minor ?? 0, micro ?? 0],
    inVirtualEnv: inVirtualEnv === true,
    modules: {
      synapse_otp: versionOf("synapse_otp"),
      pydantic_ai: versionOf("pydantic_ai"),
      grpc: versionOf("grpc"),
    },
  };
}

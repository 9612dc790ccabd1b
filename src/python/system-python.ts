/** Finds a Python on this machine from which a virtual environment can be made. The machine's Python itself is never changed. */

import { execa } from "execa";
import { WorkerError } from "../errors.ts";
import { installerEnvironment } from "./environment.ts";
import { oldestPython } from "./needs.ts";
import { answerTimeoutMs } from "./probe.ts";
import { isOld } from "./verdict.ts";

/** Programs that are tried, in this order: the one that the user's PATH prefers, then by version. */
export const pythonNames = ["python3", "python3.13", "python3.12", "python3.14", "python3.11", "python"] as const;

/** What an interpreter said of itself. */
export interface PythonAnswer {
  readonly name: string;
  readonly version: readonly [major: number, minor: number, micro: number];
  /** Modules without which no virtual environment can be made, and which it lacks. */
  readonly lacks: readonly string[];
  /** `sys.base_prefix`: "/usr" is the one of the system's package manager. */
  readonly basePrefix?: string | undefined;
}

/** What came of asking for an interpreter: its answer, or why there is none. */
export type PythonProbe = PythonAnswer | { readonly name: string; readonly failure: string };

const script = `
import json, sys
lacks = []
for name in ("venv", "ensurepip"):
    try:
        __import__(name)
    except ImportError:
        lacks.append(name)
print("synapse:" + json.dumps([list(sys.version_info[:3]), lacks, getattr(sys, "base_prefix", sys.prefix)]))
`;

/**
 * Asks a program whether it is a Python. Never rejects.
 * @param env default: the host's own; PATH is searched for a bare name
 */
export async function probePython(name: string, env: NodeJS.ProcessEnv = process.env): Promise<PythonProbe> {
  const { exitCode, all, originalMessage, timedOut } = await execa(name, ["-c", script], {
    env: installerEnvironment(env),
    extendEnv: false,
    stdin: "ignore",
    all: true,
    reject: false,
    timeout: answerTimeoutMs,
    killSignal: "SIGKILL",
  });
  const line = all?.split("\n").find((text) => text.startsWith("synapse:"));
  if (exitCode !== 0 || line === undefined) {
    if (timedOut) return { name, failure: `it did not answer within ${answerTimeoutMs} ms` };
    return { name, failure: all?.trim().split("\n")[0] || originalMessage || "it did not answer" };
  }
  type Line = [version: [number, number, number], lacks: string[], basePrefix?: string];
  const [version, lacks, basePrefix] = JSON.parse(line.slice("synapse:".length)) as Line;
  return { name, version, lacks, basePrefix };
}

/** Whether an answer is of a Python that is new enough and complete. */
export function isUsable(probe: PythonProbe): probe is PythonAnswer {
  return "version" in probe && !isOld(probe.version) && probe.lacks.length === 0;
}

/**
 * Asks `names` one after the other and takes the first that is usable.
 * @returns rejects with WorkerError "python_missing" that says what was found instead and how to mend it
 */
export async function findSystemPython(
  names: readonly string[],
  howToName: string,
  probe: (name: string) => Promise<PythonProbe> = probePython,
): Promise<PythonAnswer> {
  const probes: PythonProbe[] = [];
  for (const name of names) {
    const answer = await probe(name);
    if (isUsable(answer)) return answer;
    probes.push(answer);
  }
  throw new WorkerError("python_missing", describeSearch(probes, howToName));
}

/** The sentence for a search that found nothing: the nearest miss, its remedy, and everything that was tried. */
export function describeSearch(probes: readonly PythonProbe[], howToName: string): string {
  const oldest = oldestPython.join(".");
  const tried = `Tried: ${probes.map(describeProbe).join("; ")}.`;
  const incomplete = probes.find((probe) => "version" in probe && !isOld(probe.version));
  if (incomplete !== undefined && "lacks" in incomplete) {
    const [major, minor] = incomplete.version;
    return (
      `${incomplete.name} is Python ${incomplete.version.join(".")} but lacks ${incomplete.lacks.join(" and ")}, ` +
      `which a virtual environment is made with. ${bringVenv(major, minor, incomplete.basePrefix)}. ${tried}`
    );
  }
  const remedy = `Install Python ${oldest} or newer with its venv module, or name one: ${howToName}.`;
  return `No Python ${oldest} or newer was found. ${remedy} ${tried}`;
}

/** What brings the modules that virtual environments are made with: Debian packs its own Python's apart, to others uv needs none. */
function bringVenv(major: number | string, minor: number | string, basePrefix: string | undefined): string {
  if (basePrefix !== undefined && basePrefix !== "/usr") return "Install uv, which makes one without them";
  return `On Debian and Ubuntu: apt-get install python${major}.${minor}-venv`;
}

function describeProbe(probe: PythonProbe): string {
  if (!("version" in probe)) return `${probe.name} (${probe.failure})`;
  const lacks = probe.lacks.length === 0 ? "" : `, without ${probe.lacks.join(" and ")}`;
  return `${probe.name} (${probe.version.join(".")}${lacks})`;
}

/** Judges what an interpreter said of itself: whether it can run workers, or what is wrong with it. */

import {
  belongs,
  compareReleases,
  dependencies,
  isTooOld,
  namesake,
  oldestPython,
  ownPackage,
  requirementOf,
} from "./needs.ts";
import type { OwnModule, ProbeAnswer } from "./probe.ts";

/** What is wrong with the packages of an interpreter. */
export interface PackageFault {
  /** "python_package_missing": ours, or what it needs, is not there. "python_package_mismatch": it is there in another version. */
  code: "python_package_missing" | "python_package_mismatch";
  /** What it has and lacks, each to be read after "the interpreter": "lacks the Python module grpc". At least one. */
  facts: readonly string[];
  /** Absolute path of a module with the name of ours that an installation would not replace; undefined when there is none. */
  inTheWay: string | undefined;
  /** Whether our own package must be installed. */
  own: boolean;
  /** What pip is to be told of dependencies that are missing or too old: "grpcio>=1.85.1,<2". */
  requirements: readonly string[];
}

/** Whether an interpreter is older than the workers can use. */
export function isOld([major, minor]: readonly number[]): boolean {
  const [oldestMajor, oldestMinor] = oldestPython;
  return (major ?? 0) < oldestMajor || (major === oldestMajor && (minor ?? 0) < oldestMinor);
}

/** The fault of the packages of an interpreter; undefined when a worker has all it needs. */
export function findPackageFault(answer: ProbeAnswer): PackageFault | undefined {
  const { own, modules } = answer;
  const ownFault = own === undefined ? undefined : judgeOwn(own);
  const missing = dependencies.filter(({ module }) => modules[module] === undefined);
  const outdated = dependencies.filter(({ module, range }) => isTooOld(modules[module] ?? "unknown", range));
  const lacks = [...(own === undefined ? [ownPackage.module] : []), ...missing.map(({ module }) => module)];
  const facts: string[] = [];
  if (ownFault !== undefined) facts.push(ownFault.fact);
  if (lacks.length > 0) facts.push(`lacks the Python ${lacks.length === 1 ? "module" : "modules"} ${lacks.join(", ")}`);
  for (const { module, distribution, range } of outdated) {
    facts.push(`has ${distribution} ${modules[module]}, while ${range} is needed`);
  }
  if (facts.length === 0) return undefined;
  if (own === undefined && answer.namesake !== undefined) {
    facts.push(`has ${namesake} ${answer.namesake}, which is another project's package and not Synapse's`);
  }
  const isMissing = own === undefined || (ownFault === undefined && missing.length > 0);
  return {
    code: ownFault?.code ?? (isMissing ? "python_package_missing" : "python_package_mismatch"),
    facts,
    inTheWay: ownFault?.inTheWay,
    own: own === undefined || ownFault !== undefined,
    requirements: [...missing, ...outdated].map(requirementOf),
  };
}

/** What is wrong with the module that has our name. Its mark says that it is ours; one without a mark can only be older than the mark. */
function judgeOwn(own: OwnModule): (Pick<PackageFault, "code" | "inTheWay"> & { fact: string }) | undefined {
  const { distribution, module, version, contract } = ownPackage;
  if (own.contract === contract && own.version !== undefined && belongs(own.version)) return undefined;
  const isMarked = own.contract !== undefined;
  // An installation replaces what lies where packages are installed and has metadata or our mark, and nothing else.
  const inTheWay = own.hides || (!isMarked && own.distribution === undefined) ? own.file : undefined;
  const isOlder = own.version !== undefined && compareReleases(own.version, version) < 0;
  if (!isMarked && !isOlder) {
    const fact = `has a Python module ${module} ("${own.file}") that is not Synapse's`;
    return { code: "python_package_missing", fact, inTheWay };
  }
  const found = `${own.version ?? "unknown"}${isMarked ? ` with contract ${own.contract}` : ""}`;
  const needed = `${version.split(".").slice(0, 2).join(".")}.x with contract ${contract}`;
  return {
    code: "python_package_mismatch",
    fact: `has version ${found} of the Python package ${distribution} ("${own.file}"), while version ${version} of the npm package needs ${needed}`,
    inTheWay,
  };
}

/**
 * What this version of the npm package needs of Python. The package's version is owned by package.json, the ranges by python/pyproject.toml
 * and the contract by the Python package itself; here they are constants, so that a bundle has them too. A test compares all of them.
 */

/** The oldest Python that the workers run on. */
export const oldestPython = [3, 11] as const;

/** Our own package in Python. It is released together with the npm package, under the same version. */
export const ownPackage = {
  distribution: "synapse-otp",
  module: "synapse_otp",
  version: "0.1.0",
  /** Version of the gRPC contract. */
  contract: 1,
} as const;

/** A package of another project that was once mistaken for ours. */
export const namesake = "synapse-agent";

/** Other projects' packages that a worker cannot do without: how each is imported, how pip knows it, and in which range of versions. */
export const dependencies = [
  { module: "pydantic_ai", distribution: "pydantic-ai-slim", range: ">=2.60,<3" },
  { module: "grpc", distribution: "grpcio", range: ">=1.85.1,<2" },
  { module: "grpc_health", distribution: "grpcio-health-checking", range: ">=1.85.1,<2" },
  { module: "google.rpc", distribution: "googleapis-common-protos", range: ">=1.70,<2" },
  { module: "google.protobuf", distribution: "protobuf", range: ">=7.35,<8" },
] as const;

/** A module of another project that a worker cannot do without. */
export type DependencyModule = (typeof dependencies)[number]["module"];

/** What pip and uv are told of a dependency: "grpcio>=1.85.1,<2". */
export function requirementOf({ distribution, range }: { distribution: string; range: string }): string {
  return `${distribution}${range}`;
}

/**
 * Whether a version is too old for a range. The upper end is a promise that was not tested rather than a fault that is known: whoever went
 * past it was told so by pip, and is not stopped here. A version that is no number ("unknown") is not too old.
 */
export function isTooOld(version: string, range: string): boolean {
  const oldest = />=([^,]*)/.exec(range)?.[1];
  return oldest !== undefined && compareReleases(version, oldest) < 0;
}

/** Whether a version of our own package belongs to this version of the npm package: same major, same minor. */
export function belongs(version: string): boolean {
  const [theirs, ours] = [releaseOf(version), releaseOf(ownPackage.version)];
  return theirs !== undefined && theirs[0] === ours?.[0] && (theirs[1] ?? 0) === (ours?.[1] ?? 0);
}

/** Below 0 when `version` comes before `other`, above when after; 0 when they are the same release, or one of them is none. */
export function compareReleases(version: string, other: string): number {
  const [left, right] = [releaseOf(version), releaseOf(other)];
  if (left === undefined || right === undefined) return 0;
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The numbers at the beginning of a version: "2.61.0rc1" has [2, 61, 0]. */
function releaseOf(version: string): number[] | undefined {
  return /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1]?.split(".").map(Number);
}

/** What the figures were measured on: without it they mean nothing. */

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { rootDirectory } from "./settings.ts";

const packages = [
  "@bufbuild/protobuf",
  "@connectrpc/connect",
  "@connectrpc/connect-node",
  "@grpc/grpc-js",
  "@grpc/proto-loader",
  "execa",
  "xstate",
];

/** The machine and the versions of a run. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly system: string;
  readonly node: string;
  /** As the worker tells them: python, pydantic-ai, … */
  readonly worker: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, string>>;
  /** Load average of the last minute before anything was measured: others' work in the figures. */
  readonly loadBefore: number;
}

/** Describes this machine. Call it before anything is measured. */
export function describeMachine(): Omit<Machine, "worker"> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.versions.node,
    packages: Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function packageVersion(name: string): string {
  const text = readFileSync(join(rootDirectory, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Node and xstate: what the host's side needs. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { nodeProblem, type RuntimeVersions } from "../node-version.ts";
import { compareReleases, ownPackage } from "../python/needs.ts";
import { searchPackage } from "../python/package-folder.ts";
import { type Finding, runs } from "./finding.ts";

/** The oldest xstate that is supported and the first that is not; package.json says the same. */
export const xstateRange = { oldest: "5.33", below: "6" } as const;

/** One copy of xstate. */
export interface XstateCopy {
  /** Absolute path of its package.json. */
  readonly path: string;
  readonly version: string;
}

/** Which xstate each side gets; undefined when it gets none. */
export interface XstateFacts {
  /** What synapse-otp itself imports. */
  readonly ours: XstateCopy | undefined;
  /** What a service in the working directory imports. */
  readonly service: XstateCopy | undefined;
}

/** Judges what runs this. */
export function judgeNode(versions: RuntimeVersions): Finding {
  const message = nodeProblem(versions);
  if (message === undefined) {
    return { check: "node", status: "ok", message: `Node ${versions.node} runs synapse-otp ${ownPackage.version}` };
  }
  return {
    check: "node",
    status: "failure",
    message,
    fix: { before: "install the current release of Node from nodejs.org" },
  };
}

/** Looks which xstate is found from the npm package and from a directory. */
export function lookAtXstate(cwd: string): XstateFacts {
  const own = searchPackage();
  return { ours: "root" in own ? copyFor(own.root) : undefined, service: copyFor(cwd) };
}

/** Judges the xstate that is found. */
export function judgeXstate({ ours, service }: XstateFacts): Finding {
  const { oldest, below } = xstateRange;
  const fix = runs(`npm install xstate@^${oldest}`);
  if (ours === undefined) {
    return { check: "xstate", status: "failure", message: "synapse-otp finds no xstate, which it runs on", fix };
  }
  if (compareReleases(ours.version, oldest) < 0 || compareReleases(ours.version, below) >= 0) {
    const message = `synapse-otp finds xstate ${ours.version} ("${ours.path}"), and needs ${oldest} or newer, before ${below}`;
    return { check: "xstate", status: "failure", message, fix };
  }
  if (service !== undefined && service.path !== ours.path) {
    const message =
      `there are two copies of xstate: this project finds ${service.version} ("${service.path}"), synapse-otp ${ours.version} ` +
      `("${ours.path}"); actors of one are strangers to the other`;
    return { check: "xstate", status: "warning", message, fix: runs("npm dedupe") };
  }
  return { check: "xstate", status: "ok", message: `xstate ${ours.version}` };
}

function copyFor(directory: string): XstateCopy | undefined {
  try {
    const path = createRequire(join(directory, "package.json")).resolve("xstate/package.json");
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
    return { path, version };
  } catch {
    return undefined; // Not installed where this directory would find it.
  }
}

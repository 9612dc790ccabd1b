/**
 * Where the npm package lies, with our Python package in it. It is found by its own name at run time: a bundler moves this file away from what lies
 * beside it, and takes `new URL("…", import.meta.url)` for a file to bundle.
 */

import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WorkerError } from "../errors.ts";
import { ownPackage } from "./needs.ts";

/** The folder, or one sentence on where it was looked for. */
export type PackageSearch = { readonly root: string } | { readonly absent: string };

/** This file, or the bundle that it has become part of. A bundle in CommonJS has no such thing. */
const ownUrl: string | undefined = import.meta.url;

/**
 * Looks the npm package up from each of these places as Node does, in every folder above, and takes it where it has this version.
 * @param places absolute paths of files; default: this file or the bundle that has it, the main program, and the working directory
 */
export function searchPackage(places: readonly string[] = ownPlaces()): PackageSearch {
  const { distribution: name, version } = ownPackage;
  const others: string[] = [];
  for (const place of places) {
    const found = lookUp(name, place);
    if (found?.version === version) return { root: found.root };
    if (found !== undefined) others.push(`"${found.root}" is version ${found.version}`);
  }
  const from = places.map((place) => `"${place}"`).join(", ");
  const instead = others.length === 0 ? "" : ` (${[...new Set(others)].join(", ")})`;
  return { absent: `the npm package ${name} ${version} was not found from ${from}${instead}` };
}

/**
 * The python/ folder of the npm package: what is put into an environment.
 * @throws WorkerError "python_package_missing" that says where it was looked for
 */
export function pythonFolder(search = searchPackage()): string {
  if ("root" in search) return join(search.root, "python");
  throw new WorkerError(
    "python_package_missing",
    `${search.absent}; run the set-up where it is installed: npm install ${ownPackage.distribution}`,
  );
}

/** The program behind `npx synapse-otp` in a package's folder. From src/ it is TypeScript, which Node runs as it is. */
export function programOf(root: string): string {
  return ownUrl?.endsWith(".ts") === true ? join(root, "src", "cli", "main.ts") : join(root, "dist", "cli", "main.js");
}

function ownPlaces(): string[] {
  const own = ownUrl?.startsWith("file:") === true ? fileURLToPath(ownUrl) : undefined;
  const places = [own, process.argv[1], join(process.cwd(), "package.json")];
  return [...new Set(places.filter((place) => place !== undefined))];
}

/**
 * The nearest package of this name: the one that the place is part of, or one that is installed in a folder above. Not by createRequire, whose
 * calls webpack takes for its own to resolve.
 */
function lookUp(name: string, place: string): { root: string; version: unknown } | undefined {
  for (let folder = dirname(place); ; folder = dirname(folder)) {
    for (const root of [folder, join(folder, "node_modules", name)]) {
      const version = versionOf(name, root);
      if (version !== undefined) return { root: realpathSync(root), version };
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** The version of the package in a folder, if it is the one with this name. */
function versionOf(name: string, root: string): unknown {
  try {
    const found = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name?: unknown; version?: unknown };
    return found.name === name ? found.version : undefined;
  } catch {
    return undefined; // There is none, or it cannot be read: not the one that is looked for.
  }
}

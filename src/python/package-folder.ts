/**
 * Where the npm package lies, with our Python package in it. It is found by its own name at run time: a bundler moves this file away from what lies
 * beside it, and takes `new URL("…", import.meta.url)` for a file to bundle.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { WorkerError } from "../errors.ts";
import { ownPackage } from "./needs.ts";

/** The folder, or one sentence on where it was looked for. */
export type PackageSearch = { readonly root: string } | { readonly absent: string };

/** This file, or the bundle that it has become part of. A bundle in CommonJS has no such thing. */
const ownUrl: string | undefined = import.meta.url;

/**
 * Looks the npm package up as Node would, from each of these places, and takes it where it has this version.
 * @param places files, as paths or file URLs; default: this file or the bundle that has it, the main program, and the working directory
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
  const [, program] = process.argv;
  const places = [
    ownUrl?.startsWith("file:") === true ? ownUrl : undefined,
    program,
    join(process.cwd(), "package.json"),
  ];
  return [...new Set(places.filter((place) => place !== undefined))];
}

/** The package as one place finds it; its own files find it by the same name. */
function lookUp(name: string, place: string): { root: string; version: unknown } | undefined {
  try {
    const path = createRequire(place).resolve(`${name}/package.json`);
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: unknown };
    return { root: dirname(path), version };
  } catch {
    return undefined; // Not installed there; or the place is no path, as the word that `node -e` is given.
  }
}

/**
 * Puts our own package into the folder that an interpreter's packages are installed into, and takes away the one that is there: what pip does
 * with a wheel, without pip and without an index. pip and uv know the result as theirs.
 *
 * An end in the middle leaves nothing that the search would take: the mark, in `__init__.py`, is written last, and RECORD first.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { WorkerError } from "../errors.ts";
import { ownPackage } from "./needs.ts";
import { recordOf, type Wheel, type WheelFile } from "./wheel.ts";

/** Where a package is put. */
export interface PackagePlace {
  /** The folder that packages are installed into. */
  readonly sitePackages: string;
  /** The directory of the environment: nothing outside it is removed. */
  readonly prefix: string;
}

/**
 * Puts a wheel in its place.
 * @param origin the python/ folder that it was read from; pip is told, so that it looks for no package of the name in an index
 * @returns the versions that were there and are not any more; throws WorkerError "python_package_missing" when another project's module is in
 * the way or the folder may not be written to
 */
export function placePackage(wheel: Wheel, place: PackagePlace, origin: string): string[] {
  try {
    const removed = removeInstalled(place);
    clearModule(place.sitePackages);
    const { infoFolder } = wheel;
    const info: WheelFile[] = [
      { path: `${infoFolder}/INSTALLER`, content: Buffer.from("synapse-otp\n") },
      { path: `${infoFolder}/REQUESTED`, content: Buffer.alloc(0) },
      { path: `${infoFolder}/direct_url.json`, content: Buffer.from(directUrlOf(origin)) },
    ];
    const files = [...info, ...wheel.files];
    const record = { path: `${infoFolder}/RECORD`, content: Buffer.from(recordOf(files, infoFolder)) };
    const mark = `${ownPackage.module}/__init__.py`;
    const inOrder = [
      record,
      ...files.filter(({ path }) => path !== mark),
      ...files.filter(({ path }) => path === mark),
    ];
    for (const { path, content } of inOrder) {
      const target = join(place.sitePackages, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
    }
    return removed;
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    const message = `${ownPackage.distribution} cannot be installed into "${place.sitePackages}": ${words}`;
    throw new WorkerError("python_package_missing", message, { cause: error });
  }
}

/** PEP 610. */
function directUrlOf(origin: string): string {
  return JSON.stringify({ url: pathToFileURL(origin).href, dir_info: {} });
}

/** Removes every distribution with the name of ours from a folder, as its RECORD lists it. */
function removeInstalled({ sitePackages, prefix }: PackagePlace): string[] {
  if (!existsSync(sitePackages)) return [];
  const versions: string[] = [];
  for (const name of readdirSync(sitePackages)) {
    const [, distribution = "", version = ""] = /^(.+?)-([^-]+)(?:-.*)?\.(?:dist-info|egg-info)$/.exec(name) ?? [];
    if (distribution.replaceAll(/[-_.]+/g, "-").toLowerCase() !== ownPackage.distribution) continue;
    const recorded = readRecord(join(sitePackages, name, "RECORD"));
    const files = recorded?.map((path) => resolve(sitePackages, path)) ?? [];
    for (const file of files) if (file.startsWith(prefix + sep)) rmSync(file, { force: true });
    // Deepest first, so that a folder is empty when its turn comes.
    const folders = new Set(
      files.map((file) => dirname(file)).filter((folder) => folder.startsWith(sitePackages + sep)),
    );
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) removeIfEmpty(folder);
    // Without a RECORD the distribution's name is all that says what is its own.
    if (recorded === undefined) rmSync(join(sitePackages, ownPackage.module), { recursive: true, force: true });
    rmSync(join(sitePackages, name), { recursive: true, force: true });
    versions.push(version);
  }
  return versions;
}

/** The paths of a RECORD; undefined when there is none. */
function readRecord(path: string): string[] | undefined {
  if (!existsSync(path)) return undefined;
  return readFileSync(path, "utf8")
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) => (line.startsWith('"') ? line.slice(1, line.indexOf('"', 1)) : (line.split(",")[0] ?? "")));
}

function removeIfEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  rmSync(join(folder, "__pycache__"), { recursive: true, force: true });
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** What is left in the module's folder when no distribution has it: ours, half installed or copied by hand, goes; another's stays. */
function clearModule(sitePackages: string): void {
  const folder = join(sitePackages, ownPackage.module);
  const init = join(folder, "__init__.py");
  if (!existsSync(folder)) return;
  const isAnother = existsSync(init) && !readFileSync(init, "utf8").includes("__synapse_contract__");
  if (isAnother) {
    throw new WorkerError(
      "python_package_missing",
      `"${folder}" is not Synapse's and belongs to no package of the name ${ownPackage.distribution}: rename or remove it, then try again`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
}

/** What our Python package consists of, as a wheel has it: the files of the module, and the metadata that tells pip and uv about them. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ownPackage } from "./needs.ts";
import { type Project, readProject } from "./pyproject.ts";

/** A file of a wheel. */
export interface WheelFile {
  /** Relative to the folder that packages are installed into, with "/". */
  readonly path: string;
  readonly content: Buffer;
}

/** A wheel before it is packed or installed. */
export interface Wheel {
  readonly version: string;
  /** "synapse_otp-0.1.0-py3-none-any.whl" */
  readonly fileName: string;
  /** The folder of the metadata: "synapse_otp-0.1.0.dist-info". */
  readonly infoFolder: string;
  /** The module's files and the metadata without RECORD, in the order of their paths. The same sources give the same bytes. */
  readonly files: readonly WheelFile[];
}

/** Reads the package in a python/ folder. Throws what the file system throws. */
export function readWheel(pythonDirectory: string): Wheel {
  const project = readProject(pythonDirectory);
  const stem = `${project.name.replaceAll("-", "_")}-${project.version}`;
  const infoFolder = `${stem}.dist-info`;
  const tag = "py3-none-any";
  const info = [
    { path: `${infoFolder}/METADATA`, content: Buffer.from(metadataOf(project)) },
    {
      path: `${infoFolder}/WHEEL`,
      content: Buffer.from(`Wheel-Version: 1.0\nGenerator: synapse-otp\nRoot-Is-Purelib: true\nTag: ${tag}\n`),
    },
  ];
  const files = [...readModule(join(pythonDirectory, "src")), ...info].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { version: project.version, fileName: `${stem}-${tag}.whl`, infoFolder, files };
}

/** The text of RECORD: a line for each file with its digest and size, and one for RECORD itself. */
export function recordOf(files: readonly WheelFile[], infoFolder: string): string {
  const lines = files.map(({ path, content }) => {
    const digest = createHash("sha256").update(content).digest("base64url");
    return `${path},sha256=${digest},${content.length}`;
  });
  return `${[...lines, `${infoFolder}/RECORD,,`].join("\n")}\n`;
}

function readModule(source: string): WheelFile[] {
  return readdirSync(join(source, ownPackage.module), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(source, path).replaceAll("\\", "/"), content: readFileSync(path) }));
}

/** Core metadata, https://packaging.python.org/en/latest/specifications/core-metadata/. */
function metadataOf(project: Project): string {
  const lines = [
    "Metadata-Version: 2.4",
    `Name: ${project.name}`,
    `Version: ${project.version}`,
    `Summary: ${project.description}`,
    `License-Expression: ${project.license}`,
    ...project.classifiers.map((classifier) => `Classifier: ${classifier}`),
    `Requires-Python: ${project.requiresPython}`,
    ...project.dependencies.map((requirement) => `Requires-Dist: ${requirement}`),
    ...Object.entries(project.extras).flatMap(([extra, requirements]) => [
      `Provides-Extra: ${extra}`,
      ...requirements.map((requirement) => `Requires-Dist: ${requirement}; extra == '${extra}'`),
    ]),
    "Description-Content-Type: text/markdown",
  ];
  return `${lines.join("\n")}\n\n${project.readme}`;
}

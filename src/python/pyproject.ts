/** Reads the [project] table of our own python/pyproject.toml: the strings and lists of strings that are in it, which is all it has. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the table says. */
export interface Project {
  readonly name: string;
  /** From the source that [tool.hatch.version] names. */
  readonly version: string;
  readonly description: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly requiresPython: string;
  readonly classifiers: readonly string[];
  /** As pip writes them: "grpcio>=1.85.1,<2". */
  readonly dependencies: readonly string[];
  /** The dependencies of each extra. */
  readonly extras: Readonly<Record<string, readonly string[]>>;
  readonly readme: string;
}

type Table = Record<string, string | string[]>;

/** Reads the package in a python/ folder. Throws an Error when something that the package needs is not there. */
export function readProject(pythonDirectory: string): Project {
  const toml = readFileSync(join(pythonDirectory, "pyproject.toml"), "utf8");
  const project = readTable(toml, "project");
  const text = (table: Table, key: string): string => {
    const value = table[key];
    if (typeof value !== "string") throw new Error(`pyproject.toml has no text "${key}"`);
    return value;
  };
  const list = (value: unknown): string[] => (Array.isArray(value) ? value : []);
  const source = readFileSync(join(pythonDirectory, text(readTable(toml, "tool.hatch.version"), "path")), "utf8");
  const version = /^__version__ = "(.+)"$/m.exec(source)?.[1];
  if (version === undefined) throw new Error("the Python package has no __version__");
  const extras = readTable(toml, "project.optional-dependencies");
  return {
    name: text(project, "name"),
    version,
    description: text(project, "description"),
    license: text(project, "license"),
    requiresPython: text(project, "requires-python"),
    classifiers: list(project.classifiers),
    dependencies: list(project.dependencies),
    extras: Object.fromEntries(Object.entries(extras).map(([name, value]) => [name, list(value)])),
    readme: readFileSync(join(pythonDirectory, text(project, "readme")), "utf8"),
  };
}

/** The lines `key = "text"` and `key = ["a", "b"]`, the list over several lines too; other values are passed over. */
function readTable(toml: string, name: string): Table {
  const body =
    toml
      .replaceAll(/^\s*#.*$/gm, "")
      .split(/^\[(?!\[)/m)
      .find((part) => part.startsWith(`${name}]`)) ?? "";
  const entries = body.matchAll(/^([\w-]+) = (?:"([^"]*)"|(\[(?:\s*"[^"]*",?)*\s*\]))\s*$/gm);
  const table: Table = {};
  for (const [, key = "", text, items] of entries) {
    table[key] = text ?? [...(items ?? "").matchAll(/"([^"]*)"/g)].map(([, item = ""]) => item);
  }
  return table;
}

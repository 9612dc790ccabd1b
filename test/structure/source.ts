/** The source as the structure tests read it: files, and what their import and export lines name. */

import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** The root of the checkout. */
export const root = join(import.meta.dirname, "../..");

/** One import or re-export, of values or of types. */
export interface ImportLine {
  /** "otp/scheduler/clock.ts" for our own files, relative to src; the specifier itself for a package or a builtin. */
  target: string;
  own: boolean;
}

/** One file of src. */
export interface SourceFile {
  /** Relative to src. */
  path: string;
  /** Its folder: "agent", or "otp/task" in the core; "" for the files of src itself and "otp" for the door of the core. */
  room: string;
  text: string;
  imports: ImportLine[];
}

const statement = /^(?:import|export)\s+(?:type\s+)?(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']/gm;
/** `import("…")`, of a module or of a type. */
const inline = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** Every file of src, generated ones included. */
export function readSource(): SourceFile[] {
  return globSync("**/*.ts", { cwd: join(root, "src") }).map((found) => {
    const path = found.replaceAll("\\", "/");
    const text = readFileSync(join(root, "src", path), "utf8");
    return { path, room: roomOf(path), text, imports: importsOf(path, text) };
  });
}

/** Every Python file of the worker, as path relative to the checkout and text; generated ones not included. */
export function readPythonSource(): { path: string; text: string }[] {
  return globSync("python/src/**/*.py", { cwd: root })
    .map((found) => found.replaceAll("\\", "/"))
    .filter((path) => !path.startsWith("python/src/synapse_otp/v1/"))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** The room of a file: the folder it stands in; all that is generated is one room. */
export function roomOf(path: string): string {
  return path.startsWith("gen/") ? "gen" : dirname(path).replace(/^\.$/, "");
}

function importsOf(path: string, text: string): ImportLine[] {
  return [...text.matchAll(statement), ...text.matchAll(inline)].map(([, specifier = ""]) => {
    const own = specifier.startsWith(".");
    return { own, target: own ? normalize(join(dirname(path), specifier)) : specifier };
  });
}

/** The names that a door lists, values and types apart. */
export function exportsOf(path: string): { values: string[]; types: string[] } {
  const text = readFileSync(join(root, "src", path), "utf8");
  const values: string[] = [];
  const types: string[] = [];
  for (const [, type, list = ""] of text.matchAll(/^export\s+(type\s+)?\{([^}]*)\}/gm)) {
    for (const entry of list.split(",")) {
      const name = entry.trim();
      if (name === "") continue;
      const bare = name.replace(/^type\s+/, "").replace(/^.*\sas\s/, "");
      (type !== undefined || name !== name.replace(/^type\s+/, "") ? types : values).push(bare);
    }
  }
  return { values: values.sort(), types: types.sort() };
}

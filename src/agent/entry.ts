/** The entry of an agent, or of what makes its deps: where Python finds it, written as "path/to/file.py:attribute" or "package.module:attribute". */

import { invalidArgument } from "../errors.ts";

/** The parts of an entry. A file is relative to the folder of Python; that it names one is told as the worker tells it. */
export type Entry =
  | { readonly file: string; readonly module?: undefined; readonly attribute: string }
  | { readonly file?: undefined; readonly module: string; readonly attribute: string };

const form = /^(.+):([A-Za-z_]\w*)$/;

/** The parts of an entry; undefined where it is none. */
export function parseEntry(entry: unknown): Entry | undefined {
  if (typeof entry !== "string" || entry.includes("\0")) return undefined;
  const [, where, attribute] = form.exec(entry) ?? [];
  if (where === undefined || attribute === undefined) return undefined;
  return where.endsWith(".py") || where.includes("/") ? { file: where, attribute } : { module: where, attribute };
}

/**
 * Checks an entry that a caller gives.
 * @param whose added to the rule: ' (agent "poet")'
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function checkEntry(field: string, entry: unknown, whose = ""): Entry {
  const parts = parseEntry(entry);
  if (parts !== undefined) return parts;
  throw invalidArgument(field, entry, `"path/to/file.py:attribute" or "package.module:attribute"${whose}`);
}

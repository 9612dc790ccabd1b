/** A script that describes a system: a file whose default export is what `defineSystem` makes. */

import { statSync } from "node:fs";
import { extname } from "node:path";
import { inspect } from "node:util";
import { isSystemDefinition, type SystemDefinition } from "../define-system.ts";
import { describeValue } from "../describe-value.ts";
import { CallerError } from "../errors.ts";
import { isThenable } from "../otp/scheduler/thenable.ts";
import type { ScriptModules } from "./modules.ts";

const typeScript = new Set([".ts", ".mts", ".cts"]);

/** What Node says of TypeScript that it does not run by taking the types away. */
const needsCompiler = "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX";

/** Lines of a stack that say where Node was: of no use to whoever wrote the script. */
const ofNode = /\n {4}at .*\bnode:internal\/.*/g;

/**
 * Loads a script and checks that it describes a system.
 * @param file absolute path
 * @returns rejects with CallerError "not_found" when there is no such file, "invalid_argument" when it cannot be loaded or describes no system; the message is for
 * whoever wrote it
 */
export async function loadScript(file: string, modules: ScriptModules): Promise<SystemDefinition> {
  const { default: definition } = await loadModule(file, modules);
  if (isSystemDefinition(definition)) return definition;
  const given = definition === undefined ? "has no default export" : `exports ${whatIs(definition)} as default`;
  throw new CallerError(
    "invalid_argument",
    `"${file}" ${given}; it must be a system: export default defineSystem({ … })`,
    { field: "default", value: definition, rule: "made by defineSystem" },
  );
}

/** A promise has no fields that could be quoted, and is the likeliest mistake: startSystem answers one, and a definition needs no await. */
function whatIs(definition: unknown): string {
  return isThenable(definition) ? "a promise" : describeValue(definition);
}

/**
 * Loads a module and answers what it exports.
 * @returns rejects as `loadScript` does
 */
export async function loadModule(file: string, modules: ScriptModules): Promise<Record<string, unknown>> {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new CallerError("not_found", `there is no file "${file}"`, { field: "file", value: file });
  }
  if (typeScript.has(extname(file)) && process.features.typescript === false) {
    const message = `"${file}" is TypeScript, and this Node (${process.version}) has been told not to run it: leave out --no-strip-types (perhaps in NODE_OPTIONS), or compile the file to JavaScript`;
    throw new CallerError("invalid_argument", message, { field: "file", value: file });
  }
  try {
    return await modules.load();
  } catch (cause) {
    throw new CallerError("invalid_argument", `"${file}" cannot be loaded: ${describeFailure(cause)}`, {
      field: "file",
      value: file,
      cause,
    });
  }
}

function describeFailure(cause: unknown): string {
  const text = (cause instanceof Error ? (cause.stack ?? String(cause)) : inspect(cause)).replace(ofNode, "");
  if ((cause as { code?: unknown } | undefined)?.code !== needsCompiler) return text;
  return `${text}\nNode runs TypeScript by taking the types away: write it without enums, namespaces and parameter properties, or compile it to JavaScript`;
}

/** The file on disk that a contract is written to. */

import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { checkEntry } from "../agent/entry.ts";
import { CallerError } from "../errors.ts";
import { fileMark } from "./contract-file.ts";

/** What came of a write. */
export type Written = "written" | "up_to_date";

/** Where the file of an entry stands by default: beside the Python file, or in `cwd` for a module; under the attribute's name, unless that is "agent". */
export function defaultFile(entry: string, cwd: string): string {
  const { file, module, attribute } = checkEntry("entry", entry);
  const stem = file === undefined ? module.slice(module.lastIndexOf(".") + 1) : basename(file, ".py");
  return join(
    file === undefined ? cwd : resolve(cwd, dirname(file)),
    attribute === "agent" ? `${stem}.ts` : `${stem}.${attribute}.ts`,
  );
}

/**
 * Whether the file is this text.
 * @throws CallerError "invalid_argument" when it cannot be read
 */
export function isUpToDate(file: string, text: string): boolean {
  return read(file) === text;
}

/**
 * Writes the text to the file, unless it is this text already.
 * @throws CallerError "invalid_argument" when it cannot be written, "already_present" when there is a file that is none of this command's
 */
export function writeTypes(file: string, text: string): Written {
  const before = read(file);
  if (before === text) return "up_to_date";
  if (before !== undefined && before.trim() !== "" && !before.startsWith(fileMark)) {
    const message = `"${file}" was not written by synapse-otp typegen, and is left as it is; name another file by --out`;
    throw new CallerError("already_present", message, { field: "file", value: file });
  }
  attempt(file, "written", () => writeFileSync(file, text));
  return "written";
}

function read(file: string): string | undefined {
  return attempt(file, "read", () => {
    try {
      // A checkout may have other line breaks.
      return readFileSync(file, "utf8").replaceAll("\r\n", "\n");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  });
}

function attempt<T>(file: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = `"${file}" cannot be ${what}: ${(cause as Error).message}`;
    throw new CallerError("invalid_argument", message, { field: "file", value: file, cause });
  }
}

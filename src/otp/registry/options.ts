/** What a registry is told when it starts. */

import { invalidArgument } from "../../errors.ts";
import type { Target } from "../process/target.ts";
import type { TableOptions } from "./table-process.ts";

/** Options of a registry. */
export interface RegistryOptions extends TableOptions {
  /** Whether a key has one holder, or any number of registrations. */
  readonly keys: "unique" | "duplicate";
  /** Told of every registration and of its end; a name that nobody has at the time is a dead letter. Default: nobody. */
  readonly listeners?: readonly Target[];
}

/** The options, checked. @throws CallerError "invalid_argument" */
export function checkedOptions(options: RegistryOptions): RegistryOptions {
  if (typeof options !== "object" || options === null)
    throw invalidArgument("options", options, "a registry's options");
  const { keys, listeners = [] } = options;
  if (keys !== "unique" && keys !== "duplicate") {
    throw invalidArgument("options.keys", keys, '"unique" or "duplicate"');
  }
  if (!Array.isArray(listeners)) throw invalidArgument("options.listeners", listeners, "a list of refs or names");
  return options;
}

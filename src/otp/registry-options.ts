/** What a registry is told when it starts, and what it tells its listeners. */

import { invalidArgument } from "../errors.ts";
import type { Process } from "./process.ts";
import type { Registry } from "./registry.ts";
import type { TableOptions } from "./table-process.ts";
import type { Target } from "./target.ts";

/** Options of a registry. */
export interface RegistryOptions extends TableOptions {
  /** Whether a key has one holder, or any number of registrations. */
  readonly keys: "unique" | "duplicate";
  /** Told of every registration and of its end; a name that nobody has at the time is a dead letter. Default: nobody. */
  readonly listeners?: readonly Target[];
}

/** What a listener receives, as an ordinary message. A registration that ends with its process is told too. */
export type RegistryMessage<Key = unknown, Value = unknown> =
  | {
      readonly type: "registry.register";
      readonly registry: Registry<Key, Value>;
      readonly key: Key;
      readonly process: Process;
      readonly value: Value;
    }
  | {
      readonly type: "registry.unregister";
      readonly registry: Registry<Key, Value>;
      readonly key: Key;
      readonly process: Process;
    };

/** @throws CallerError "invalid_argument" */
export function checkRegistryOptions(options: RegistryOptions): void {
  if (typeof options !== "object" || options === null)
    throw invalidArgument("options", options, "a registry's options");
  const { keys, listeners = [] } = options;
  if (keys !== "unique" && keys !== "duplicate") {
    throw invalidArgument("options.keys", keys, '"unique" or "duplicate"');
  }
  if (!Array.isArray(listeners)) throw invalidArgument("options.listeners", listeners, "a list of refs or names");
}

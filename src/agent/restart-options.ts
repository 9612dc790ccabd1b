/** How a worker is replaced by the next one, and its checks. */

import { checkKnownFields, invalidArgument } from "../errors.ts";

/** How an agent's worker is replaced. */
export interface RestartOptions {
  /** Said in the reports; default "asked by the caller". */
  reason?: string | undefined;
  /**
   * Without a gap: the next worker is ready before the current one is let go, and takes what waits and what comes; runs in flight finish where they are, within
   * `shutdownMs`. A next worker that does not get ready leaves the current one serving. Default false: the current one ends first.
   */
  graceful?: boolean | undefined;
}

const restartFields: ReadonlySet<string> = new Set(["reason", "graceful"] satisfies (keyof RestartOptions)[]);

/**
 * The options, of which a text is the reason.
 * @throws CallerError "invalid_argument"
 */
export function checkRestart(options: string | RestartOptions): RestartOptions {
  if (typeof options === "string") return { reason: options };
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("reason", options, "a string, or options of the restart");
  }
  checkKnownFields("options", options, restartFields);
  const { reason, graceful } = options;
  if (reason !== undefined && typeof reason !== "string") throw invalidArgument("options.reason", reason, "a string");
  if (graceful !== undefined && typeof graceful !== "boolean") {
    throw invalidArgument("options.graceful", graceful, "a boolean");
  }
  return options;
}

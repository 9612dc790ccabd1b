/** How the start of a fake worker goes. */

import type { WorkerLoadFailure } from "../crash.ts";
import type { FakeDeath } from "./fake-death.ts";

/**
 * How a fake worker starts.
 * - "ready": it serves
 * - "never": it stays silent, until `startTimeoutMs` or a kill
 * - an exit code or a signal: it ends before it is ready
 * - `loadFailure`: it tells why its agent cannot be loaded, and ends with code 1
 * - `spawnFailed`: the operating system could not start it; the text says why, `errno` in its own word
 */
export type FakeStart =
  | "ready"
  | "never"
  | FakeDeath
  | { readonly loadFailure: Partial<WorkerLoadFailure> & Pick<WorkerLoadFailure, "kind" | "message"> }
  | { readonly spawnFailed: string; readonly errno?: string };

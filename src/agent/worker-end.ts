/** What the host adds to the exit of a worker. */

import type { HungLoop } from "./loop-monitor.ts";

/** What the host knows of the end of a worker. */
export interface WorkerEnd {
  /** Its end had been asked for. */
  readonly asked: boolean;
  /** It was killed because it could not be reached. */
  readonly connectionLost: boolean;
  /** Why it could not be reached from the first, although it said that it is ready. */
  readonly neverReached?: string;
  /** It was ended because its agent is not what its definition expects. */
  readonly contractFaults?: readonly string[];
  /** It was killed because it hung. */
  readonly hung: HungLoop | undefined;
  /** How long it had had to end, in milliseconds; undefined when nothing had been granted. */
  readonly graceMs: number | undefined;
}

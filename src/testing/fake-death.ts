/** How a fake process ends by itself, and what its exit says of that. */

import type { WorkerExitCause } from "../crash.ts";
import { exitCause, type Verdict } from "../worker/exit-cause.ts";
import { withOutOfMemory } from "../worker/out-of-memory.ts";

/** How a fake process ends by itself. Default: SIGKILL from outside. */
export type FakeDeath =
  | { readonly exitCode: number }
  /** `outOfMemory`: the kernel has sent it because memory was short, and there is evidence of that. */
  | { readonly signal: NodeJS.Signals; readonly outOfMemory?: true };

/** The facts of an end, as the host sees them that had decided so. */
export function fakeEnd(
  verdict: Verdict | undefined,
  death: FakeDeath,
): { exitCode: number | undefined; signal: NodeJS.Signals | undefined; cause: WorkerExitCause } {
  const exitCode = "exitCode" in death ? death.exitCode : undefined;
  const signal = "signal" in death ? death.signal : undefined;
  const oomKilled = "outOfMemory" in death;
  const ended = { code: exitCode ?? null, signal: signal ?? null, stderrTail: [], oomKilled };
  return { exitCode, signal, cause: withOutOfMemory(exitCause(verdict, ended.signal), ended) };
}

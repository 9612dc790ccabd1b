/** All checks in their order: looks at this machine, and judges what it sees. */

import { lookAtProcessOne } from "../process-one.ts";
import { workerEnvironment } from "../python/environment.ts";
import type { Finding } from "./finding.ts";
import { judgeKernel, lookAtKernel } from "./kernel.ts";
import { judgeLimits, lookAtLimits } from "./limits.ts";
import { judgeNode, judgeXstate, lookAtXstate } from "./node.ts";
import { judgeProxies } from "./proxies.ts";
import { judgePython, lookAtPython } from "./python.ts";
import { judgeReaper } from "./reaper.ts";
import { judgeSockets, lookAtSockets } from "./sockets.ts";

/** What {@link diagnose} is told. */
export interface DiagnoseOptions {
  /** Absolute path of the directory that a service would run in. */
  readonly cwd: string;
  /** A service's environment. */
  readonly env: NodeJS.ProcessEnv;
  /** As `python.interpreter` of a system. */
  readonly interpreter?: string;
  /** Whether a worker is started. */
  readonly start: boolean;
}

/** Hands out each finding as soon as it is there. Leaves nothing behind. */
export async function* diagnose({ cwd, env, interpreter: named, start }: DiagnoseOptions): AsyncGenerator<Finding> {
  yield judgeNode(process.versions);
  const xstate = judgeXstate(lookAtXstate(cwd));
  yield xstate;
  const workerEnv = workerEnvironment({}, env);
  const survey = await lookAtPython({ cwd, env: workerEnv, ...(named === undefined ? {} : { interpreter: named }) });
  const interpreter = survey.interpreter?.path;
  yield* judgePython(survey, cwd);
  yield judgeSockets(lookAtSockets());
  yield* judgeLimits(await lookAtLimits());
  yield* judgeKernel(await lookAtKernel(interpreter, { cwd, env: workerEnv }));
  yield judgeReaper(lookAtProcessOne());
  yield judgeProxies(workerEnv);
  const skipped = (message: string): Finding => ({ check: "start", status: "skipped", message });
  if (!start) yield skipped("no worker is started, as --no-start says");
  else if (interpreter === undefined) yield skipped("no worker can be started without an interpreter");
  else if (xstate.status === "failure") yield skipped("no worker can be started without xstate");
  else {
    // Only now: a system cannot be loaded where xstate is missing, and that is to be told.
    const { judgeStart, startOnce } = await import("./start.ts");
    yield judgeStart(await startOnce({ interpreter, cwd, env: workerEnv }));
  }
}

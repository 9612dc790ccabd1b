/** One real worker without a system, its socket kept: for clients that are not ours, and for wrong tokens. */

import { onTestFinished } from "vitest";
import { workerEnvironment } from "../../src/python/environment.ts";
import { findInterpreter } from "../../src/python/interpreter.ts";
import type { Worker, WorkerReady } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";

/** Starts a worker over a fixture agent; the test ends it with `worker.kill()` or by finishing. */
export async function serve(
  entry = "test/fixtures/agents/controllable.py:agent",
): Promise<{ worker: Worker; ready: WorkerReady }> {
  const { path: interpreter } = await findInterpreter({ cwd: process.cwd() });
  const worker = createSpawnLauncher().launch({
    agentId: "served",
    incarnation: 1,
    interpreter,
    entry,
    cwd: process.cwd(),
    env: workerEnvironment(),
    startTimeoutMs: 30_000,
    maxMessageBytes: 64 * 1024 * 1024,
    onLog: () => undefined,
  });
  onTestFinished(() => worker.kill());
  const outcome = await worker.started;
  if ("exit" in outcome) throw new Error(`the worker did not start: ${JSON.stringify(outcome.exit)}`);
  return { worker, ready: outcome.ready };
}

import { expect, test } from "vitest";
import type { WorkerError } from "../../src/errors.ts";
import { controllable, rejection, watch } from "./support.ts";

test("a run that kills every worker is set aside after two, and the agent serves on", async () => {
  const options = { idempotent: true, retry: { onWorkerExit: "if_idempotent" } } as const;
  const { system, report } = await watch([controllable()], { maxRestarts: 1, periodMs: 600_000 });
  const agent = system.agent("ctl");
  const error = (await rejection(agent.run("exit:3", options))) as WorkerError;
  expect(error).toMatchObject({ code: "run_poisoned", crashes: [{ exitCode: 3 }, { exitCode: 3 }] });
  expect((await report("run.set_aside")).runId).toBe(error.runId);
  expect((await agent.run("echo:on", options)).incarnation).toBe(3);
}, 40_000);

import { workerEnvironment } from "../../src/python/environment.ts";
import { findInterpreter } from "../../src/python/interpreter.ts";
import type { Worker, WorkerLogRecord } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { describeServiceContract } from "../testing/agent-service-contract.ts";
import { readyOf } from "../worker/fixture-worker.ts";

let worker: Worker;
let logs: WorkerLogRecord[] = [];
let waiting: (() => void)[] = [];

describeServiceContract("Python", {
  async start() {
    logs = [];
    const { path: interpreter } = await findInterpreter({ cwd: process.cwd() });
    worker = createSpawnLauncher().launch({
      agentId: "served",
      incarnation: 1,
      interpreter,
      entry: "test/fixtures/agents/controllable.py:agent",
      cwd: process.cwd(),
      env: workerEnvironment(),
      startTimeoutMs: 30_000,
      maxMessageBytes: 64 * 1024 * 1024,
      onLog(record) {
        logs.push(record);
        for (const look of waiting) look();
      },
    });
    return readyOf(worker);
  },
  async end() {
    waiting = [];
    await worker.stop(5_000);
  },
  cancelled: (prompt) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (logs.some(({ message }) => message === `handler cancelled: ${prompt}`)) resolve();
      };
      waiting.push(look);
      look();
    }),
});

import { expect, test } from "vitest";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { startPoet, until } from "./fleet.ts";

test("a run that a stopping worker refuses waits again, at the front, and runs once", async () => {
  const reply = Promise.withResolvers<string>();
  const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "slow" ? reply.promise : prompt) };
  const fleet = await startPoet({ maxConcurrency: 2 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const worker = fleet.launcher.worker("poet");
  const held = agent.run("slow");
  await until("the run", () => worker.runs.length === 1);
  // It ends by itself, as one that was sent SIGTERM from outside does: the host does not know yet.
  const ended = worker.stop(5_000);
  const refused = agent.run("refused");
  await until("the refusal", () => worker.runs.length === 2 && fleet.process().client === undefined);
  const behind = agent.run("behind");
  reply.resolve("finished");
  expect((await held).output).toBe("finished");
  await ended;
  const results = await Promise.all([refused, behind]);
  expect(results.map(({ output, incarnation, attempts }) => [output, incarnation, attempts])).toEqual([
    ["refused", 2, 1],
    ["behind", 2, 1],
  ]);
  expect(fleet.launcher.workers[1]?.runs.map(({ prompt }) => prompt)).toEqual(["refused", "behind"]);
});

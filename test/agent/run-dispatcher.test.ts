import { expect, test } from "vitest";
import type { PendingRun } from "../../src/agent/pending-run.ts";
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
  await until("the refusal", () => worker.runs.length === 2 && fleet.process().serving === undefined);
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

/** A run that does nothing by itself and writes down by which workers it is begun. */
function idleRun(id: string) {
  const begun: number[] = [];
  const run = {
    id,
    suspect: false,
    answered: false,
    progress: undefined,
    fingerprint: "0",
    usage: undefined,
    crashes: [],
    wait: () => undefined,
    begin: (_client: unknown, incarnation: number) => void begun.push(incarnation),
    fail: () => undefined,
    died: () => "lost" as const,
    lost: () => undefined,
  };
  return { begun, run, pending: run satisfies PendingRun };
}

test("a run that a worker refuses after another has taken its place is that one's at once", async () => {
  const fleet = await startPoet({ shutdownMs: 20_000 });
  const agent = fleet.agent();
  await agent.whenReady();
  const { runs } = fleet.process();
  const { begun, pending } = idleRun("refused");
  runs.accept(pending);
  await agent.restart({ graceful: true });
  expect([begun, agent.inFlight, agent.state]).toEqual([[1], 1, "ready"]);
  runs.runRefused(pending);
  expect([begun, agent.state]).toEqual([[1, 2], "busy"]);
  await fleet.report("worker.retired");
  runs.runEnded(pending);
  expect([agent.inFlight, agent.state]).toEqual([0, "ready"]);
});

test("of the runs that a worker has died with the next one is begun when the one before has ended, or nobody waits for it", async () => {
  const fleet = await startPoet();
  await fleet.agent().whenReady();
  const { runs } = fleet.process();
  const all = ["first", "second", "third"].map(idleRun);
  const [first, second, third] = all;
  if (first === undefined || second === undefined || third === undefined) throw new Error("three runs were made");
  // One of another kind is held all the while, so that the worker is busy.
  const other = idleRun("other");
  runs.accept(other.pending);
  for (const { run } of all) run.suspect = true;
  for (const { pending } of all) runs.accept(pending);
  const begun = () => all.map((one) => one.begun.length);
  expect(begun()).toEqual([1, 0, 0]);
  first.run.suspect = false;
  runs.runLeft(first.pending);
  // A run that nobody waits for any more puts the loop in doubt: the next one begins when it has answered.
  await until("the loop's answer", () => second.begun.length === 1);
  expect(begun()).toEqual([1, 1, 0]);
  runs.runEnded(second.pending);
  expect(begun()).toEqual([1, 1, 1]);
  for (const { pending } of [first, third, other]) runs.runEnded(pending);
  expect(fleet.agent().state).toBe("ready");
});

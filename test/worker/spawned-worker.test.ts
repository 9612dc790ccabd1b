import { expect, test } from "vitest";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { createManualClock, exitOf, isAlive, launchFixture, pidOf, readyOf, within } from "./fixture-worker.ts";

function manualLauncher() {
  const clock = createManualClock();
  return { clock, launcher: createSpawnLauncher({ clock }) };
}

test("a worker that is not ready in time is killed with cause start_timeout", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("stuck", { startTimeoutMs: 30_000 }, launcher);
  clock.advance(29_999);
  expect(isAlive(pidOf(worker))).toBe(true);
  clock.advance(1);
  const outcome = await within(5_000, "the outcome", worker.started);
  expect(outcome).toMatchObject({ exit: { cause: "start_timeout", signal: "SIGKILL", uptimeMs: 30_000 } });
});

test("the start timeout ends with ready", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("ready", { startTimeoutMs: 1_000 }, launcher);
  await readyOf(worker);
  expect(clock.pending).toBe(0);
  clock.advance(10_000);
  expect(isAlive(pidOf(worker))).toBe(true);
});

test("a start timeout of months does not fire at once", async () => {
  const worker = launchFixture("ready", { startTimeoutMs: 10_000_000_000 });
  await readyOf(worker);
  expect(await worker.stop(10_000_000_000)).toMatchObject({ cause: "stopped" });
});

test("stop tells the worker its grace", async () => {
  const worker = launchFixture("tells-shutdown");
  await readyOf(worker);
  expect(await worker.stop(4_321)).toMatchObject({ cause: "stopped", exitCode: 0 });
  expect(worker.messages()).toContain("grace 4321");
});

test("stop tells the worker what part of its grace its runs have", async () => {
  const worker = launchFixture("tells-drain");
  await readyOf(worker);
  await worker.stop(4_321, 0);
  expect(worker.messages()).toContain("drain 0 of 4321");
});

test("a worker is asked for the files that it has imported; one that is gone, or goes instead, has none", async () => {
  const worker = launchFixture("tells-imports");
  await readyOf(worker);
  expect(await worker.importedFiles?.()).toEqual(["/here/agent.py"]);
  const unanswered = worker.importedFiles?.();
  await worker.stop(4_000);
  expect(await within(5_000, "the answer", Promise.all([unanswered, worker.importedFiles?.()]))).toEqual([[], []]);
});

test("the exit of a worker that outstays its grace has its last phase and what held it up", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("overdue", {}, launcher);
  await readyOf(worker);
  const stopped = worker.stop(5_000);
  await worker.logged(({ message }) => message === "told");
  clock.advance(5_000);
  const { cause, detail } = await within(5_000, "the stop", stopped);
  expect(cause).toBe("killed");
  expect(detail).toBe(`its last phase was "leaving the agent"; held up by task 'Task-1' at agent.py:7 in __aexit__`);
});

test("a worker that says nothing of what holds it up writes its stacks to stderr before it is killed", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("dumps-stacks", {}, launcher);
  await readyOf(worker);
  const stopped = worker.stop(5_000);
  clock.advance(4_800);
  await worker.logged(({ message }) => message.includes("in dumps_stacks"));
  expect(isAlive(pidOf(worker))).toBe(true);
  clock.advance(200);
  const { detail, stderrTail } = await within(5_000, "the stop", stopped);
  expect(detail).toContain("it had not begun to end when its time was over");
  expect(stderrTail.join()).toContain("in dumps_stacks");
});

test("a worker that ignores shutdown is killed when its grace is over", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("ignore-shutdown", {}, launcher);
  await readyOf(worker);
  const stopped = worker.stop(5_000);
  clock.advance(4_999);
  expect(isAlive(pidOf(worker))).toBe(true);
  clock.advance(1);
  expect(await within(5_000, "the stop", stopped)).toMatchObject({
    cause: "killed",
    signal: "SIGKILL",
    wasReady: true,
  });
});

test("a second stop can shorten the grace, not extend it", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("ignore-shutdown", {}, launcher);
  await readyOf(worker);
  const stops = [worker.stop(5_000), worker.stop(60_000), worker.stop(100)];
  clock.advance(100);
  const exits = await within(5_000, "the stops", Promise.all(stops));
  expect(exits[0]).toMatchObject({ cause: "killed" });
  expect(new Set(exits).size).toBe(1);
  expect(await worker.stop(5_000)).toBe(exits[0]);
});

test("a grace of 0 kills at once", async () => {
  const worker = launchFixture("ignore-shutdown");
  await readyOf(worker);
  expect(await within(5_000, "the stop", worker.stop(0))).toMatchObject({ cause: "killed", signal: "SIGKILL" });
});

test("stop reaches a worker that is still starting", async () => {
  const worker = launchFixture("hang");
  expect(await within(10_000, "the stop", worker.stop(10_000))).toMatchObject({ cause: "stopped", wasReady: false });
  expect(await worker.started).toHaveProperty("exit");
});

test("a worker that answers shutdown with another exit code was stopped, and the code is told", async () => {
  const worker = launchFixture("exit-on-shutdown-5");
  await readyOf(worker);
  expect(await worker.stop(5_000)).toMatchObject({ cause: "stopped", exitCode: 5 });
});

test("kill is told as killed", async () => {
  const worker = launchFixture("hang");
  worker.kill();
  expect(await exitOf(worker)).toMatchObject({ cause: "killed", signal: "SIGKILL" });
  worker.kill();
});

test.runIf(process.platform === "linux")(
  "a worker that was dead before stop or kill is not told as stopped or killed",
  async () => {
    for (const request of ["stop", "kill"] as const) {
      const worker = launchFixture("ready");
      await readyOf(worker);
      process.kill(pidOf(worker), "SIGKILL");
      // The exit event cannot arrive in this turn of the event loop: look until the kernel has made the process a zombie.
      const giveUpAtMs = performance.now() + 5_000;
      while (isAlive(pidOf(worker)) && performance.now() < giveUpAtMs);
      if (request === "stop") void worker.stop(5_000);
      else worker.kill();
      expect(await exitOf(worker), request).toMatchObject({ cause: "signaled", signal: "SIGKILL" });
    }
  },
);

test("a worker that told why it failed but does not exit is killed a second later", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("load-failed-lingers", {}, launcher);
  await within(10_000, "the failure", untilPending(clock, 1_000));
  clock.advance(1_000);
  expect(await exitOf(worker)).toMatchObject({
    cause: "load_failed",
    signal: "SIGKILL",
    loadFailure: { message: "x broke" },
  });
});

test("a stop while fd 3 is closed is a kill after a second at most", async () => {
  const { clock, launcher } = manualLauncher();
  const worker = launchFixture("close-fd3", {}, launcher);
  await readyOf(worker);
  await within(10_000, "the end of fd 3", untilPending(clock, 1_000));
  const stopped = worker.stop(60_000);
  clock.advance(1_000);
  expect(await within(5_000, "the stop", stopped)).toMatchObject({ cause: "killed" });
});

/** Resolves when the worker's only timer is one of at most `ms`: its start timer gave way to its last second. */
function untilPending(clock: ReturnType<typeof createManualClock>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (clock.nextDelayMs() <= ms ? resolve() : setImmediate(look));
    look();
  });
}

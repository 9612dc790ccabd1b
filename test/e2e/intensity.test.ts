import { expect, test } from "vitest";
import { controllable, isAlive, pidOf, rejection, watch } from "./support.ts";

test("more crashes than allowed: the system says so, stops its agents in reverse order, and ends without a hang", async () => {
  const ids = ["a", "b", "c"];
  const { system, reports, report } = await watch(
    ids.map((id) => controllable({ id })),
    { maxRestarts: 1, periodMs: 60_000 },
  );
  const agents = ids.map((id) => system.agent(id));
  await Promise.all(agents.map((agent) => agent.whenReady()));
  const [a, b, c] = agents as [(typeof agents)[0], (typeof agents)[0], (typeof agents)[0]];
  const pids = [pidOf(a), pidOf(c)];
  process.kill(pidOf(b), "SIGKILL");
  await report("agent.ready", ({ agentId, incarnation }) => agentId === "b" && incarnation === 2);
  process.kill(pidOf(b), "SIGKILL");
  const gaveUp = await report("supervisor.gave_up");
  expect(gaveUp).toMatchObject({ supervisor: "system", offender: { childId: "b" } });
  expect(gaveUp.because).toBe("restart 2 within 60000 ms exceeds maxRestarts 1");
  expect(await system.ended).toBe("shutdown");
  const stopped = reports.filter((one) => one.type === "agent.stopped").map(({ agentId }) => agentId);
  expect(stopped).toEqual(["c", "b", "a"]);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await rejection(b.run("echo:x"))).toMatchObject({
    code: "restart_intensity_exceeded",
    crash: { signal: "SIGKILL" },
  });
  expect(await rejection(a.run("echo:x"))).toMatchObject({ code: "stopped" });
  await system.stop();
});

test("runs that wait when the supervisor gives up are rejected with the crash", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 1 })], { maxRestarts: 0 });
  const agent = system.agent("ctl");
  await agent.whenReady();
  const held = rejection(agent.run("sleep:30"));
  const waiting = rejection(agent.run("echo:x"));
  process.kill(pidOf(agent), "SIGKILL");
  expect(await held).toMatchObject({ code: "worker_exited" });
  expect(await waiting).toMatchObject({ code: "restart_intensity_exceeded", crash: { decision: { type: "give_up" } } });
  await system.ended;
});

test("a transient agent whose worker exits with code 0 stays down and its siblings live", async () => {
  const { system, report } = await watch([controllable({ restart: "transient" }), controllable({ id: "other" })]);
  const agent = system.agent("ctl");
  await rejection(agent.run("exit:0"));
  await report("agent.stopped");
  expect(agent.state).toBe("stopped");
  expect((await system.agent("other").run("echo:alive")).output).toBe("alive");
});

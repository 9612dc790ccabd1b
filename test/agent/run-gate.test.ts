import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RunGate } from "../../src/agent/run-gate.ts";
import type { RunError } from "../../src/errors.ts";
import { type Budget, budget } from "../../src/otp/policy/budget.ts";
import { policies } from "../../src/otp/policy/policies.ts";
import type { AnyRestartPolicy } from "../../src/otp/policy/restart-policy.ts";
import { RunSeat } from "../../src/otp/supervisor/run-seat.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import { oneRequest } from "../../src/usage.ts";
import { moves } from "../otp/policy/runs.ts";
import { hang, startFleet, startPoet, until } from "./fleet.ts";

/** A few agents without workers, whose gates ask the same seats. Each has so many places, while it serves. */
function startGates(policy: AnyRestartPolicy, agentIds: readonly string[]) {
  const clock = createVirtualClock();
  const seat = new RunSeat(policy);
  const told: string[] = [];
  const held = new Map<string, number>();
  const agents = new Map(
    agentIds.map((agentId) => {
      const queue: string[] = [];
      const own = new RunSeat(undefined);
      let serving = true;
      const serve = () => {
        while (serving && queue.length > 0) {
          const [runId] = queue as [string];
          const passage = gate.ask(runId);
          if (passage.type === "wait") return;
          queue.shift();
          if (passage.type === "go") held.set(runId, clock.monotonicMs());
          else told.push(`${runId} ${passage.error.code}`);
        }
        gate.withdraw();
      };
      const gate: RunGate = new RunGate({
        agentId,
        clock: () => clock,
        seats: () => [own, seat],
        serve,
        report: (facts) => {
          if (facts.type === "agent.limited") told.push(`${agentId} ${facts.by}`);
          if (facts.type === "agent.unlimited") told.push(`${agentId} free after ${facts.forMs}`);
        },
      });
      const agent = {
        gate,
        queue,
        come: (runId: string) => {
          queue.push(runId);
          serve();
        },
        /** Its worker is there, or not: who looks at it is told later, or never. */
        serves: (yes: boolean) => {
          serving = yes;
        },
        serve,
      };
      return [agentId, agent] as const;
    }),
  );
  const agent = (id: string) => {
    const found = agents.get(id);
    if (found === undefined) throw new Error(`no agent "${id}"`);
    return found;
  };
  const end = (runId: string, agentId: string, tokens?: number) => {
    held.delete(runId);
    agent(agentId).gate.settled(runId, tokens === undefined ? undefined : oneRequest(tokens));
  };
  return { clock, seat, told, held, agents, agent, end };
}

const one = (more: Partial<Budget> = {}) => ({ tokens: 10, windowMs: 1_000, reserve: { tokens: 10 }, ...more });

describe("a gate", () => {
  test("wakes the agent that waits longest when a run of another has ended", () => {
    const { agent, end, held } = startGates(budget(one({ per: "tree" })), ["a", "b", "c"]);
    agent("a").come("a1");
    agent("b").come("b1");
    agent("c").come("c1");
    agent("a").come("a2");
    const order = [[...held.keys()]];
    for (const [runId, agentId] of [
      ["a1", "a"],
      ["b1", "b"],
      ["c1", "c"],
    ] as const) {
      end(runId, agentId, 0);
      order.push([...held.keys()]);
    }
    expect(order).toEqual([["a1"], ["b1"], ["c1"], ["a2"]]);
  });

  test("does not keep others waiting behind an agent that has no worker any more", () => {
    const { agent, end, held } = startGates(budget(one({ per: "tree" })), ["a", "b", "c"]);
    agent("c").come("c1");
    agent("a").come("a1");
    agent("b").come("b1");
    agent("a").serves(false);
    end("c1", "c", 0);
    expect([...held.keys()]).toEqual(["b1"]);
    agent("a").serves(true);
    agent("a").serve();
    end("b1", "b", 0);
    expect([...held.keys()]).toEqual(["a1"]);
  });

  test("asks again when time has made room", () => {
    const { agent, end, held, clock } = startGates(budget(one()), ["a"]);
    agent("a").come("1");
    end("1", "a", 8);
    for (const runId of ["2", "3", "4"]) agent("a").come(runId);
    const because = "8 of 10 tokens within 1000 ms are used or reserved, and a run reserves 10";
    expect([agent("a").gate.held, agent("a").gate.open, [...held.keys()]]).toEqual([because, false, []]);
    clock.advance(1_016);
    expect(held.size).toBe(0);
    clock.advance(1);
    expect([...held.keys()]).toEqual(["2"]);
  });

  test("tells once that runs are held back, and once that none was for a minute", () => {
    const { agent, end, told, clock } = startGates(budget(one({ at: "reject", windowMs: 1 })), ["a"]);
    for (const round of [1, 2]) {
      for (const runId of ["1", "2", "3", "4"]) {
        agent("a").come(`${round}${runId}`);
        agent("a").come(`${round}${runId} too`);
        end(`${round}${runId}`, "a", 0);
        clock.advance(20_000);
      }
      clock.advance(50_000);
    }
    expect(told.filter((text) => !text.includes("budget_exceeded"))).toEqual([
      "a refuse",
      "a free after 130000",
      "a refuse",
    ]);
  });

  test("asks the new policy when it is set, with the old one's state where it is kept", () => {
    const { agent, end, seat, held } = startGates(budget(one()), ["a"]);
    agent("a").come("1");
    end("1", "a", 8);
    agent("a").come("2");
    seat.set(budget(one({ tokens: 17 })), "keep");
    expect(held.size).toBe(0);
    seat.set(budget(one({ tokens: 18 })), "keep");
    expect([...held.keys()]).toEqual(["2"]);
    agent("a").come("3");
    seat.set(budget(one()), "reset");
    expect([...held.keys()]).toEqual(["2", "3"]);
  });

  test("counts a run that comes back because its worker has died as reserved, once more", () => {
    const { agent, seat } = startGates(budget(one({ tokens: 20 })), ["a"]);
    const { gate } = agent("a");
    expect([gate.ask("1").type, gate.ask("1").type, gate.ask("1").type]).toEqual(["go", "go", "wait"]);
    expect(JSON.stringify(seat.state)).toContain('"guessed":2');
  });

  test("every run that waits is handed over, whatever happened before, and what all have is never more than the budget", () => {
    const limit = 10;
    const list = fc.tuple(fc.constantFrom("tree" as const, "agent" as const), moves(4));
    fc.assert(
      fc.property(list, ([per, all]) => {
        const make = (at: "pause" | "reject") =>
          policies(
            budget({ tokens: limit, windowMs: 1_000, reserve: { tokens: 4 }, per, at }),
            budget({ tokens: 9, windowMs: 700, reserve: { tokens: 3 } }),
          );
        const { clock, seat, agent, agents, held, end } = startGates(make("pause"), ["a", "b", "c"]);
        const used: { atMs: number; tokens: number }[] = [];
        const endOne = (pick: number, tokens: number | undefined) => {
          const runId = [...held.keys()][pick % Math.max(1, held.size)];
          if (runId === undefined) return;
          used.push({ atMs: clock.monotonicMs(), tokens: tokens ?? 4 });
          end(runId, runId.slice(0, 1), tokens);
        };
        for (const [index, move] of all.entries()) {
          clock.advance(move.afterMs);
          if (move.what === "come") agent(move.agent).come(`${move.agent}${index}`);
          else if (move.what === "none") agent(move.agent).serves(false);
          else if (move.what === "return") agent(move.agent).serves(true);
          else if (move.pick === 0) seat.set(make(move.what === "end" ? "pause" : "reject"), "keep");
          else endOne(move.pick, move.what === "end" ? move.tokens : undefined);
          if (per === "agent") continue;
          const spent = used.filter(({ atMs }) => atMs > clock.monotonicMs() - 1_000);
          const sum = spent.reduce((total, { tokens }) => total + tokens, held.size * 4);
          expect(sum).toBeLessThanOrEqual(limit);
        }
        seat.set(make("pause"), "keep");
        for (const { serves, serve } of agents.values()) {
          serves(true);
          serve();
        }
        const waiting = () => [...agents.values()].reduce((sum, { queue }) => sum + queue.length, 0);
        for (let round = 0; waiting() + held.size > 0 && round < 500; round += 1) {
          endOne(0, 4);
          clock.advance(100);
        }
        expect([waiting(), held.size]).toEqual([0, 0]);
        expect(clock.pending).toBe(0);
      }),
    );
  });
});

/** An agent that goes on with a small model where its budget is used up, and the models that its runs are given. */
async function startDegraded() {
  const models: string[] = [];
  const answer = ({ model, prompt }: { model: string; prompt: string }) => {
    models.push(model);
    return prompt;
  };
  const policy = budget({ tokens: 6, windowMs: 60_000, reserve: { tokens: 4 }, at: { model: "small" } });
  const fleet = await startPoet({ policy }, { script: { answer } });
  const agent = fleet.agent();
  await agent.whenReady();
  return { fleet, agent, models };
}

describe("an agent with a budget", () => {
  test("holds runs back, which keep their place and their time, and hands them over when there is room", async () => {
    // A fake run uses a token for each word of its prompt and of its answer.
    const fleet = await startPoet({ policy: budget({ tokens: 6, windowMs: 60_000, reserve: { tokens: 4 } }) });
    const agent = fleet.agent();
    await agent.whenReady();
    await agent.run("two words");
    const late = agent.run("too late", { timeoutMs: 1_000 });
    const kept = agent.run("in time");
    const expired = expect(fleet.whileTimePasses(late)).rejects.toMatchObject({
      code: "deadline_exceeded",
      message: expect.stringContaining("was still waiting for its agent's budget after 1000 ms: 4 of 6 tokens within"),
    });
    await expired;
    expect([agent.queueLength, agent.inFlight]).toEqual([1, 0]);
    expect((await fleet.whileTimePasses(kept)).output).toBe("in time");
    const told = fleet.reports.filter(({ type }) => type === "agent.limited" || type === "agent.unlimited");
    expect(told).toMatchObject([
      { type: "agent.limited", agentId: "poet", path: "supervisor/poet", by: "wait" },
      { type: "agent.unlimited", forMs: expect.any(Number) },
    ]);
  });

  test("counts what failed runs have used", async () => {
    const output = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) } };
    const policy = budget({ tokens: 10, windowMs: 60_000, reserve: { tokens: 1 } });
    const fleet = await startPoet({ policy, output: output as never });
    const agent = fleet.agent();
    await agent.whenReady();
    const refused = agent.run("five words are five words");
    await expect(refused).rejects.toMatchObject({ code: "output_invalid", usage: { totalTokens: 10 } });
    void agent.run("more").catch(() => undefined);
    expect(await fleet.report("agent.limited")).toMatchObject({ because: expect.stringContaining("10 of 10 tokens") });
  });

  test("takes what a cancelled run has reserved until Python has ended it", async () => {
    const policy = budget({ tokens: 10, windowMs: 60_000, reserve: { tokens: 6 } });
    const fleet = await startPoet({ policy }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const controller = new AbortController();
    const left = agent.run("hang", { signal: controller.signal });
    const behind = agent.run("next");
    await fleet.report("agent.limited");
    controller.abort();
    await expect(left).rejects.toMatchObject({ code: "run_cancelled" });
    // Nobody knows what it has used.
    expect(agent.queueLength).toBe(1);
    expect((await fleet.whileTimePasses(behind)).output).toBe("next");
  });

  test("takes no run that would wait where nothing may wait, and rejects those that wait when it stops", async () => {
    const policy = budget({ tokens: 10, windowMs: 60_000, reserve: { tokens: 6 } });
    const fleet = await startFleet(
      [
        { id: "impatient", policy, maxQueue: 0 },
        { id: "stopped", policy },
      ],
      { script: hang },
    );
    const [impatient, stopped] = [fleet.agent("impatient"), fleet.agent("stopped")];
    await Promise.all([impatient.whenReady(), stopped.whenReady()]);
    const held = [impatient.run("hang"), stopped.run("hang")];
    for (const run of held) run.catch(() => undefined);
    await expect(impatient.run("more")).rejects.toMatchObject({ code: "queue_full" });
    const waiting = stopped.run("more");
    const rejected = expect(waiting).rejects.toMatchObject({ code: "agent_stopped" });
    await fleet.whileTimePasses(stopped.stop());
    await rejected;
  });

  test("rejects runs, where that is said, with the time after which there is room", async () => {
    const policy = budget({ tokens: 6, windowMs: 60_000, reserve: { tokens: 4 }, at: "reject" });
    const fleet = await startPoet({ policy });
    const agent = fleet.agent();
    await agent.whenReady();
    await agent.run("two words");
    const error: unknown = await agent.run("more").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "budget_exceeded", agentId: "poet", retriable: true });
    expect((error as RunError).retryAfterMs).toBeGreaterThan(60_000);
    expect((error as RunError).message).toContain("4 of 6 tokens within 60000 ms are used or reserved");
    expect(await fleet.report("run.settled", ({ code }) => code === "budget_exceeded")).toMatchObject({
      outcome: "failed",
    });
  });

  test("goes on with another model, where that is said, and with its own when there is room again", async () => {
    const { fleet, agent, models } = await startDegraded();
    await agent.run("two words", { model: "large" });
    await agent.run("two words", { model: "large" });
    await agent.run("two words");
    fleet.clock.advance(120_000);
    await agent.run("two words", { model: "large" });
    expect(models).toEqual(["large", "small", "small", "large"]);
    const started = fleet.reports.filter(({ type }) => type === "run.started");
    expect(started.map((report) => "model" in report && report.model)).toEqual([false, "small", "small", false]);
  });

  test("goes on with another model in a stream and in a run that belongs to the system, too", async () => {
    const { fleet, agent, models } = await startDegraded();
    for (let run = 0; run < 2; run += 1) await agent.run("two words", { model: "large" });
    await agent.stream("two words", { model: "large" }).result;
    await agent.start("two words", { model: "large" }).result;
    expect(models).toEqual(["large", "small", "small", "small"]);
    const started = fleet.reports.filter(({ type }) => type === "run.started");
    expect(started.map((report) => "model" in report && report.model)).toEqual([false, "small", "small", "small"]);
  });

  test("has one budget for all its instances, which a policy set for the agent replaces", async () => {
    const policy = budget({ tokens: 10, windowMs: 60_000, reserve: { tokens: 6 } });
    const fleet = await startFleet([{ policy, instances: 2, maxConcurrency: 1 }], { script: hang });
    const agent = fleet.agent();
    await until("both", () => agent.instances.every(({ state }) => state === "ready"));
    const runs = [agent.run("hang"), agent.run("hang")];
    for (const run of runs) run.catch(() => undefined);
    await fleet.report("agent.limited");
    expect([agent.inFlight, agent.queueLength]).toEqual([1, 1]);
    fleet.supervisor.setPolicy("poet", budget({ tokens: 20, windowMs: 60_000, reserve: { tokens: 6 } }), {
      state: "keep",
    });
    expect([agent.inFlight, agent.queueLength]).toEqual([2, 0]);
  });

  test("holds runs back that it starts for the system, and streams, as others", async () => {
    const policy = budget({ tokens: 6, windowMs: 60_000, reserve: { tokens: 4 } });
    const fleet = await startPoet({ policy });
    const agent = fleet.agent();
    await agent.whenReady();
    await agent.start("two words").result;
    const stream = agent.stream("in time");
    const { result } = stream;
    const started = agent.start("more");
    await until("both to wait", () => agent.queueLength === 2);
    expect(agent.inFlight).toBe(0);
    expect((await fleet.whileTimePasses(result)).output).toBe("in time");
    expect((await fleet.whileTimePasses(started.result)).output).toBe("more");
  });

  test("shares the budget of its supervisor with the others below it", async () => {
    const policy = budget({ tokens: 10, windowMs: 60_000, reserve: { tokens: 6 }, per: "tree" });
    const fleet = await startFleet([{ id: "a" }, { id: "b" }], { script: hang, supervisor: { policy } });
    const [a, b] = [fleet.agent("a"), fleet.agent("b")];
    await Promise.all([a.whenReady(), b.whenReady()]);
    const held = a.run("hang");
    held.catch(() => undefined);
    const waiting = b.run("next");
    expect([a.inFlight, b.inFlight, b.queueLength]).toEqual([1, 0, 1]);
    a.kill();
    expect((await fleet.whileTimePasses(waiting)).output).toBe("next");
  });
});

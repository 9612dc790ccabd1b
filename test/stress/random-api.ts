/**
 * The whole API of a system, called at random and at every moment: by its user, and from inside listeners, policies, schemas and agents. What must
 * hold, whatever is called: every promise settles, an agent never has more workers than its swap takes, and nothing is left when the system has stopped.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type AgentDefinition, defineAgent } from "../../src/agent/define.ts";
import type { Agent } from "../../src/agent/handle.ts";
import type { RunOptions } from "../../src/agent/run-options.ts";
import type { RunOutcome } from "../../src/agent/run-result.ts";
import type { RunStream } from "../../src/agent/run-stream.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { SynapseError } from "../../src/errors.ts";
import type { RestartPolicy } from "../../src/otp/policy/restart-policy.ts";
import { defineSupervisor } from "../../src/otp/supervisor/start.ts";
import type { System } from "../../src/system.ts";
import type { SystemOptions } from "../../src/system-options.ts";
import { type Chance, createChance } from "./random.ts";

/** Where the calls are made: fake workers or real ones. */
export interface World {
  /** Starts the system; its workers are this world's. */
  start(options: SystemOptions): Promise<System>;
  /** What every agent is made of here. */
  readonly spec: Omit<AgentSpec<unknown>, "id">;
  /** Something to ask an agent. */
  prompt(chance: Chance): string;
  /** Does something to a worker that nobody asked for: a crash, a cut line. */
  harm(agent: Agent<unknown>, chance: Chance): void;
  /** Lets a little time pass. */
  pass(chance: Chance): Promise<void>;
  /** What is wrong with the workers now; undefined when nothing is. */
  wrong(): string | undefined;
  /** What is left of the workers, or of the time that they have waited for, when the system has stopped. */
  left(): string[];
}

/** How much one seed does. */
export interface RandomApiOptions {
  readonly steps: number;
  /** Calls from inside callbacks, at most. */
  readonly inside: number;
}

/** Carries one seed out. Answers the rules that were broken, as sentences; none when all is well. */
export async function callAtRandom(seed: number, world: World, options: RandomApiOptions): Promise<string[]> {
  const run = new RandomRun(seed, world, options);
  return run.carryOut();
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Numbers of instances whose agents start and retire them all the time. */
const fewInstances = [
  2,
  { min: 0, max: 2, idleMs: 10, scaleUpAfterMs: 20 },
  { min: 1, max: 2, idleMs: 30, scaleUpAfterMs: 10 },
] as const;
/**
 * How many workers an agent may have at a time: two during a swap. With instances, whose ids begin with "g", each of the two may have two, and each that is
 * retired; there is a spare, and one that it has replaced.
 */
export function mostWorkers(agentId: string): number {
  return agentId.startsWith("g") ? 10 : 2;
}

/** How long the end of a system may take, in turns of the world. */
const patience = 4_000;

class RandomRun {
  readonly #chance: Chance;
  readonly #world: World;
  readonly #steps: number;
  readonly #broken: string[] = [];
  /** What has been asked and not answered yet. */
  readonly #open = new Map<number, string>();
  readonly #ids: string[] = [];
  #insideLeft: number;
  #calls = 0;
  #stopping = false;
  #system: System | undefined;

  constructor(seed: number, world: World, options: RandomApiOptions) {
    this.#chance = createChance(seed);
    this.#world = world;
    this.#steps = options.steps;
    this.#insideLeft = options.inside;
  }

  async carryOut(): Promise<string[]> {
    const onRejection = (reason: unknown) => this.#broken.push(`a rejection that nobody heard: ${String(reason)}`);
    process.on("unhandledRejection", onRejection);
    try {
      const system = await this.#start();
      for (let step = 0; step < this.#steps; step += 1) {
        this.#act();
        if (this.#chance.oneIn(3)) await turn();
        if (this.#chance.oneIn(4)) await this.#world.pass(this.#chance);
        this.#check();
      }
      await this.#finish(system);
    } finally {
      process.off("unhandledRejection", onRejection);
    }
    return this.#broken;
  }

  async #start(): Promise<System> {
    const chance = this.#chance;
    const strategies = ["one_for_one", "one_for_all", "rest_for_one"] as const;
    const inner = defineSupervisor({
      id: "inner",
      strategy: chance.pick(strategies),
      maxRestarts: 100,
      children: [this.#define(), this.#define()],
      ...(chance.oneIn(3) ? { policy: this.#policy() } : {}),
    });
    const system = await this.#world.start({
      strategy: chance.pick(strategies),
      maxRestarts: chance.pick([2, 100, 100]),
      children: [this.#define(), inner, this.#define()],
      ...(chance.oneIn(3) ? { policy: this.#policy() } : {}),
    });
    this.#system = system;
    system.onReport(() => this.#inside());
    return system;
  }

  #define(): AgentDefinition<unknown> {
    const chance = this.#chance;
    const grouped = chance.oneIn(3);
    const id = `${grouped ? "g" : "a"}${this.#ids.length}`;
    this.#ids.push(id);
    return defineAgent<unknown>({
      ...this.#world.spec,
      id,
      restart: chance.pick(["permanent", "permanent", "transient", "temporary"]),
      shutdownMs: chance.pick([0, 50, 500]),
      maxConcurrency: chance.pick([1, 2, 8]),
      maxQueue: chance.pick([0, 3, 1_000]),
      ...(chance.oneIn(3) ? { output: this.#schema() } : {}),
      ...(chance.oneIn(4) ? { watch: true } : {}),
      ...(grouped ? { instances: chance.pick(fewInstances), spare: chance.oneIn(2) } : {}),
      ...(chance.oneIn(3) ? { recycle: { maxRuns: chance.pick([1, 3]), maxAgeMs: chance.pick([20, 500]) } } : {}),
    });
  }

  /** Whatever an agent answers is right; but it is asked in the middle of things. */
  #schema(): StandardSchemaV1<unknown, unknown> {
    const validate = (value: unknown) => {
      this.#inside();
      if (this.#chance.oneIn(10)) throw new Error("the schema broke");
      return this.#chance.oneIn(3) ? Promise.resolve({ value }) : { value };
    };
    return { "~standard": { version: 1, vendor: "random", validate } };
  }

  #policy(): RestartPolicy {
    return (state, { restart }) => {
      this.#inside();
      const because = "by chance";
      if (restart === "temporary" || this.#chance.oneIn(12)) return { decision: { type: "leave", because }, state };
      const delayMs = this.#chance.pick([0, 0, 20, 300]);
      return { decision: { type: "restart", delayMs, because }, state };
    };
  }

  /** A call from inside a callback, now and then. */
  #inside(): void {
    if (this.#system === undefined || this.#insideLeft === 0 || !this.#chance.oneIn(4)) return;
    this.#insideLeft -= 1;
    this.#act();
  }

  #act(): void {
    const system = this.#system;
    if (system === undefined) return;
    const chance = this.#chance;
    const agent = this.#agent(system);
    if (agent === undefined) return;
    const { id } = agent;
    switch (chance.below(17)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.#track(`run of ${id}`, () => agent.run(this.#world.prompt(chance), this.#options()));
        return;
      case 4:
      case 5:
      case 6:
        this.#track(`stream of ${id}`, () => this.#read(agent.stream(this.#world.prompt(chance), this.#options())));
        return;
      case 13:
        this.#track(`start of ${id}`, () => this.#read(this.#attach(system, agent)));
        return;
      case 7:
        if (chance.oneIn(2)) this.#track(`restart of ${id}`, () => agent.restart());
        else this.#track(`swap of ${id}`, () => agent.restart({ graceful: true }));
        return;
      case 8:
        if (chance.oneIn(2)) this.#track(`stop of ${id}`, () => agent.stop());
        return;
      case 9:
        this.#track(`readiness of ${id}`, () => agent.whenReady(chance.oneIn(2) ? { timeoutMs: 400 } : {}));
        return;
      case 10:
        this.#track(`description of ${id}`, () => agent.describe({ timeoutMs: 1_000 }));
        return;
      case 11:
        if (this.#ids.length < 8 && !this.#stopping) {
          this.#track("a new child", () => system.startChild(chance.pick([system.name, "inner"]), this.#define()));
        }
        return;
      case 12:
        if (this.#insideLeft > 0 && chance.oneIn(60)) this.#track("stop of the system", () => this.#stop(system));
        return;
      default:
        this.#world.harm(agent, chance);
    }
  }

  #agent(system: System): Agent<unknown> | undefined {
    try {
      return system.agent(this.#chance.pick(this.#ids)) as Agent<unknown>;
    } catch {
      // A temporary agent that has ended, or one that is not started yet.
      return undefined;
    }
  }

  #options(): RunOptions {
    const chance = this.#chance;
    const options: RunOptions = {};
    if (chance.oneIn(3)) options.timeoutMs = chance.pick([1, 30, 400, 5_000]);
    if (chance.oneIn(2)) {
      options.idempotent = chance.oneIn(2);
      options.retry = { onWorkerExit: chance.pick(["if_idempotent", "never"]) };
    }
    if (chance.oneIn(4)) {
      const controller = new AbortController();
      options.signal = controller.signal;
      if (chance.oneIn(4)) controller.abort("before");
      else if (chance.oneIn(2)) setImmediate(() => controller.abort("in a moment"));
    }
    return options;
  }

  /** A run that belongs to the system, or one of those that are kept. */
  #attach(system: System, agent: Agent<unknown>): RunStream<unknown, RunOutcome> {
    const chance = this.#chance;
    const kept = system.runs.list({ limit: 5 });
    if (kept.length > 0 && chance.oneIn(3)) return system.runs.attach(chance.pick(kept).runId);
    return agent.start(this.#world.prompt(chance), { ...this.#options(), detached: chance.oneIn(2) });
  }

  /** Reads a stream in one of the ways that there are. */
  async #read(stream: RunStream<unknown, RunOutcome>): Promise<unknown> {
    switch (this.#chance.below(6)) {
      case 0:
        return stream.result;
      case 1:
        for await (const event of stream) if (event.type === "text.delta") break;
        return "left";
      case 2: {
        let text = "";
        for await (const word of stream.text()) text += word;
        return text;
      }
      case 3:
        stream.cancel("by chance");
        return stream.result;
      case 4:
        // Nobody reads it.
        return "unread";
      default: {
        const terminals: string[] = [];
        for await (const { type } of stream) {
          if (terminals.length > 0) this.#broken.push(`"${type}" came after the terminal event "${terminals[0]}"`);
          if (type === "completed" || type === "failed" || type === "cancelled") terminals.push(type);
        }
        if (terminals.length !== 1) this.#broken.push(`a stream had ${terminals.length} terminal events`);
        return terminals;
      }
    }
  }

  /** Whatever it settles with is right, as long as it settles, and an error is one of ours. */
  #track(what: string, call: () => Promise<unknown>): void {
    this.#calls += 1;
    const number = this.#calls;
    this.#open.set(number, what);
    const failed = (error: unknown) => {
      this.#open.delete(number);
      if (!(error instanceof SynapseError)) this.#broken.push(`${what} failed with ${String(error)}`);
    };
    let answer: Promise<unknown>;
    try {
      answer = call();
    } catch (error) {
      failed(error);
      return;
    }
    answer.then(() => this.#open.delete(number), failed);
  }

  async #stop(system: System): Promise<void> {
    this.#stopping = true;
    await system.stop();
  }

  #check(): void {
    const wrong = this.#world.wrong();
    if (wrong !== undefined) this.#broken.push(wrong);
  }

  async #finish(system: System): Promise<void> {
    this.#track("the last stop of the system", () => this.#stop(system));
    for (let turns = 0; turns < patience && this.#open.size > 0; turns += 1) {
      await turn();
      await this.#world.pass(this.#chance);
      this.#check();
    }
    for (const what of this.#open.values()) this.#broken.push(`${what} has not settled`);
    for (const id of this.#ids) {
      const state = this.#stateOf(system, id);
      if (state !== "stopped") this.#broken.push(`agent ${id} is ${state} after the end of its system`);
    }
    for (const { runId, state } of system.runs.list()) {
      if (state === "queued" || state === "running") this.#broken.push(`run ${runId} is ${state} after the end`);
    }
    const { live, bytes } = system.metrics().keptRuns;
    const sum = system.runs.list().reduce((all, run) => all + run.bytes, 0);
    if (live > 0 || bytes !== sum) this.#broken.push(`${live} runs are live, ${bytes} bytes are counted of ${sum}`);
    this.#broken.push(...this.#world.left());
  }

  #stateOf(system: System, id: string): string {
    try {
      return system.agent(id).state;
    } catch {
      return "stopped"; // A temporary agent is forgotten; one that was never started has no state.
    }
  }
}

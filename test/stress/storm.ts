/** Agents under fire: runs and streams that are counted from both sides, by the caller and by a file that the runs write themselves into. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { defineAgent } from "../../src/agent/define.ts";
import type { Agent } from "../../src/agent/handle.ts";
import { WorkerError } from "../../src/errors.ts";
import type { Report } from "../../src/report.ts";
import { startSystem } from "../../src/start-system.ts";
import type { System } from "../../src/system.ts";
import { parentOf } from "./processes.ts";

/** How many runs an agent does at a time. */
export const maxConcurrency = 2;
/** How long the death of a worker, or of the zygote, may take to be made good, before the storm is given up, in milliseconds. */
const patienceMs = 30_000;

/** One run or stream, as its caller saw it. */
export interface Call {
  readonly prompt: string;
  readonly agentId: string;
  readonly kind: "run" | "stream";
  /** Its answer, or the error that it failed with; more than one would be wrong. */
  readonly outcomes: (string | Error)[];
}

/** Agents, and the calls that were made of them. */
export class Storm {
  readonly calls: Call[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "storm-"));
  readonly #ledger = join(this.#directory, "ledger");
  readonly #open: Promise<void>[] = [];
  readonly #reports: Report[] = [];
  #system: System | undefined;

  /** Starts the agents; resolves when all of them are ready. */
  async begin(count: number): Promise<void> {
    writeFileSync(this.#ledger, "");
    const children = Array.from({ length: count }, (_, n) =>
      defineAgent({
        id: `agent-${n}`,
        entry: "test/fixtures/agents/ledger.py:agent",
        launcher: "zygote",
        output: "text",
        maxConcurrency,
        env: { LEDGER: this.#ledger },
      }),
    );
    this.#system = await startSystem({ children, maxRestarts: 100_000, logger: pino({ level: "silent" }) });
    this.#system.onReport((report) => this.#reports.push(report));
    await this.#system.whenReady();
  }

  /** The handles of all agents. */
  get agents(): Agent<unknown>[] {
    const system = this.#known();
    return system.health().agents.map(({ id }) => system.agent(id));
  }

  /** Everything that was reported since all were ready. */
  get reports(): readonly Report[] {
    return this.#reports;
  }

  /** Asks an agent; the call is answered some time. */
  ask(agent: Agent<unknown>, kind: Call["kind"]): void {
    const prompt = String(10_000 + this.calls.length);
    const call: Call = { prompt, agentId: agent.id, kind, outcomes: [] };
    this.calls.push(call);
    this.#open.push(kind === "run" ? this.#run(agent, call) : this.#read(agent, call));
  }

  /** The zygote of all agents; none of them has a worker of another one. */
  zygote(): number {
    const [zygote, ...others] = new Set(this.agents.flatMap(({ pid }) => (pid === undefined ? [] : [parentOf(pid)])));
    if (zygote === undefined || others.length > 0) throw new Error("there is not one zygote");
    return zygote;
  }

  /**
   * Kills processes, and waits until every agent that has lost its worker has another one that is ready.
   * @returns how many milliseconds that took, from the last kill
   */
  async kill(pids: readonly number[], bereaved: readonly Agent<unknown>[]): Promise<number> {
    const missing = new Map(bereaved.map(({ id, incarnation }) => [id, incarnation]));
    const full = Promise.withResolvers<void>();
    const forget = this.#known().onReport((report) => {
      if (
        report.type !== "agent.ready" ||
        report.incarnation <= (missing.get(report.agentId) ?? Number.POSITIVE_INFINITY)
      )
        return;
      missing.delete(report.agentId);
      if (missing.size === 0) full.resolve();
    });
    const timer = setTimeout(() => {
      full.reject(new Error(`without a worker after ${patienceMs} ms: ${[...missing.keys()].join(", ")}`));
    }, patienceMs);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const killedMs = performance.now();
    try {
      await full.promise;
      return performance.now() - killedMs;
    } finally {
      clearTimeout(timer);
      forget();
    }
  }

  /** Waits for the last answer. */
  async settle(): Promise<void> {
    await Promise.all(this.#open);
  }

  /** The prompts of the runs that have begun in Python, in the order in which they did. */
  begun(): string[] {
    return readFileSync(this.#ledger, "utf8").split("\n").slice(0, -1);
  }

  /** Stops the agents and forgets the file. */
  async end(): Promise<void> {
    await this.#system?.stop({ timeoutMs: 10_000 });
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #run(agent: Agent<unknown>, { prompt, outcomes }: Call): Promise<void> {
    await agent.run(prompt).then(
      ({ output }) => outcomes.push(String(output)),
      (error: Error) => outcomes.push(error),
    );
  }

  async #read(agent: Agent<unknown>, { prompt, outcomes }: Call): Promise<void> {
    let text = "";
    for await (const event of agent.stream(prompt)) {
      if (event.type === "text.delta") text += event.text;
      if (event.type === "completed")
        outcomes.push(text === event.result.output ? text : new Error(`streamed "${text}"`));
      if (event.type === "failed") outcomes.push(event.error);
      if (event.type === "cancelled") outcomes.push(new Error(event.reason));
    }
  }

  #known(): System {
    if (this.#system === undefined) throw new Error("the storm has not begun");
    return this.#system;
  }
}

/** Whether a call has failed because its worker was killed, and not for any other reason. */
export function diedWithWorker({ outcomes: [outcome] }: Call): boolean {
  return outcome instanceof WorkerError && outcome.code === "worker_exited" && outcome.crash !== undefined;
}

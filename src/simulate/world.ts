/** What the simulated children of one system share: time, what befalls them, and who writes down what they do. */

import type { ConnectOutcome } from "../agent/connect-worker.ts";
import { AgentEnvironment, type EquippedEnvironment } from "../agent/environment.ts";
import type { LoopWatch } from "../agent/loop-monitor.ts";
import { RunLedger } from "../agent/run-ledger.ts";
import { silentLogger } from "../logger.ts";
import type { WorkerSpec } from "../worker/launcher.ts";
import type { SimulationClock } from "./clock.ts";
import { type ChildFaults, drawLife, type Faults, type Life } from "./faults.ts";
import { createRandom, type Random } from "./random.ts";
import type { Recorder } from "./recorder.ts";
import { SimulatedWorker } from "./simulated-worker.ts";

/** Decides how long the workers of a child live. */
export type Lives = (childId: string, path: string, incarnation: number) => Life;

/** The world of one simulation. */
export class World {
  readonly clock: SimulationClock;
  readonly recorder: Recorder;
  readonly #faults: Faults;
  readonly #seed: number;
  readonly #lives: Lives | undefined;
  readonly #chances = new Map<string, Random>();

  constructor(parts: { clock: SimulationClock; recorder: Recorder; faults: Faults; seed: number; lives?: Lives }) {
    this.clock = parts.clock;
    this.recorder = parts.recorder;
    this.#faults = parts.faults;
    this.#seed = parts.seed;
    this.#lives = parts.lives;
  }

  /** What befalls a child. */
  faultsOf(childId: string): ChildFaults {
    const { children = {}, others = {} } = this.#faults;
    return Object.hasOwn(children, childId) ? (children[childId] as ChildFaults) : others;
  }

  /** The life of the next worker of a child. */
  nextLife(childId: string, path: string, incarnation: number): Life {
    if (this.#lives !== undefined) return this.#lives(childId, path, incarnation);
    return drawLife(this.faultsOf(childId), this.chance(`life of ${path}`));
  }

  /** The source of chance of this name. */
  chance(name: string): Random {
    const known = this.#chances.get(name);
    if (known !== undefined) return known;
    const random = createRandom(this.#seed, name);
    this.#chances.set(name, random);
    return random;
  }

  /** What agents are lent: workers that are timers, and a place to report to. */
  createEnvironment(): EquippedEnvironment {
    const { clock, recorder } = this;
    const environment = new AgentEnvironment({
      launcher: {
        kind: "spawn",
        launch: (spec) => this.#launch(spec, environment),
        close: () => Promise.resolve(),
      },
      cwd: "/",
      env: {},
      logger: silentLogger,
      maxMessageBytes: 0,
      report: (report) => recorder.agentReport(report, clock.now()),
      ledger: new RunLedger(this.clock),
    });
    environment.connect = async (worker) => {
      const outcome = await worker.started;
      if ("exit" in outcome) return { type: "exited", exit: outcome.exit };
      return { type: "connected", client: clientOf(worker as SimulatedWorker) };
    };
    environment.watchLoop = ({ worker, hung }) => {
      (worker as SimulatedWorker).onHung = hung;
      return answeringLoop;
    };
    environment.memoryOf = () => undefined;
    return Object.assign(environment, { interpreter: "none" });
  }

  #launch(spec: WorkerSpec, { agents }: AgentEnvironment): SimulatedWorker {
    const { agentId, incarnation } = spec;
    const slot = agents.get(agentId);
    const path = slot?.path ?? agentId;
    const life = this.nextLife(agentId, path, incarnation);
    const record = this.recorder.children.get(path);
    if (record !== undefined) record.starts += 1;
    this.clock.stir();
    const hungAfterMs = slot?.spec.hungAfterMs;
    return new SimulatedWorker(spec, life, this.clock, hungAfterMs === "infinity" ? 0 : (hungAfterMs ?? 0));
  }
}

/** An event loop that always answers: one that does not is an end like others. */
const answeringLoop: LoopWatch = {
  silent: false,
  unresponsive: false,
  lagMs: 0,
  doubt: () => undefined,
  end: () => undefined,
};

/** The connection to a simulated worker, over which nothing is sent: its runs are timers. */
function clientOf(worker: SimulatedWorker): Extract<ConnectOutcome, { type: "connected" }>["client"] {
  const nothing = () => {
    throw new Error("nothing is sent in a simulation");
  };
  return {
    run: nothing,
    stream: nothing,
    session: nothing,
    steer: nothing,
    awaitEnd: nothing,
    describe: nothing,
    checkHealth: nothing,
    closed: worker.unreachable,
    close: () => undefined,
  };
}

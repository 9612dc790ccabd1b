/** What the simulated children of one system share: time, what befalls them, and who writes down what they do. */

import { AgentEnvironment } from "../agent/environment.ts";
import { RunLedger } from "../agent/run-ledger.ts";
import { silentLogger } from "../logger.ts";
import type { SimulationClock } from "./clock.ts";
import { type ChildFaults, drawLife, type Faults, type Life } from "./faults.ts";
import { createRandom, type Random } from "./random.ts";
import type { Recorder } from "./recorder.ts";

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

  /** What agents are lent: a place to report to, and nothing that does anything. */
  createEnvironment() {
    const environment = new AgentEnvironment({
      launcher: {
        kind: "spawn",
        launch() {
          throw new Error("nothing is launched in a simulation");
        },
        close: () => Promise.resolve(),
      },
      cwd: "/",
      env: {},
      logger: silentLogger,
      maxMessageBytes: 0,
      report: () => undefined,
      ledger: new RunLedger(this.clock),
    });
    return Object.assign(environment, { interpreter: "none" });
  }
}

/** Why an agent's worker is replaced although it serves well: a limit of its recycling is reached, or its files have changed. */

import type { AgentWorker } from "./agent-worker.ts";
import { EntryWatch } from "./entry-watch.ts";
import type { AgentLife } from "./life.ts";
import { Recycling } from "./recycling.ts";
import type { Swap } from "./swap.ts";

/** The renewal of one agent's workers. */
export class Renewal {
  readonly #recycling: Recycling;
  readonly #watch: EntryWatch | undefined;

  constructor({ life, swap }: { life: AgentLife; swap: Swap }) {
    const { spec, environment } = life;
    const clock = () => life.clock;
    this.#recycling = new Recycling({
      limits: spec.recycle ?? {},
      clock,
      memoryOf: (pid) => environment.memoryOf(pid),
      swap: (reason) => (swap.possible && !swap.underWay ? swap.request(reason) : undefined),
    });
    if (spec.watch !== true) return;
    this.#watch = new EntryWatch({
      entry: spec.entry,
      cwd: environment.cwd,
      clock,
      swap: (reason) => (swap.possible ? swap.request(reason) : undefined),
      warn: (err, folder) => environment.logger.warn({ agent: spec.id, err, folder }, "a folder cannot be watched"),
    });
  }

  /** A worker serves from now on. */
  began(worker: AgentWorker): void {
    this.#recycling.began(worker.pid ?? 0);
    this.#watch?.began(worker);
  }

  /** The current worker has ended a run. */
  runEnded(): void {
    this.#recycling.runEnded();
    this.#watch?.lookAgain();
  }

  /** The current worker is gone. */
  ended(): void {
    this.#recycling.ended();
  }

  /** The agent has ended. */
  stopped(): void {
    this.#recycling.ended();
    this.#watch?.close();
  }
}

/** Runs as they may be shown: what people are asked may hold secrets, and may be long. */

import type { ToldAsk, ToldRun } from "./inspected-system.ts";
import { type Sanitise, sanitised } from "./sanitise.ts";
import { summarise, summariseText } from "./summarise.ts";

const argsLimits = { maxDepth: 4, maxValues: 60, maxFields: 20, maxChars: 200 };
/** Of an error's message. */
const maxErrorChars = 500;

/** Makes them, for one who looks again and again: what does not change is summarised once. */
export class ShownRuns {
  readonly #sanitise: Sanitise | undefined;
  readonly #asks = new WeakMap<ToldAsk, ToldAsk>();

  /** @param sanitise may throw: what it threw at is not shown */
  constructor(sanitise?: Sanitise) {
    this.#sanitise = sanitise;
  }

  /** These runs. */
  of(runs: readonly ToldRun[]): ToldRun[] {
    return runs.map(({ idempotencyKey, waits, asks, error, ...run }) => ({
      ...run,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey: summariseText(idempotencyKey) }),
      ...(waits === undefined ? {} : { waits: waits.map((wait) => ({ ...wait, ...this.#asked(wait.asks) })) }),
      ...this.#asked(asks),
      ...(error === undefined ? {} : { error: summariseText(error, maxErrorChars) }),
    }));
  }

  #asked(asks: readonly ToldAsk[] | undefined): { readonly asks?: readonly ToldAsk[] } {
    return asks === undefined ? {} : { asks: asks.map((ask) => this.#ask(ask)) };
  }

  #ask(ask: ToldAsk): ToldAsk {
    let shown = this.#asks.get(ask);
    if (shown === undefined) {
      shown = { ...ask, args: summarise(sanitised(this.#sanitise, ask.args, "arguments"), argsLimits) };
      this.#asks.set(ask, shown);
    }
    return shown;
  }
}

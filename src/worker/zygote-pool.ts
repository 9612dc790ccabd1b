/** The zygotes of one launcher: one for each interpreter and environment, started when it is needed and ended when nobody needs it. */

import { type Clock, createTimer, type Timer } from "./clock.ts";
import type { WorkerSpec } from "./launcher.ts";
import { Zygote, type ZygoteParts } from "./zygote.ts";

/** How long a zygote without a worker is kept: longer than an agent waits between two starts, as a rule. */
const idleMs = 60_000;

interface Kept {
  readonly zygote: Zygote;
  /** The agents that have a worker of it, or wait for one, and how many. */
  readonly agents: Map<string, number>;
  /** Runs while there is none. */
  readonly idle: Timer;
  /** Whose its last worker was. */
  lastAgent: string | undefined;
}

/** What the pool starts zygotes with. */
export interface ZygotePoolParts extends Omit<ZygoteParts, "interpreter" | "env" | "hurried" | "clock"> {
  readonly clock: Clock;
  /** Where idle zygotes wait: its timers must not keep the host's event loop alive. */
  readonly idleClock: Clock;
}

/** Which zygote a worker's comes from: those of one interpreter and environment share it. */
export function zygoteKey({ interpreter, env }: Pick<WorkerSpec, "interpreter" | "env">): string {
  return JSON.stringify([interpreter, Object.entries(env).sort()]);
}

/** Keeps zygotes. */
export class ZygotePool {
  readonly #parts: ZygotePoolParts;
  readonly #kept = new Map<string, Kept>();
  readonly #ending = new Set<Promise<void>>();

  constructor(parts: ZygotePoolParts) {
    this.#parts = parts;
  }

  /**
   * The zygote of this key for a worker, and what is to be called when that worker has ended.
   * @throws what the constructor of {@link Zygote} throws
   */
  enter(spec: WorkerSpec, key: string): { zygote: Zygote; leave: () => void } {
    let kept = this.#kept.get(key);
    if (kept === undefined || kept.zygote.lost) {
      kept?.idle.clear();
      kept = this.#start(spec, kept !== undefined);
      this.#kept.set(key, kept);
    }
    const { agentId } = spec;
    const { zygote, agents, idle } = kept;
    idle.clear();
    agents.set(agentId, (agents.get(agentId) ?? 0) + 1);
    for (const [otherKey, other] of this.#kept) {
      if (other !== kept && other.agents.size === 0 && other.lastAgent === agentId) this.#end(otherKey, other);
    }
    const release = zygote.hold();
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const entered = kept;
    void left.then(() => {
      release();
      this.#leave(key, entered, agentId);
    });
    return { zygote, leave };
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    for (const [key, kept] of this.#kept) this.#end(key, kept);
    await Promise.all(this.#ending);
  }

  #start({ interpreter, env }: WorkerSpec, hurried: boolean): Kept {
    const zygote = new Zygote({ ...this.#parts, interpreter, env, hurried });
    return { zygote, agents: new Map(), idle: createTimer(this.#parts.idleClock), lastAgent: undefined };
  }

  #leave(key: string, kept: Kept, agentId: string): void {
    const count = (kept.agents.get(agentId) ?? 1) - 1;
    if (count > 0) {
      kept.agents.set(agentId, count);
      return;
    }
    kept.agents.delete(agentId);
    kept.lastAgent = agentId;
    if (kept.agents.size > 0 || this.#kept.get(key) !== kept) return;
    const replaced = [...this.#kept.values()].some((other) => other !== kept && other.agents.has(agentId));
    // A lost one stays, too, as long: the next one is in a hurry if it takes its place.
    if (replaced) this.#end(key, kept);
    else kept.idle.set(idleMs, () => this.#end(key, kept));
  }

  #end(key: string, kept: Kept): void {
    kept.idle.clear();
    if (this.#kept.get(key) === kept) this.#kept.delete(key);
    const ended = kept.zygote.close().then(() => void this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

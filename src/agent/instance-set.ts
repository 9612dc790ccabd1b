/** The instances of one agent: which there are, which are wanted, and their places under their supervisor. */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { ChildSpec } from "../otp/supervisor/child-spec.ts";
import type { Supervisor } from "../otp/supervisor/supervisor.ts";
import { Instance, type InstanceOwner } from "./instance.ts";
import type { InstanceLimits } from "./instance-limits.ts";
import type { RestartOptions } from "./restart-options.ts";
import { Scaling } from "./scaling.ts";
import { slotShutdownMs } from "./spec.ts";

/** What the instances need of their agent. */
export interface InstanceSetParts {
  readonly owner: InstanceOwner;
  readonly limits: InstanceLimits;
  /** What callers use to reach the agent. */
  readonly handle: () => unknown;
  readonly clock: () => Clock;
  readonly supervisor: () => Supervisor | undefined;
  /** Whether what waits waits for a policy: more instances would not help. */
  readonly held: () => boolean;
  /** Some instance serves that did not, or does no more. */
  readonly readinessChanged: () => void;
  /** There is one more, or one less that serves. */
  readonly scaled: (instance: Instance, count: number, because: string) => void;
}

/** The instances of one agent. */
export class InstanceSet {
  readonly #parts: InstanceSetParts;
  readonly #scaling: Scaling<Instance>;
  /** By number, the lowest first. Those that are retired are no longer among them. */
  #list: Instance[] = [];
  /** Those that are not wanted any more, until their supervisor has forgotten them. */
  readonly #retiring = new Set<Instance>();
  #ending = false;

  constructor(parts: InstanceSetParts) {
    this.#parts = parts;
    const { spec, queue } = parts.owner;
    this.#scaling = new Scaling<Instance>({
      limits: parts.limits,
      maxConcurrency: spec.maxConcurrency,
      clock: parts.clock,
      waiting: () => queue.waitingCount,
      oldestWaitMs: () => (parts.held() ? undefined : queue.oldestWaitMs),
      instances: () => this.#list,
      isStarting: ({ state }) => state === "starting" || state === "restarting",
      isIdle: ({ state, mailbox }) => state === "ready" && mailbox.heldCount === 0,
      add: (because) => this.#add(because),
      retire: (instance, because) => this.#retire(instance, because),
    });
  }

  /** Those that are wanted, by number. */
  get list(): readonly Instance[] {
    return this.#list;
  }

  /** Those, and those that may hold runs although they are not wanted any more. */
  get all(): readonly Instance[] {
    return this.#retiring.size === 0 ? this.#list : [...this.#list, ...this.#retiring];
  }

  /** What a supervisor of them begins with. */
  begin(): ChildSpec[] {
    this.#ending = false;
    this.#retiring.clear();
    const { min } = this.#parts.limits;
    this.#list = this.#list.slice(0, min);
    while (this.#list.length < min) this.#create();
    return this.#list.map((instance) => this.#childSpec(instance));
  }

  /** Replaces one after the other, so that the others serve meanwhile. */
  async restart(options: RestartOptions): Promise<void> {
    for (const instance of [...this.#list]) {
      // One that was retired meanwhile is not wanted back.
      if (this.#list.includes(instance)) await instance.restart(options);
    }
  }

  /** Settles when all serve. */
  async allReady(): Promise<void> {
    await Promise.all(this.#list.map(({ ready }) => ready));
  }

  /** The queue, or what they do, is another than before. */
  changed(): void {
    if (!this.#ending) this.#scaling.changed();
  }

  /** Somebody waits for a worker: there is to be one. */
  wake(): void {
    if (!this.#ending) this.#scaling.wake();
  }

  /** Ends all at the same time. */
  end(reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#scaling.stop();
    for (const instance of this.all) if (!instance.life.stopped) instance.end(reason);
  }

  /** One has ended: its supervisor is told, or forgets it. */
  ended(instance: Instance): void {
    if (!this.#retiring.has(instance) || this.#ending) {
      instance.life.ended();
      return;
    }
    const supervisor = this.#parts.supervisor();
    const forgotten = async () => {
      await supervisor?.terminateChild(instance.id);
      if (instance.life.spec.restart !== "temporary") await supervisor?.deleteChild(instance.id);
    };
    const done = () => void this.#retiring.delete(instance);
    // After the turn, when its state says that it has ended. A supervisor that is itself ending forgets all of its children.
    this.#parts.owner.shared.outbox.tell(() => void forgotten().then(done, done));
  }

  #create(): Instance {
    const { owner, readinessChanged } = this.#parts;
    const taken = new Set(this.all.map(({ id }) => id));
    let number = 1;
    while (taken.has(idOf(owner, number))) number += 1;
    const instance = new Instance(owner, idOf(owner, number), readinessChanged);
    const behind = this.#list.findIndex(({ id }) => numberOf(id) > number);
    this.#list.splice(behind === -1 ? this.#list.length : behind, 0, instance);
    return instance;
  }

  #childSpec(instance: Instance): ChildSpec {
    const { spec } = this.#parts.owner;
    const { restart, policy } = spec;
    return {
      id: instance.id,
      restart,
      shutdownMs: slotShutdownMs(spec),
      ...(policy === undefined ? {} : { policy }),
      start: (scope) => instance.start(scope, this.#parts.handle()),
    };
  }

  #add(because: string): void {
    const supervisor = this.#parts.supervisor();
    if (supervisor === undefined) return;
    const instance = this.#create();
    this.#parts.scaled(instance, this.#list.length, because);
    supervisor.startChild(this.#childSpec(instance)).catch(() => {
      // Its supervisor is ending, and begins with others.
      this.#remove(instance);
    });
  }

  #retire(instance: Instance, because: string): void {
    this.#remove(instance);
    this.#retiring.add(instance);
    this.#parts.scaled(instance, this.#list.length, because);
    instance.life.retire();
  }

  #remove(instance: Instance): void {
    this.#list = this.#list.filter((other) => other !== instance);
  }
}

function idOf({ spec }: InstanceOwner, number: number): string {
  return `${spec.id}/${number}`;
}

function numberOf(instanceId: string): number {
  return Number(instanceId.slice(instanceId.lastIndexOf("/") + 1));
}

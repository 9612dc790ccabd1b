/** The same child many times, each its own partition, and a route from keys to partitions. Source: Elixir's PartitionSupervisor. */

import { describeValue } from "../../describe-value.ts";
import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import type { AnyRestartPolicy } from "../policy/restart-policy.ts";
import { checkObject } from "../process/argument.ts";
import { self } from "../process/current.ts";
import type { Process } from "../process/process.ts";
import { type NameService, processIn, type Via } from "../process/target.ts";
import { hashOf, keyText } from "../registry/key-map.ts";
import type { Ref, TypedVia } from "../request/protocol.ts";
import { checkName } from "../start/names.ts";
import type { ChildSpec } from "./child-spec.ts";
import type { DynamicChildSpec } from "./dynamic.ts";
import type { SupervisorHost } from "./host.ts";
import { normalizeSupervisorSpec, type SupervisorSpec } from "./spec.ts";
import type { CheckedChild, RefOfChild } from "./spec-inference.ts";
import {
  findSupervisor,
  type NestedSupervisor,
  nested,
  type SupervisorStartOptions,
  type SupervisorTarget,
} from "./start.ts";
import { type ChildInfo, Supervisor } from "./supervisor.ts";

/** The flags of a partition supervisor. */
export interface PartitionSupervisorSpec<Child extends DynamicChildSpec = DynamicChildSpec> {
  /** How callers find it: keys are routed by this name, which outlives a restart. */
  readonly name: string | Via;
  /** How many; an integer of 1 or more. One thread runs them all: a partition bounds a queue, a state or a restart, it adds no speed. */
  readonly partitions: number;
  /** The specification of every partition, or a function of its index (0, 1, 2, …). Its id is the index. */
  readonly child: Child | ((partition: number) => Child);
  /** Restarts allowed within `periodMs`, over all partitions; default 3. */
  readonly maxRestarts?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
  /** Asked before restart types and intensity: they answer where it passes. */
  readonly policy?: AnyRestartPolicy;
}

/** A partition supervisor as a child of another supervisor; its default id is its name. */
export type NestedPartitionSupervisorSpec<Child extends DynamicChildSpec = DynamicChildSpec> =
  PartitionSupervisorSpec<Child> & Partial<Pick<SupervisorSpec, "id" | "restart" | "shutdownMs" | "significant">>;

/**
 * A running partition supervisor. Make one with `startPartitionSupervisor`. Its children have the ids "0", "1", "2", … Address a partition by
 * `partition(name, key)`, or by `{ via: partitionSupervisor, key }`.
 */
export class PartitionSupervisor<Child extends DynamicChildSpec = DynamicChildSpec>
  extends Supervisor
  implements NameService
{
  readonly #ids: readonly string[];
  #partitions: number;
  #resizing: Promise<unknown> = Promise.resolve();

  constructor(spec: PartitionSupervisorSpec<Child>, host: SupervisorHost) {
    const children = partitionSpecs(spec);
    const { maxRestarts, periodMs, policy } = spec;
    const flags = {
      ...(maxRestarts === undefined ? {} : { maxRestarts }),
      ...(periodMs === undefined ? {} : { periodMs }),
      ...(policy === undefined ? {} : { policy }),
    };
    super(normalizeSupervisorSpec({ id: idOf(spec.name), ...flags, children }), { ...host, name: spec.name });
    this.#ids = children.map((_, index) => String(index));
    this.#partitions = children.length;
  }

  /** How many partitions keys are routed to. */
  get partitions(): number {
    return this.#partitions;
  }

  /**
   * The index of a key's partition: an integer's absolute value modulo their number; of any other key a hash of its content, the same in every
   * program (of class instances, functions and symbols it is the same while the program runs).
   * @throws ProcessError "noproc" when there are no partitions
   */
  partitionOf(key: unknown): number {
    if (this.#partitions === 0) {
      throw new ProcessError("noproc", `"${this.path}" has no partitions`, { reason: "noproc" });
    }
    return partitionOf(key, this.#partitions);
  }

  /** {@inheritDoc NameService.whereisName} Undefined while the key's partition does not run. */
  whereisName(key: unknown): Process | undefined {
    const ref = this.child(this.#ids[this.partitionOf(key)] as string)?.running?.ref;
    const process = processIn(ref);
    return process?.alive === true ? process : undefined;
  }

  override whichChildren(): ChildInfo<RefOfChild<Child>>[] {
    return super.whichChildren() as ChildInfo<RefOfChild<Child>>[];
  }

  override whichChild(id: string): ChildInfo<RefOfChild<Child>> {
    return super.whichChild(id) as ChildInfo<RefOfChild<Child>>;
  }

  /** @throws CallerError "invalid_argument": its partitions have their names already */
  registerName(key: unknown): void {
    throw invalidArgument(
      "name",
      `partition ${describeValue(key)}`,
      "a name that can be taken; partitions have theirs",
    );
  }

  /**
   * Changes how many partitions there are, up to the number it was started with. Those above are stopped, highest first, after keys are routed
   * elsewhere; those that come back are started before keys are routed to them. Resizes are carried out one after the other.
   * @returns the number before; rejects with CallerError "invalid_argument", and as `restartChild` when a partition does not start
   */
  async resize(partitions: number): Promise<number> {
    const most = this.#ids.length;
    if (!Number.isInteger(partitions) || partitions < 0 || partitions > most) {
      throw invalidArgument("partitions", partitions, `an integer from 0 to ${most}`);
    }
    const resized = this.#resizing.then(() => this.#resizeNow(partitions));
    this.#resizing = resized.catch(() => undefined);
    return resized;
  }

  async #resizeNow(partitions: number): Promise<number> {
    this.checkRunning();
    const before = this.#partitions;
    if (partitions < before) this.#partitions = partitions;
    for (let index = before - 1; index >= partitions; index -= 1) await this.terminateChild(this.#ids[index] as string);
    for (let index = before; index < partitions; index += 1) {
      const id = this.#ids[index] as string;
      // A stop that failed half-way may have left it running.
      if (this.whichChild(id).status === "stopped") await this.restartChild(id);
      this.#partitions = index + 1;
    }
    return before;
  }
}

/**
 * Starts a partition supervisor under its name; options as of `startSupervisor`.
 * @returns rejects with CallerError "invalid_argument" before anything starts, or "already_started"; ProcessError "start_failed"
 */
export async function startPartitionSupervisor<Child extends DynamicChildSpec>(
  spec: PartitionSupervisorSpec<Child & CheckedChild<Child>>,
  options: Omit<SupervisorStartOptions, "name"> = {},
): Promise<PartitionSupervisor<Child>> {
  const supervisor = new PartitionSupervisor<Child>(spec, options);
  await supervisor.start(options.link === true ? self() : undefined);
  return supervisor;
}

/** Makes a partition supervisor that nests. @throws CallerError "invalid_argument" */
export function definePartitionSupervisor<Child extends DynamicChildSpec, const Id extends string = string>(
  spec: NestedPartitionSupervisorSpec<Child & CheckedChild<Child>> & { readonly id?: Id },
): NestedSupervisor<PartitionSupervisor<Child>, Id> {
  checkObject("spec", spec, "a partition supervisor's spec");
  const { id, restart, shutdownMs, significant, ...own } = spec;
  partitionSpecs(own);
  const child = {
    ...(restart === undefined ? {} : { restart }),
    ...(shutdownMs === undefined ? {} : { shutdownMs }),
    ...(significant === undefined ? {} : { significant }),
  };
  return nested((id ?? idOf(spec.name)) as Id, child, (host) => new PartitionSupervisor<Child>(own, host));
}

/**
 * The address of a key's partition, for `call`, `send`, `startChild` and their kin: looked up whenever it is used. While nobody has the name, or
 * the partition does not run, it is the address of nobody.
 */
export function partition<Child extends DynamicChildSpec>(
  supervisor: PartitionSupervisor<Child>,
  key: unknown,
): RefOfChild<Child> extends Ref<infer P> ? TypedVia<P> : Via;
export function partition(supervisor: SupervisorTarget, key: unknown): Via;
export function partition(supervisor: SupervisorTarget, key: unknown): Via {
  return {
    key,
    via: {
      whereisName: () => find(supervisor)?.whereisName(key),
      registerName: () => find(supervisor)?.registerName(key),
    },
  };
}

/**
 * How many partitions a partition supervisor has.
 * @throws ProcessError "noproc" when nobody has the name; CallerError "not_found" when it is no partition supervisor
 */
export function partitions(supervisor: SupervisorTarget): number {
  const found = findSupervisor(supervisor);
  if (found instanceof PartitionSupervisor) return found.partitions;
  const facts = { field: "supervisor", value: supervisor };
  throw new CallerError("not_found", `supervisor "${found.path}" has no partitions`, facts);
}

function find(target: SupervisorTarget): PartitionSupervisor | undefined {
  try {
    const found = findSupervisor(target);
    return found instanceof PartitionSupervisor && found.process.alive ? found : undefined;
  } catch (error) {
    if (error instanceof ProcessError) return undefined;
    throw error;
  }
}

function partitionOf(key: unknown, count: number): number {
  if (typeof key === "number" && Number.isInteger(key)) return Math.abs(key) % count;
  if (typeof key === "bigint") return Number((key < 0n ? -key : key) % BigInt(count));
  return hashOf(typeof key === "string" ? key : keyText(key)) % count;
}

function idOf(name: string | Via): string {
  if (typeof name === "string") return name;
  return typeof name.key === "string" ? name.key : describeValue(name.key);
}

const flags = new Set(["name", "partitions", "child", "maxRestarts", "periodMs", "policy"]);

/** Checks the flags and makes the specification of every partition. @throws CallerError "invalid_argument" */
function partitionSpecs(spec: PartitionSupervisorSpec): ChildSpec[] {
  checkObject("spec", spec, "a partition supervisor's spec");
  const { name, partitions: count, child } = spec;
  if (name === undefined) throw invalidArgument("spec.name", name, "a non-empty string or { via, key }");
  checkName(name, "spec.name");
  if (!Number.isInteger(count) || count < 1) throw invalidArgument("spec.partitions", count, "an integer of 1 or more");
  for (const [flag, value] of Object.entries(spec)) {
    if (value !== undefined && !flags.has(flag)) {
      throw invalidArgument(`spec.${flag}`, value, "absent: a partition supervisor takes no such flag");
    }
  }
  if (typeof child !== "function" && (typeof child !== "object" || child === null)) {
    throw invalidArgument("spec.child", child, "a child spec, or a function that makes one of an index");
  }
  return Array.from({ length: count }, (_, index) => {
    const made: unknown = typeof child === "function" ? child(index) : child;
    if (typeof made !== "object" || made === null) {
      throw invalidArgument("spec.child", made, `a function that makes a child spec (of partition ${index})`);
    }
    return { ...made, id: String(index) } as ChildSpec;
  });
}

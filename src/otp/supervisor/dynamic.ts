/** The supervisor of children that come and go: one_for_one, without ids, stopped all at once. Source: Elixir's DynamicSupervisor. */

import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import type { AnyRestartPolicy } from "../policy/restart-policy.ts";
import { type Child, type ChildHost, clearDelay, createChild } from "./child.ts";
import { type ChildSpec, type NormalChildSpec, normalizeChildSpec } from "./child-spec.ts";
import { SupervisorCore } from "./core.ts";
import { reasonOfStart } from "./deciding.ts";
import type { SupervisorHost } from "./host.ts";
import { isRecord, type NormalSupervisorSpec, normalizeSupervisorSpec } from "./spec.ts";
import type { CheckedChild, StartedBy } from "./spec-inference.ts";
import type { Started } from "./starting.ts";
import { answerOf, type ChildInfo, childInfo } from "./supervisor.ts";

/** The flags of a dynamic supervisor. */
export interface DynamicSupervisorSpec {
  /** Default "dynamic_supervisor". */
  readonly id?: string;
  /** Restarts allowed within `periodMs`; default 3. */
  readonly maxRestarts?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
  /** Children at a time, those that restart included; default "infinity". */
  readonly maxChildren?: number | "infinity";
  /** Asked before restart types and intensity: they answer where it passes. */
  readonly policy?: AnyRestartPolicy;
  /** Makes the specification of every child from what startChild is given; for arguments that all children share. */
  readonly prepare?: (spec: ChildSpec) => ChildSpec;
}

/** A child specification without an id of its own. */
export type DynamicChildSpec<Id extends string = string> =
  ChildSpec<Id> extends infer Spec ? (Spec extends unknown ? Omit<Spec, "id"> & { readonly id?: Id } : never) : never;

/** A running dynamic supervisor. Make one with `startDynamicSupervisor`. */
export class DynamicSupervisor extends SupervisorCore {
  readonly #children = new Set<Child>();
  /** By the ref of the incarnation that runs or, while it restarts, ran last. */
  readonly #byRef = new Map<unknown, Child>();
  readonly #maxChildren: number;
  readonly #prepare: ((spec: ChildSpec) => ChildSpec) | undefined;
  #count = 0;

  constructor(spec: DynamicSupervisorSpec, host: SupervisorHost) {
    super(normalizeDynamicSpec(spec), host);
    const { maxChildren = "infinity", prepare } = spec;
    this.#maxChildren = maxChildren === "infinity" ? Number.POSITIVE_INFINITY : maxChildren;
    this.#prepare = prepare;
  }

  /**
   * Starts a child and settles with its ref, or with `{ ref, info }` when its start function answers that. The specification is checked before the
   * supervisor is asked.
   * @returns rejects with CallerError "invalid_argument", "queue_full" (`maxChildren` reached), "already_started" (the name is taken; `value` is its
   * holder) or "stopped"; ProcessError "start_failed" (`reason` is the child's) or "ignored". Nothing is kept then
   */
  async startChild<Id extends string, Spec extends DynamicChildSpec<Id>>(
    given: Spec & CheckedChild<Spec>,
  ): Promise<Exclude<StartedBy<Spec>, undefined>> {
    if (!isRecord(given)) throw invalidArgument("spec", given, "a child spec");
    const spec = given as unknown as ChildSpec;
    const prepared = this.#prepare === undefined ? spec : this.#prepare({ id: "child", ...spec });
    const normal = normalizeChildSpec(prepared, "spec", "child");
    if (normal.significant)
      throw invalidArgument("spec.significant", true, "absent: a dynamic supervisor has no auto_shutdown");
    this.checkRunning();
    const started = await this.queue.call(async () => {
      this.checkRunning();
      if (this.#children.size >= this.#maxChildren) {
        const message = `supervisor "${this.path}" has ${this.#children.size} children and takes at most ${this.#maxChildren}`;
        throw new CallerError("queue_full", message, { field: "maxChildren", value: this.#maxChildren });
      }
      this.#count += 1;
      const child = createChild(normal, `${this.path}/${this.#count}`);
      this.#children.add(child);
      let how: Started;
      try {
        how = await this.startNow(child, "request");
        if (how === "ignored") {
          throw new ProcessError("ignored", `the child chose not to start under "${this.path}"`, { reason: "ignore" });
        }
      } catch (error) {
        this.#forget(child);
        throw error;
      }
      this.#byRef.set(child.running?.ref, child);
      return answerOf(child, how);
    });
    return started as Exclude<StartedBy<Spec>, undefined>;
  }

  /**
   * Stops a child by its ref; of a child that restarts, the ref it had.
   * @returns rejects with CallerError "not_found" or "stopped"
   */
  async terminateChild(ref: unknown): Promise<void> {
    this.checkRunning();
    await this.queue.call(async () => {
      this.checkRunning();
      const child = this.#get(ref);
      await this.stopOne(child);
      this.#forget(child);
    });
  }

  /** The children, in no promised order; none has an id. */
  whichChildren(): ChildInfo[] {
    return this.children().map((child) => ({ ...childInfo(child), id: undefined }));
  }

  /** One child by its ref. @throws CallerError "not_found" */
  whichChild<Ref>(ref: Ref): ChildInfo<Ref> {
    return { ...(childInfo(this.#get(ref)) as ChildInfo<Ref>), id: undefined };
  }

  /** The specification of a child, by its ref. @throws CallerError "not_found" */
  getChildSpec(ref: unknown): NormalChildSpec {
    return this.#get(ref).spec;
  }

  protected override children(): Child[] {
    return [...this.#children];
  }

  protected override get size(): number {
    return this.#children.size;
  }

  protected override control(): ChildHost["control"] {
    return {
      terminateChild: async (id) => {
        const child = this.children().find(({ spec }) => spec.id === id);
        await this.terminateChild(child?.running?.ref);
      },
      restartChild: () =>
        Promise.reject(new CallerError("not_found", "a dynamic supervisor keeps no stopped children")),
    };
  }

  protected override get alone(): boolean {
    return true;
  }

  protected override owns(child: Child): boolean {
    return this.#children.has(child);
  }

  protected override startFirst(): void {
    // Children come later.
  }

  protected override async stopAll(): Promise<void> {
    await Promise.all(this.children().map((child) => this.stopOne(child)));
  }

  protected override restartGroup(child: Child): void | Promise<void> {
    const before = child.lastRef;
    const known = (how: "failed" | undefined): void => {
      if (how === "failed" || child.running === undefined) return;
      this.#byRef.delete(before);
      this.#byRef.set(child.running.ref, child);
    };
    const started = this.startAgain(child);
    return started instanceof Promise ? started.then(known) : known(started);
  }

  protected override startError(_child: Child, error: unknown): ProcessError {
    const message = `supervisor "${this.path}" could not start a child`;
    return new ProcessError("start_failed", message, { cause: error, reason: reasonOfStart(error) });
  }

  protected override left(child: Child): void {
    this.#forget(child);
  }

  #forget(child: Child): void {
    clearDelay(child, this.clock);
    this.#children.delete(child);
    this.#byRef.delete(child.lastRef);
  }

  #get(ref: unknown): Child {
    const child = this.#byRef.get(ref);
    if (child !== undefined) return child;
    throw new CallerError("not_found", `supervisor "${this.path}" has no such child`, { field: "ref", value: ref });
  }
}

/**
 * Checks the flags of a dynamic supervisor and fills in the defaults.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function normalizeDynamicSpec(spec: DynamicSupervisorSpec): NormalSupervisorSpec {
  if (!isRecord(spec)) throw invalidArgument("spec", spec, "a dynamic supervisor's spec");
  const { maxChildren = "infinity", prepare } = spec;
  if (maxChildren !== "infinity" && !(Number.isInteger(maxChildren) && maxChildren >= 0)) {
    throw invalidArgument("spec.maxChildren", maxChildren, 'an integer of 0 or more, or "infinity"');
  }
  if (prepare !== undefined && typeof prepare !== "function")
    throw invalidArgument("spec.prepare", prepare, "a function");
  const { strategy, autoShutdown, children } = spec as Record<"strategy" | "autoShutdown" | "children", unknown>;
  if (strategy !== undefined && strategy !== "one_for_one") {
    throw invalidArgument("spec.strategy", strategy, '"one_for_one"');
  }
  if (autoShutdown !== undefined)
    throw invalidArgument("spec.autoShutdown", autoShutdown, "absent for a dynamic supervisor");
  if (children !== undefined) {
    throw invalidArgument("spec.children", children, "absent: a dynamic supervisor's children come with startChild");
  }
  const { id = "dynamic_supervisor", maxRestarts, periodMs, policy } = spec;
  return normalizeSupervisorSpec({
    id,
    ...(maxRestarts === undefined ? {} : { maxRestarts }),
    ...(periodMs === undefined ? {} : { periodMs }),
    ...(policy === undefined ? {} : { policy }),
  });
}

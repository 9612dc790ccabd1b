/** The supervisor of a fixed list of children: one_for_one, one_for_all or rest_for_one. Source: OTP's supervisor. */

import { describeValue } from "../../describe-value.ts";
import { CallerError } from "../../errors.ts";
import { type Child, type ChildHost, createChild } from "./child.ts";
import { type ChildSpec, type NormalChildSpec, normalizeChildSpec } from "./child-spec.ts";
import { SupervisorCore } from "./core.ts";
import type { StartedWithInfo } from "./running-child.ts";
import { checkSignificant } from "./spec.ts";
import type { CheckedChild, RefOfId, StartedBy, StartedById } from "./spec-inference.ts";
import type { Started } from "./starting.ts";

/** An entry of `whichChildren`. */
export interface ChildInfo<Ref = unknown> {
  /** Undefined for the children of a dynamic supervisor. */
  id: string | undefined;
  /** The running child; undefined when it does not run. */
  ref: Ref | undefined;
  status: "running" | "stopped" | "restarting";
  type: "worker" | "supervisor";
}

/** A running supervisor. Make one with `startSupervisor`. `Children` are the specifications it was started with, as far as TypeScript knows them. */
export class Supervisor<Children extends readonly ChildSpec[] = readonly ChildSpec[]> extends SupervisorCore {
  readonly #children = new Map<string, Child>();

  /**
   * Adds a child at the end and starts it; settles with its ref when it has started, and with `{ ref, info }` when its start function answers that. A
   * child that chooses not to start is kept and answers undefined.
   * @returns rejects with CallerError "invalid_argument", "already_started" (the id runs, or the name is taken; `value` is who has it),
   * "already_present" or "stopped"; ProcessError "start_failed". Nothing is kept then
   */
  async startChild<Id extends string, Spec extends ChildSpec<Id>>(
    spec: Spec & CheckedChild<Spec>,
  ): Promise<StartedBy<Spec> | undefined> {
    const normal = normalizeChildSpec(spec);
    checkSignificant(normal, this.spec.autoShutdown, "spec");
    this.checkRunning();
    const started = await this.queue.call(async () => {
      this.checkRunning();
      const present = this.#children.get(normal.id);
      if (present !== undefined) throw this.#presentError(present);
      const child = createChild(normal, `${this.path}/${normal.id}`);
      this.#children.set(normal.id, child);
      let how: Started;
      try {
        how = await this.startNow(child, "request");
      } catch (error) {
        this.#children.delete(normal.id);
        throw error;
      }
      if (child.status === "stopped") this.left(child, false);
      return answerOf(child, how);
    });
    return started as StartedBy<Spec> | undefined;
  }

  /**
   * Stops a child as its `shutdownMs` says and keeps its specification (a temporary child's is dropped). A stopped child is fine; a restart
   * that waits is dropped. Never counts as a restart and never triggers `autoShutdown`.
   * @returns rejects with CallerError "not_found" or "stopped"
   */
  async terminateChild(id: string): Promise<void> {
    this.checkRunning();
    await this.queue.call(async () => {
      this.checkRunning();
      const child = this.#get(id);
      await this.stopOne(child);
      child.status = "stopped";
      if (child.spec.restart === "temporary") this.#children.delete(id);
    });
  }

  /**
   * Starts a child that does not run, and settles as `startChild`. Does not count as a restart of the policy.
   * @returns rejects with CallerError "not_found", "already_started" (it runs, or its name is taken; `value` is who has it), "already_present" (it is
   * restarting) or "stopped"; ProcessError "start_failed" (`reason` is the child's). The specification is kept
   */
  async restartChild<Id extends string>(id: Id): Promise<StartedById<Children, Id> | undefined> {
    this.checkRunning();
    const started = await this.queue.call(async () => {
      this.checkRunning();
      const child = this.#get(id);
      if (child.status !== "stopped") throw this.#presentError(child);
      return answerOf(child, await this.startNow(child, "again"));
    });
    return started as StartedById<Children, Id> | undefined;
  }

  /**
   * Forgets a child that does not run.
   * @returns rejects with CallerError "not_found", "already_started", "already_present" (it is restarting) or "stopped"
   */
  async deleteChild(id: string): Promise<void> {
    this.checkRunning();
    await this.queue.call(() => {
      this.checkRunning();
      const child = this.#get(id);
      if (child.status !== "stopped") throw this.#presentError(child);
      this.#children.delete(id);
    });
  }

  /** The children, newest first. */
  whichChildren(): ChildInfo[] {
    return this.children().reverse().map(childInfo);
  }

  /** One child. @throws CallerError "not_found" */
  whichChild<Id extends string>(id: Id): ChildInfo<RefOfId<Children, Id>> {
    return childInfo(this.#get(id)) as ChildInfo<RefOfId<Children, Id>>;
  }

  /** A child's specification with its defaults filled in. @throws CallerError "not_found" */
  getChildSpec(id: string): NormalChildSpec {
    return this.#get(id).spec;
  }

  /** The record of a child; undefined when there is none. */
  protected child(id: string): Child | undefined {
    return this.#children.get(id);
  }

  protected override children(): Child[] {
    return [...this.#children.values()];
  }

  protected override get size(): number {
    return this.#children.size;
  }

  protected override control(): ChildHost["control"] {
    return this;
  }

  protected override get alone(): boolean {
    return this.spec.strategy === "one_for_one";
  }

  protected override owns(child: Child): boolean {
    return this.#children.get(child.spec.id) === child;
  }

  protected override async startFirst(): Promise<void> {
    for (const spec of this.spec.children) {
      if (this.ending) return;
      const child = createChild(spec, `${this.path}/${spec.id}`);
      this.#children.set(spec.id, child);
      const started = this.startNow(child, "first");
      if (started instanceof Promise) await started;
      if (child.status === "stopped") this.left(child, false);
    }
  }

  protected override async stopAll(): Promise<void> {
    for (const child of this.children().reverse()) {
      const stopping = this.stopOne(child);
      if (stopping !== undefined) await stopping;
    }
  }

  protected override restartGroup(child: Child): void | Promise<void> {
    if (!this.alone) return this.#restartSiblings(child);
    const started = this.startAgain(child);
    return started instanceof Promise ? started.then(() => undefined) : undefined;
  }

  protected override left(child: Child, byItself: boolean): void {
    const { id, restart, significant } = child.spec;
    if (restart === "temporary") this.#children.delete(id);
    const { autoShutdown } = this.spec;
    if (!byItself || !significant || autoShutdown === "never" || this.ending) return;
    const others = this.children().some((other) => other !== child && other.spec.significant && isUp(other));
    if (autoShutdown === "any_significant" || !others) this.endWithShutdown();
  }

  /** rest_for_one and one_for_all: stops the affected siblings in reverse order, then starts every kept specification in order. */
  async #restartSiblings(child: Child): Promise<void> {
    const all = this.children();
    const affected = this.spec.strategy === "one_for_all" ? all : all.slice(all.indexOf(child));
    for (const sibling of affected.toReversed()) {
      if (sibling === child) {
        if (child.running !== undefined && child.running.resident === undefined) await this.stopOne(child);
        continue;
      }
      // A temporary sibling is not kept for a restart, whatever it does at the moment.
      await this.stopOne(sibling, sibling.spec.restart === "temporary" ? "stop" : "halt");
      if (sibling.spec.restart === "temporary") this.#children.delete(sibling.spec.id);
    }
    for (const sibling of affected) {
      if (!this.owns(sibling) || this.ending) continue;
      if ((await this.startAgain(sibling)) === "failed") return;
    }
  }

  #get(id: string): Child {
    const child = this.#children.get(id);
    if (child !== undefined) return child;
    throw new CallerError("not_found", `supervisor "${this.path}" has no child ${describeValue(id)}`, {
      field: "id",
      value: id,
    });
  }

  #presentError(child: Child): CallerError {
    const { id } = child.spec;
    const who = `child "${id}" of supervisor "${this.path}"`;
    if (child.status === "running") {
      return new CallerError("already_started", `${who} is running`, { field: "id", value: child.running?.ref });
    }
    const what = child.status === "stopped" ? "is kept but does not run: restart or delete it" : "is restarting";
    return new CallerError("already_present", `${who} ${what}`, { field: "id", value: id });
  }
}

/** Whether a child runs or is about to again. */
function isUp(child: Child): boolean {
  return child.status !== "stopped" && child.pendingExit === undefined;
}

/** What the one who has asked for a start is given. */
export function answerOf(child: Child, how: Started): unknown {
  const ref = child.running?.ref;
  return typeof how === "object" ? ({ ref, info: how.info } satisfies StartedWithInfo<unknown>) : ref;
}

/** A child's entry. */
export function childInfo({ spec, status, running }: Child): ChildInfo {
  return {
    id: spec.id,
    ref: status === "running" ? running?.ref : undefined,
    status: status === "starting" ? "restarting" : status,
    type: spec.type,
  };
}

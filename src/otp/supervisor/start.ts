/** The doors to supervisors: start one as a root, define one to nest, and ask a running one. */

import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { checkObject } from "../process/argument.ts";
import { self } from "../process/current.ts";
import { LocalProcess } from "../process/local-process.ts";
import { describeTarget, type HasProcess, resolveTarget, type Target } from "../process/target.ts";
import type { TreeNode } from "../report/tree.ts";
import {
  type ChildSpec,
  type DefinedChildSpec,
  type NormalChildSpec,
  normalizeChildSpec,
  normalizeChildSpecs,
} from "./child-spec.ts";
import { SupervisorCore } from "./core.ts";
import {
  type DynamicChildSpec,
  DynamicSupervisor,
  type DynamicSupervisorSpec,
  normalizeDynamicSpec,
} from "./dynamic.ts";
import type { SupervisorHost } from "./host.ts";
import { type AutoShutdown, checkSignificant, isRecord, normalizeSupervisorSpec, type SupervisorSpec } from "./spec.ts";
import type { CheckedChild, CheckedChildren, RefOfId, StartedBy, StartedById } from "./spec-inference.ts";
import { type ChildInfo, Supervisor } from "./supervisor.ts";
import type { ChildCounts } from "./telling.ts";

/** A specification whose child is a supervisor. */
export type NestedSupervisor<S extends SupervisorCore, Id extends string = string> = DefinedChildSpec<S, Id> & {
  readonly type: "supervisor";
};

/** A supervisor specification that stands among the children of another supervisor. Inert. */
export type SupervisorDefinition<
  Children extends readonly ChildSpec[] = readonly ChildSpec[],
  Id extends string = string,
> = NestedSupervisor<Supervisor<Children>, Id> & { readonly spec: SupervisorSpec };

/** What a supervisor is made of, its children checked one by one. */
type CheckedSpec<Children extends readonly ChildSpec[]> = Omit<SupervisorSpec, "id" | "children"> & {
  readonly children?: CheckedChildren<Children>;
};

/** A supervisor: as `startSupervisor` gave it, its process, or its name. */
export type SupervisorTarget = Target | HasProcess;

/** Options of a start. `link: true` links it to the process that is running. */
export interface SupervisorStartOptions extends SupervisorHost {
  readonly link?: boolean;
}

/**
 * Starts a supervisor as the root of a tree, or below the process that is running, and settles when its children have started.
 * @returns rejects with CallerError "invalid_argument" before anything starts, or "already_started" (the name is taken); ProcessError
 * "start_failed" (its `reason` names the child)
 */
export async function startSupervisor<Id extends string, Children extends readonly ChildSpec<Id>[] | []>(
  spec: CheckedSpec<Children> & { readonly id?: string },
  options: SupervisorStartOptions = {},
): Promise<Supervisor<Children>> {
  if (!isRecord(spec)) throw invalidArgument("spec", spec, "a supervisor spec");
  const normal = normalizeSupervisorSpec({ id: "supervisor", ...(spec as Partial<SupervisorSpec>) });
  checkObject("options", options);
  const { name } = spec as Partial<SupervisorSpec>;
  return begin(new Supervisor<Children>(normal, name === undefined ? options : { name, ...options }), options);
}

/** Starts a dynamic supervisor; options and errors as of `startSupervisor`. */
export async function startDynamicSupervisor(
  spec: DynamicSupervisorSpec = {},
  options: SupervisorStartOptions = {},
): Promise<DynamicSupervisor> {
  return begin(new DynamicSupervisor(spec, options), options);
}

async function begin<S extends SupervisorCore>(supervisor: S, { link = false }: SupervisorStartOptions): Promise<S> {
  await supervisor.start(link ? self() : undefined);
  return supervisor;
}

/**
 * Makes a supervisor that nests: put it among the `children` of a system or of another supervisor.
 * @throws CallerError "invalid_argument"
 */
export function defineSupervisor<
  const Id extends string,
  ChildId extends string,
  Children extends readonly ChildSpec<ChildId>[] | [],
>(spec: CheckedSpec<Children> & { readonly id: Id }): SupervisorDefinition<Children, Id> {
  const given = spec as unknown as SupervisorSpec;
  const normal = normalizeSupervisorSpec(given);
  return { ...nested(spec.id, given, (host) => new Supervisor<Children>(normal, host)), spec: given };
}

/** Makes a dynamic supervisor that nests. @throws CallerError "invalid_argument" */
export function defineDynamicSupervisor<const Id extends string>(
  spec: DynamicSupervisorSpec &
    Pick<SupervisorSpec, "restart" | "shutdownMs" | "significant" | "name"> & { readonly id: Id },
): NestedSupervisor<DynamicSupervisor, Id> {
  normalizeDynamicSpec(spec);
  return nested(spec.id, spec, (host) => new DynamicSupervisor(spec, host));
}

/** A supervisor and its parent have to be of one copy: they know each other's processes and messages by their classes. */
function foreignParent(id: string, path: string): CallerError {
  const message = `supervisor "${id}" (${path}) is of another copy of this package than its parent: two copies of synapse-otp are loaded; \`npm ls synapse-otp\` shows them`;
  return new CallerError("invalid_argument", message, { field: "children", value: id, rule: "made by one copy" });
}

/** A child specification whose child is a supervisor. */
export function nested<S extends SupervisorCore, Id extends string>(
  id: Id,
  spec: Pick<SupervisorSpec, "restart" | "shutdownMs" | "significant" | "name">,
  make: (host: SupervisorHost) => S,
): NestedSupervisor<S, Id> {
  return {
    id,
    type: "supervisor",
    restart: spec.restart ?? "permanent",
    shutdownMs: spec.shutdownMs ?? "infinity",
    significant: spec.significant ?? false,
    async start(scope) {
      if (!(scope.process instanceof LocalProcess)) throw foreignParent(id, scope.path);
      const supervisor = make({
        environment: scope.environment,
        onReport: scope.report,
        parent: {
          actor: scope.supervisor,
          process: scope.process,
          path: scope.path,
          runSeats: () => scope.runSeats(),
        },
        ...(spec.name === undefined ? {} : { name: spec.name }),
      });
      scope.began(supervisor.process);
      await supervisor.start();
      return supervisor;
    },
  };
}

/**
 * The supervisor behind a name, a key or a process; one that `startSupervisor` gave is found when it has ended, too: it tells what it was.
 * @throws ProcessError "noproc" when nobody lives there any more; CallerError "not_found" when it is no supervisor
 */
export function findSupervisor(target: SupervisorTarget): SupervisorCore {
  if (target instanceof SupervisorCore) return target;
  const process = resolveTarget(target);
  if (process?.alive === true && process.behaviour instanceof SupervisorCore) return process.behaviour;
  const who = describeTarget(target);
  if (process === undefined) throw new ProcessError("noproc", `there is no supervisor ${who}`, { reason: "noproc" });
  if (!process.alive) throw new ProcessError("noproc", `supervisor ${who} has ended`, { reason: "noproc" });
  throw new CallerError("not_found", `${who} is no supervisor`, { field: "supervisor", value: target });
}

function findStatic(target: SupervisorTarget): Supervisor {
  const supervisor = findSupervisor(target);
  if (supervisor instanceof Supervisor) return supervisor;
  throw invalidArgument("supervisor", supervisor.path, "a supervisor whose children have ids; this one is dynamic");
}

/**
 * Adds a child and starts it; settles with its ref. See `Supervisor.startChild` and `DynamicSupervisor.startChild`. A bad specification is refused
 * even where there is no supervisor.
 */
export function startChild<Id extends string, Spec extends DynamicChildSpec<Id>>(
  supervisor: DynamicSupervisor,
  spec: Spec & CheckedChild<Spec>,
): Promise<Exclude<StartedBy<Spec>, undefined>>;
export function startChild<Id extends string, Spec extends DynamicChildSpec<Id>>(
  supervisor: SupervisorTarget,
  spec: Spec & CheckedChild<Spec>,
): Promise<StartedBy<Spec> | undefined>;
export async function startChild(supervisor: SupervisorTarget, spec: DynamicChildSpec): Promise<unknown> {
  let found: SupervisorCore;
  try {
    found = findSupervisor(supervisor);
  } catch (error) {
    normalizeChildSpec(spec as ChildSpec, "spec", "child");
    throw error;
  }
  if (found instanceof DynamicSupervisor) return found.startChild(spec);
  return findStatic(found).startChild(spec as ChildSpec);
}

/** Stops a child by id (dynamic: by ref). See `Supervisor.terminateChild`. */
export async function terminateChild(supervisor: SupervisorTarget, idOrRef: unknown): Promise<void> {
  const found = findSupervisor(supervisor);
  if (found instanceof DynamicSupervisor) return found.terminateChild(idOrRef);
  return findStatic(found).terminateChild(idOrRef as string);
}

/** Starts a child that does not run. See `Supervisor.restartChild`. */
export function restartChild<Children extends readonly ChildSpec[], Id extends string>(
  supervisor: Supervisor<Children>,
  id: Id,
): Promise<StartedById<Children, Id> | undefined>;
export function restartChild(supervisor: SupervisorTarget, id: string): Promise<unknown>;
export async function restartChild(supervisor: SupervisorTarget, id: string): Promise<unknown> {
  return findStatic(supervisor).restartChild(id);
}

/** Forgets a child that does not run. See `Supervisor.deleteChild`. */
export async function deleteChild(supervisor: SupervisorTarget, id: string): Promise<void> {
  return findStatic(supervisor).deleteChild(id);
}

/** The children, newest first (dynamic: in no promised order). */
export function whichChildren(supervisor: SupervisorTarget): ChildInfo[] {
  return (findSupervisor(supervisor) as Supervisor | DynamicSupervisor).whichChildren();
}

/** One child by id (dynamic: by ref). @throws CallerError "not_found" */
export function whichChild<Children extends readonly ChildSpec[], Id extends string>(
  supervisor: Supervisor<Children>,
  id: Id,
): ChildInfo<RefOfId<Children, Id>>;
export function whichChild<Ref>(supervisor: DynamicSupervisor, ref: Ref): ChildInfo<Ref>;
export function whichChild(supervisor: SupervisorTarget, idOrRef: unknown): ChildInfo;
export function whichChild(supervisor: SupervisorTarget, idOrRef: unknown): ChildInfo {
  return (findSupervisor(supervisor) as DynamicSupervisor).whichChild(idOrRef);
}

/** How many specifications, running children, supervisors and workers there are. */
export function countChildren(supervisor: SupervisorTarget): ChildCounts {
  return findSupervisor(supervisor).countChildren();
}

/** A child's specification with its defaults filled in, by id (dynamic: by ref). @throws CallerError "not_found" */
export function getChildSpec(supervisor: SupervisorTarget, idOrRef: unknown): NormalChildSpec {
  return (findSupervisor(supervisor) as DynamicSupervisor).getChildSpec(idOrRef);
}

/**
 * Checks a list of child specifications without starting anything; with `autoShutdown` also whether its significant children fit it.
 * @throws CallerError "invalid_argument"
 */
export function checkChildSpecs(specs: readonly ChildSpec[], autoShutdown?: AutoShutdown): void {
  for (const [index, child] of normalizeChildSpecs(specs).entries()) {
    checkSignificant(child, autoShutdown, `children[${index}]`);
  }
}

/** A supervisor's subtree as data. */
export function tree(supervisor: SupervisorTarget): TreeNode {
  return findSupervisor(supervisor).tree();
}

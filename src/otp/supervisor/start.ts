/** The doors to supervisors: start one as a root, define one to nest, and ask a running one. */

import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { self } from "../process/current.ts";
import { describeTarget, type HasProcess, resolveTarget, type Target } from "../process/target.ts";
import type { TreeNode } from "../report/tree.ts";
import {
  type ChildSpec,
  type NormalChildSpec,
  normalizeChildSpec,
  normalizeChildSpecs,
  type StartChildSpec,
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
import { type ChildInfo, Supervisor } from "./supervisor.ts";
import type { ChildCounts } from "./telling.ts";

/** A supervisor specification that stands among the children of another supervisor. Inert. */
export type SupervisorDefinition = StartChildSpec & { readonly type: "supervisor"; readonly spec: SupervisorSpec };

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
export async function startSupervisor(
  spec: Omit<SupervisorSpec, "id"> & { id?: string },
  options: SupervisorStartOptions = {},
): Promise<Supervisor> {
  if (!isRecord(spec)) throw invalidArgument("spec", spec, "a supervisor spec");
  const normal = normalizeSupervisorSpec({ id: "supervisor", ...spec });
  return begin(new Supervisor(normal, options), options);
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
export function defineSupervisor(spec: SupervisorSpec): SupervisorDefinition {
  const normal = normalizeSupervisorSpec(spec);
  return { ...nested(normal.id, spec, (host) => new Supervisor(normal, host)), spec };
}

/** Makes a dynamic supervisor that nests. @throws CallerError "invalid_argument" */
export function defineDynamicSupervisor(
  spec: DynamicSupervisorSpec & Pick<SupervisorSpec, "id" | "restart" | "shutdownMs" | "significant" | "name">,
): StartChildSpec & { readonly type: "supervisor" } {
  const { id } = normalizeDynamicSpec(spec);
  return nested(id, spec, (host) => new DynamicSupervisor(spec, host));
}

/** A child specification whose child is a supervisor. */
export function nested(
  id: string,
  spec: Pick<SupervisorSpec, "restart" | "shutdownMs" | "significant" | "name">,
  make: (host: SupervisorHost) => SupervisorCore,
): StartChildSpec & { readonly type: "supervisor" } {
  return {
    id,
    type: "supervisor",
    restart: spec.restart ?? "permanent",
    shutdownMs: spec.shutdownMs ?? "infinity",
    significant: spec.significant ?? false,
    async start(scope) {
      const supervisor = make({
        environment: scope.environment,
        onReport: scope.report,
        parent: { actor: scope.supervisor, process: scope.process, path: scope.path },
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
export async function startChild(supervisor: SupervisorTarget, spec: DynamicChildSpec): Promise<unknown> {
  let found: SupervisorCore;
  try {
    found = findSupervisor(supervisor);
  } catch (error) {
    normalizeChildSpec({ id: "child", ...spec } as ChildSpec);
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

/** The doors to supervisors: start one as a root, define one to nest, and ask a running one. */

import type { ChildSpec, RunningChild, StartChildSpec } from "./child-spec.ts";
import { type ChildCounts, type ChildInfo, Supervisor, type SupervisorHost } from "./supervisor.ts";
import { normalizeSupervisorSpec, type SupervisorSpec } from "./supervisor-spec.ts";
import type { TreeNode } from "./tree.ts";

/** A supervisor specification that stands among the children of another supervisor. Inert. */
export type SupervisorDefinition = StartChildSpec & { readonly type: "supervisor"; readonly spec: SupervisorSpec };

/**
 * Starts a supervisor as the root of a tree and settles when its children have started.
 * @throws CallerError "invalid_argument" before anything starts; ProcessError "start_failed"
 */
export async function startSupervisor(
  spec: Omit<SupervisorSpec, "id"> & { id?: string },
  host: SupervisorHost = {},
): Promise<Supervisor> {
  const supervisor = new Supervisor(normalizeSupervisorSpec({ id: "supervisor", ...spec }), host);
  await supervisor.start();
  return supervisor;
}

/**
 * Makes a supervisor that nests: put it among the `children` of a system or of another supervisor.
 * @throws CallerError "invalid_argument"
 */
export function defineSupervisor(spec: SupervisorSpec): SupervisorDefinition {
  const normal = normalizeSupervisorSpec(spec);
  return {
    id: normal.id,
    type: "supervisor",
    restart: spec.restart ?? "permanent",
    shutdownMs: spec.shutdownMs ?? "infinity",
    spec,
    async start(scope): Promise<RunningChild> {
      const supervisor = new Supervisor(normal, {
        clock: scope.clock,
        environment: scope.environment,
        onReport: (report) => scope.report(report),
        parent: { actor: scope.supervisor, path: scope.path },
      });
      await supervisor.start();
      void supervisor.ended.then((reason) => scope.exited(reason));
      return {
        ref: supervisor,
        actor: supervisor.actor,
        stop: (reason) => void supervisor.stop(reason),
        kill: () => supervisor.kill(),
        node: () => {
          const { children = [] } = supervisor.tree();
          return { children };
        },
      };
    },
  };
}

/** Adds a child to a running supervisor and starts it; see {@link Supervisor.startChild}. Settles with the child's ref. */
export function startChild(supervisor: Supervisor, spec: ChildSpec): Promise<unknown> {
  return supervisor.startChild(spec);
}

/** Stops a child and keeps its specification; see {@link Supervisor.terminateChild}. */
export function terminateChild(supervisor: Supervisor, id: string): Promise<void> {
  return supervisor.terminateChild(id);
}

/** Starts a child that does not run; see {@link Supervisor.restartChild}. */
export function restartChild(supervisor: Supervisor, id: string): Promise<unknown> {
  return supervisor.restartChild(id);
}

/** Forgets a child that does not run; see {@link Supervisor.deleteChild}. */
export function deleteChild(supervisor: Supervisor, id: string): Promise<void> {
  return supervisor.deleteChild(id);
}

/** The children of a supervisor, newest first. */
export function whichChildren(supervisor: Supervisor): ChildInfo[] {
  return supervisor.whichChildren();
}

/** How many specifications, running children, supervisors and workers a supervisor has. */
export function countChildren(supervisor: Supervisor): ChildCounts {
  return supervisor.countChildren();
}

/** A supervisor's subtree as data. */
export function tree(supervisor: Supervisor): TreeNode {
  return supervisor.tree();
}

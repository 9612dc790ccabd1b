/** Process groups: any number of processes under a group's name, each as often as it has joined. Source: OTP's pg. */

import { describeValue } from "../../describe-value.ts";
import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { self } from "../process/current.ts";
import type { ExitHook, Process } from "../process/process.ts";
import { checkRef, describeTarget, resolveTarget, type Target } from "../process/target.ts";
import { heldValue } from "../scheduler/held-value.ts";
import { type HeldKey, Holders } from "./holders.ts";
import { KeyMap } from "./key-map.ts";
import { startTable, type TableOptions } from "./table-process.ts";

/** What a process receives that monitors a group, as an ordinary message. A member that ends leaves. */
export interface GroupMessage<Group = unknown> {
  readonly type: "group.join" | "group.leave";
  readonly monitor: GroupMonitor;
  readonly group: Group;
  /** Who joined or left together; as often as they did. */
  readonly processes: readonly Process[];
}

/** A monitor of one group, or of all groups of a scope; an opaque reference. */
export interface GroupMonitor {
  readonly owner: Process;
}

/** Who has joined a group, each with how often. */
type Members<Group> = HeldKey<Group, number>;

interface Watch<Group> extends GroupMonitor {
  /** Undefined: all groups. */
  readonly only: { readonly group: Group } | undefined;
  readonly forget: ExitHook;
}

const scopes = new WeakMap<Process, Groups<never>>();

/**
 * A scope of process groups; groups of different scopes have nothing to do with each other. A group exists while it has members. A process that
 * ends leaves all its groups before links and monitors are told. Names of groups are equal as in a {@link KeyMap}.
 */
export class Groups<Group = unknown> {
  /** The scope's own process; when it ends, all groups are empty for good, and their members live on. */
  readonly process: Process;
  readonly #groups = new Holders<Group, number>(({ key }, process, count) =>
    this.#tell("group.leave", key, new Array<Process>(count).fill(process)),
  );
  readonly #scopeWatches = new Set<Watch<Group>>();
  readonly #groupWatches = new KeyMap<Group, Set<Watch<Group>>>();

  private constructor(process: Process) {
    checkRef("process", process);
    this.process = process;
    scopes.set(process, this as unknown as Groups<never>);
    process.addExitHook(() => this.#clear());
  }

  /** Starts a scope, linked to nobody. @throws CallerError "invalid_argument", or "already_started" when its name is taken */
  static start<Group = unknown>(options: TableOptions = {}): Groups<Group> {
    return new Groups<Group>(startTable("groups", options));
  }

  /** Like `start`, linked to the process that is running. */
  static startLink<Group = unknown>(options: TableOptions = {}): Groups<Group> {
    return new Groups<Group>(startTable("groups", options, self()));
  }

  /** The live scope of a name or a process. @throws CallerError "invalid_argument" when there is none */
  static of<Group = unknown>(target: Target): Groups<Group> {
    const process = resolveTarget(target);
    const scope = process?.alive === true ? scopes.get(process) : undefined;
    if (scope !== undefined) return scope as unknown as Groups<Group>;
    throw invalidArgument("groups", describeTarget(target), "the name or process of a live scope of groups");
  }

  /**
   * Joins a process, or several at once (default: the one that is running). Who joins twice has to leave twice.
   * @throws ProcessError "noproc" when one of them, or the scope, has ended; nobody has joined then
   */
  join(group: Group, processes: Process | readonly Process[] = self()): void {
    const joining = listOf(processes);
    for (const process of [this.process, ...joining]) {
      if (!process.alive) throw gone("join", process);
    }
    if (joining.length === 0) return;
    for (const process of joining) {
      const members = this.#groups.at(group);
      const count = members?.holders.get(process);
      if (count === undefined) this.#groups.hold(group, members, process, 1);
      else members?.holders.set(process, count + 1);
    }
    this.#tell("group.join", group, joining);
  }

  /**
   * Takes one membership of each back (default: of the process that is running).
   * @throws CallerError "not_found" when none of them is a member
   */
  leave(group: Group, processes: Process | readonly Process[] = self()): void {
    const members = this.#groups.at(group);
    const left = listOf(processes).filter((process) => members !== undefined && this.#leaveOnce(members, process));
    if (left.length === 0) {
      throw new CallerError("not_found", `none of them is a member of group ${describeValue(group)}`, {
        field: "group",
        value: group,
      });
    }
    this.#tell("group.leave", group, left);
  }

  /** The members of a group, as often as they have joined; empty for an unknown group. */
  members(group: Group): Process[] {
    const members = this.#groups.at(group);
    return members === undefined ? [] : listMembers(members);
  }

  /** The groups that have members. */
  whichGroups(): Group[] {
    return Array.from(this.#groups.all(), ({ key }) => key);
  }

  /**
   * Tells the process that is running of every join and leave from now on, and answers who is a member now.
   * @throws CallerError "invalid_argument" outside any process; ProcessError "noproc" when the scope has ended
   */
  monitor(group: Group): { readonly monitor: GroupMonitor; readonly members: Process[] } {
    const watch = this.#watch({ group });
    let watches = this.#groupWatches.get(group);
    if (watches === undefined) {
      watches = new Set();
      this.#groupWatches.set(group, watches);
    }
    watches.add(watch);
    return { monitor: watch, members: this.members(group) };
  }

  /** Like `monitor`, for all groups. */
  monitorScope(): { readonly monitor: GroupMonitor; readonly groups: Map<Group, Process[]> } {
    const watch = this.#watch(undefined);
    this.#scopeWatches.add(watch);
    const groups = new Map(Array.from(this.#groups.all(), (members) => [members.key, listMembers(members)]));
    return { monitor: watch, groups };
  }

  /** Takes a monitor back; messages that wait already are removed. Answers whether it was one of this scope. */
  demonitor(monitor: GroupMonitor): boolean {
    const watch = monitor as Watch<Group>;
    if (!this.#forget(watch)) return false;
    watch.owner.removeExitHook(watch.forget);
    // Whatever others have sent may wait beside its messages.
    while (watch.owner.removeMessage((message) => heldValue(message, "monitor") === monitor));
    return true;
  }

  #watch(only: { readonly group: Group } | undefined): Watch<Group> {
    const owner = self();
    if (!owner.alive || !this.process.alive) throw gone("monitor", owner.alive ? this.process : owner);
    const watch: Watch<Group> = { owner, only, forget: () => this.#forget(watch) };
    owner.addExitHook(watch.forget);
    return watch;
  }

  #forget(watch: Watch<Group>): boolean {
    if (watch.only === undefined) return this.#scopeWatches.delete(watch);
    const watches = this.#groupWatches.get(watch.only.group);
    if (watches?.delete(watch) !== true) return false;
    if (watches.size === 0) this.#groupWatches.delete(watch.only.group);
    return true;
  }

  #leaveOnce(members: Members<Group>, process: Process): boolean {
    const count = members.holders.get(process);
    if (count === undefined) return false;
    if (count > 1) members.holders.set(process, count - 1);
    else this.#groups.release(members, process);
    return true;
  }

  #clear(): void {
    const watches = [...this.#groupWatches.values()].flatMap((some) => [...some]);
    for (const { owner, forget } of [...watches, ...this.#scopeWatches]) owner.removeExitHook(forget);
    this.#groups.clear();
    this.#groupWatches.clear();
    this.#scopeWatches.clear();
  }

  #tell(type: GroupMessage["type"], group: Group, processes: readonly Process[]): void {
    for (const monitor of [...(this.#groupWatches.get(group) ?? []), ...this.#scopeWatches]) {
      monitor.owner.deliver({ type, monitor, group, processes } satisfies GroupMessage<Group>);
    }
  }
}

/** @throws CallerError "invalid_argument" */
function listOf(processes: Process | readonly Process[]): readonly Process[] {
  const list = Array.isArray(processes) ? (processes as readonly Process[]) : [processes as Process];
  for (const process of list) checkRef("processes", process);
  return list;
}

function listMembers({ holders }: Members<unknown>): Process[] {
  return [...holders].flatMap(([process, count]) => (process.alive ? new Array<Process>(count).fill(process) : []));
}

function gone(what: string, process: Process): ProcessError {
  return new ProcessError("noproc", `cannot ${what} a group: ${process} has ended`, { reason: "noproc" });
}

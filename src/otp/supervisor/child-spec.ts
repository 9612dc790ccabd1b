/** How a supervisor starts, restarts and stops one child: OTP's child specification. */

import type { AnyActorLogic, InputFrom } from "xstate";
import { invalidArgument } from "../../errors.ts";
import { type AnyRestartPolicy, policyRule } from "../policy/restart-policy.ts";
import { checkMailboxLimit, type MailboxLimit } from "../process/mailbox-limit.ts";
import type { Via } from "../process/target.ts";
import type { RestartType, Shutdown } from "../report/supervisor-report.ts";
import { checkTimeout } from "../request/timeout.ts";
import { longestTimerMs } from "../scheduler/clock.ts";
import { isLogic } from "../scheduler/xstate-adapter.ts";
import { defaultServerName } from "../server/gen-server.ts";
import { checkName } from "../start/names.ts";
import type { ChildScope, StartedChild } from "./running-child.ts";

/** What every child specification says. `Id` is for TypeScript alone: the literal ids and names of a list. */
export interface ChildSpecBase<Id extends string = string> {
  /** Unique among the children of one supervisor. */
  readonly id?: Id;
  /** Default "permanent". */
  readonly restart?: RestartType;
  /** Default 5,000 ms for a worker and "infinity" for a supervisor. */
  readonly shutdownMs?: Shutdown;
  /** Default "worker". */
  readonly type?: "worker" | "supervisor";
  /** Asked about its ends before its supervisor's policy, which answers where it passes. */
  readonly policy?: AnyRestartPolicy;
  /** Whether its own end counts for the supervisor's `autoShutdown`; not for a permanent child. Default false. */
  readonly significant?: boolean;
}

/** What a child made of logic says beside its input. */
export interface LogicChildFields<Logic extends AnyActorLogic = AnyActorLogic, Id extends string = string>
  extends ChildSpecBase<Id> {
  /** Default: `name`, or its key when that is a string; else the name that the logic was given (a server's `name`, a machine's `id`). */
  readonly id?: Id;
  readonly logic: Logic;
  /** A name for the process, taken again by every incarnation. */
  readonly name?: Id | Via;
  /** Milliseconds for init, at each start; then the half-started process is killed, and the start has failed with "timeout". Default "infinity". */
  readonly startTimeoutMs?: number | "infinity";
  /** Bounds its mailbox; default: no bound. */
  readonly mailbox?: MailboxLimit;
  /** Whether exit signals, the supervisor's "shutdown" among them, become messages. Default: as the logic says, else false. */
  readonly trapExit?: boolean;
}

/** The input of a logic as a field: it has to be there when the logic says so. */
export type InputField<Logic extends AnyActorLogic> =
  unknown extends InputFrom<Logic>
    ? { readonly input?: unknown }
    : undefined extends InputFrom<Logic>
      ? { readonly input?: InputFrom<Logic> }
      : { readonly input: InputFrom<Logic> };

/** A child made of any XState logic (machine, fromPromise, fromCallback, fromTransition, fromObservable); it needs to know nothing of supervision. */
export type LogicChildSpec<Logic extends AnyActorLogic = AnyActorLogic, Id extends string = string> = LogicChildFields<
  Logic,
  Id
> &
  InputField<Logic>;

/** A child with its own start function. */
export interface StartChildSpec<Answer extends StartedChild = StartedChild, Id extends string = string>
  extends ChildSpecBase<Id> {
  readonly id: Id;
  /**
   * Starts one incarnation: a process, something that has one, or a running child of another kind, and with `{ ref, info }` something for the one
   * who has asked. A throw or rejection is a failed start. Undefined: it chose not to start, and that is no error.
   */
  readonly start: (scope: ChildScope) => Answer | Promise<Answer>;
}

declare const defined: unique symbol;

/** The mark of a {@link DefinedChildSpec}. */
export type DefinedMark = typeof defined;

/** A specification that was made by a `define` function: it may carry facts that no supervisor reads. */
export interface DefinedChildSpec<Answer extends StartedChild = StartedChild, Id extends string = string>
  extends StartChildSpec<Answer, Id> {
  /** Tells TypeScript so; never set. */
  readonly [defined]?: never;
}

/** A child specification. It is inert: nothing begins before a supervisor starts it. */
export type ChildSpec<Id extends string = string> =
  | LogicChildSpec<AnyActorLogic, Id>
  | StartChildSpec<StartedChild, Id>;

/** A child specification with every default filled in. */
export interface NormalChildSpec {
  readonly id: string;
  readonly restart: RestartType;
  readonly shutdownMs: Shutdown;
  readonly type: "worker" | "supervisor";
  readonly significant: boolean;
  /** Undefined: its supervisor's alone. */
  readonly policy: AnyRestartPolicy | undefined;
  /** What it was made of. Undefined for a temporary child that runs: it is never started again, so that its input is not kept. */
  readonly spec: ChildSpec | undefined;
}

const restartTypes = ["permanent", "transient", "temporary"];

/**
 * Checks a child specification and fills in its defaults. `otherwise` is the id of one that has none.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function normalizeChildSpec(spec: ChildSpec, field = "spec", otherwise?: string): NormalChildSpec {
  if (typeof spec !== "object" || spec === null) throw invalidArgument(field, spec, "a child spec");
  const id: unknown = deriveId(spec) ?? otherwise;
  if (typeof id !== "string" || id === "") {
    throw invalidArgument(`${field}.id`, id, "a non-empty string, unless a name gives one");
  }
  const startable = "start" in spec ? typeof spec.start === "function" : "logic" in spec && isLogic(spec.logic);
  if (!startable) {
    const given = "start" in spec ? spec.start : "logic" in spec ? spec.logic : undefined;
    throw invalidArgument(`${field}.start`, given, `a start function or XState logic (child "${id}")`);
  }
  const { restart = "permanent", type = "worker", significant = false, policy } = spec;
  if (!restartTypes.includes(restart)) {
    throw invalidArgument(`${field}.restart`, restart, `"permanent", "transient" or "temporary" (child "${id}")`);
  }
  if (type !== "worker" && type !== "supervisor") {
    throw invalidArgument(`${field}.type`, type, `"worker" or "supervisor" (child "${id}")`);
  }
  const shutdownMs = spec.shutdownMs ?? (type === "supervisor" ? "infinity" : 5_000);
  checkShutdown(`${field}.shutdownMs`, shutdownMs, id);
  if (typeof significant !== "boolean") {
    throw invalidArgument(`${field}.significant`, significant, `true or false (child "${id}")`);
  }
  if (policy !== undefined && typeof policy !== "function") {
    throw invalidArgument(`${field}.policy`, policy, `${policyRule} (child "${id}")`);
  }
  if ("logic" in spec) checkProcess(spec, field);
  return { id, restart, type, shutdownMs, significant, policy, spec };
}

/** What the start of a logic's process checks too: here it is refused before anything starts. */
function checkProcess({ name, startTimeoutMs, mailbox }: LogicChildFields, field: string): void {
  if (name !== undefined) checkName(name, `${field}.name`);
  if (startTimeoutMs !== undefined) checkTimeout(`${field}.startTimeoutMs`, startTimeoutMs);
  if (mailbox !== undefined) checkMailboxLimit(mailbox, `${field}.mailbox`);
}

function deriveId(spec: ChildSpec): unknown {
  const { id, name, logic } = spec as Partial<LogicChildFields>;
  if (id !== undefined) return id;
  if (typeof name === "string") return name;
  if (typeof name?.key === "string") return name.key;
  const given = (logic as { config?: { id?: unknown } } | undefined)?.config?.id;
  return given === defaultServerName ? undefined : given;
}

function checkShutdown(field: string, value: Shutdown, id: string): void {
  if (value === "infinity" || value === "brutal_kill") return;
  if (!Number.isInteger(value) || value < 0 || value > longestTimerMs) {
    throw invalidArgument(field, value, `0 to 2,147,483,647 ms, "infinity" or "brutal_kill" (child "${id}")`);
  }
}

/**
 * Checks a list of child specifications: each one, and that no id stands twice.
 * @throws CallerError "invalid_argument"
 */
export function normalizeChildSpecs(specs: readonly ChildSpec[], field = "children"): NormalChildSpec[] {
  if (!Array.isArray(specs)) throw invalidArgument(field, specs, "a list of child specs");
  const seen = new Set<string>();
  return specs.map((spec, index) => {
    const normal = normalizeChildSpec(spec, `${field}[${index}]`);
    if (seen.has(normal.id)) throw invalidArgument(`${field}[${index}].id`, normal.id, "unique among its siblings");
    seen.add(normal.id);
    return normal;
  });
}

/** One sequence of ends, put to the policies of one supervisor, as it puts them: nothing runs, and time is what the sequence says. */

import type { AgentDefinition } from "../agent/define.ts";
import { RunError } from "../errors.ts";
import type { ChildExit } from "../otp/policy/restart-policy.ts";
import type { ExitReason } from "../otp/report/exit-reason.ts";
import type { RestartDecision } from "../otp/report/supervisor-report.ts";
import { type Child, createChild } from "../otp/supervisor/child.ts";
import type { NormalChildSpec } from "../otp/supervisor/child-spec.ts";
import { PolicyChain } from "../otp/supervisor/policy-chain.ts";
import type { NormalSupervisorSpec } from "../otp/supervisor/spec.ts";
import { crashOf } from "./ends.ts";
import type { CrashKind } from "./faults.ts";

/**
 * How a child ends in an exploration: as in a simulation, and
 * - "failed_start": its start fails, and the next one may not
 * - "quota", "overloaded", "authentication": with the error of a run, of which a model's provider is the cause; of a child that is no agent
 * - "shutdown": it has given up; of a supervisor
 */
export type EndKind = CrashKind | "failed_start" | "quota" | "overloaded" | "authentication" | "shutdown";

/** An end in a sequence, and what was decided. */
export interface ExploredEnd {
  readonly path: string;
  readonly kind: EndKind;
  /** How long it had run, in milliseconds. */
  readonly afterMs: number;
  readonly decision: RestartDecision["type"];
  /** Of a restart. */
  readonly delayMs?: number;
  readonly because: string;
}

/** What can be put to a policy of a child. */
export interface TriedEnd {
  readonly child: number;
  readonly kind: EndKind;
  readonly afterMs: number;
}

const agentKinds: readonly EndKind[] = [
  "exited",
  "signaled",
  "out_of_memory",
  "hung",
  "connection_lost",
  "failed_start",
  "finished",
];
const otherKinds: readonly EndKind[] = ["exited", "quota", "overloaded", "authentication", "finished"];

const providerErrors: Readonly<Partial<Record<EndKind, readonly [httpStatus: number, message: string]>>> = {
  quota: [402, "the quota is used up"],
  overloaded: [503, "the model is overloaded"],
  authentication: [401, "the key is refused"],
};

/** The kinds of end of a child. */
export function kindsOf({ type, spec }: NormalChildSpec): readonly EndKind[] {
  if (type === "supervisor") return ["shutdown"];
  return isAgent(spec) ? agentKinds : otherKinds;
}

/** Children of one supervisor and its policies, from the beginning. */
export class Trial {
  readonly #chain: PolicyChain;
  readonly #children: readonly Child[];
  readonly #upAtMs: number[];
  readonly #failedStarts: number[];
  /** What was put to it, in order. */
  readonly ends: ExploredEnd[] = [];
  /** The policy threw, or answered what cannot be carried out: its sentence. */
  failure: string | undefined;
  #nowMs = 0;
  #gaveUp = false;

  constructor(spec: NormalSupervisorSpec, path: string) {
    this.#chain = new PolicyChain(spec, (_child, { because }) => {
      this.failure ??= because;
    });
    this.#children = spec.children.map((child) => ({
      ...createChild(child, `${path}/${child.id}`),
      incarnation: 1,
      status: "running",
    }));
    this.#upAtMs = this.#children.map(() => 0);
    this.#failedStarts = this.#children.map(() => 0);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Whether a child can end: it runs, or is to. */
  canEnd(child: number): boolean {
    return !this.#gaveUp && this.#children[child]?.status === "running";
  }

  /** Ends a child that has run for so long. */
  end({ child: at, kind, afterMs }: TriedEnd): ExploredEnd {
    const child = this.#children[at] as Child;
    this.#nowMs = Math.max(this.#nowMs, this.#upAtMs[at] ?? 0) + afterMs;
    const failedStarts = kind === "failed_start" ? (this.#failedStarts[at] ?? 0) + 1 : 0;
    this.#failedStarts[at] = failedStarts;
    const reason = reasonOf(child, kind, this.#nowMs, afterMs);
    const { id: childId, restart } = child.spec;
    const exit: ChildExit = { childId, restart, reason, incarnation: child.incarnation, failedStarts, charged: true };
    const decision = this.#chain.decide(child, exit, this.#nowMs);
    child.incarnation += 1;
    if (decision.type === "restart") this.#upAtMs[at] = this.#nowMs + decision.delayMs;
    else if (decision.type === "leave") child.status = "stopped";
    else this.#gaveUp = true;
    const { because } = decision;
    const pause = decision.type === "restart" ? { delayMs: decision.delayMs } : {};
    const end = { path: child.path, kind, afterMs, decision: decision.type, ...pause, because };
    this.ends.push(end);
    return end;
  }
}

/** The reason that a policy is told of an end of this kind. */
export function reasonOf(child: Child, kind: EndKind, atMs: number, uptimeMs: number): ExitReason {
  if (kind === "shutdown") return "shutdown";
  const provider = providerErrors[kind];
  if (provider !== undefined) {
    const [httpStatus, message] = provider;
    return new RunError("run_failed", message, { kind: "model_http", httpStatus });
  }
  if (kind === "finished") return "normal";
  if (!isAgent(child.spec.spec)) return new Error(`explored: ${kind}`);
  const { id: agentId } = child.spec;
  const place = { agentId, incarnation: child.incarnation, atMs, uptimeMs };
  return kind === "failed_start"
    ? crashOf("load_failed_once", { ...place, wasReady: false }, 0)
    : crashOf(kind as CrashKind, { ...place, wasReady: true }, uptimeMs);
}

function isAgent(spec: unknown): boolean {
  return (spec as Partial<AgentDefinition> | undefined)?.agent !== undefined;
}

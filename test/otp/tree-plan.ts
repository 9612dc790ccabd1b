/** What a random tree is made of and what happens to it, as data: a counterexample is printed and read. */

import type { RestartType } from "../../src/otp/report/supervisor-report.ts";
import type { Strategy } from "../../src/otp/supervisor/spec.ts";

/** How a start goes: "hang" never settles. */
export type StartOutcome = "run" | "fail" | "ignore" | "hang";

/** A worker of a plan. */
export interface WorkerPlan {
  readonly kind: "worker";
  readonly restart: RestartType;
  readonly shutdownMs: number | "infinity" | "brutal_kill";
  readonly traps: boolean;
  readonly startMs: number;
  /** How long its terminate hook takes; without end only where `shutdownMs` ends it. */
  readonly stopMs: number;
  readonly named: boolean;
  readonly starts: readonly StartOutcome[];
}

/** A supervisor of a plan. */
export interface TreePlan {
  readonly kind: "supervisor" | "dynamic";
  readonly strategy: Strategy;
  readonly maxRestarts: number;
  readonly periodMs: number;
  readonly restart: RestartType;
  readonly children: readonly (WorkerPlan | TreePlan)[];
}

/** One step of a schedule. `pick` and `child` choose among what is there, modulo its number. */
export type Step =
  | { readonly do: "end"; readonly pick: number; readonly reason: string }
  | { readonly do: "kill"; readonly pick: number }
  /** By an exit signal, or by its own method. */
  | { readonly do: "killSupervisor"; readonly pick: number; readonly bySignal: boolean }
  | { readonly do: "startChild"; readonly pick: number; readonly worker: WorkerPlan }
  | { readonly do: "terminateChild" | "restartChild" | "deleteChild"; readonly pick: number; readonly child: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "settle" };

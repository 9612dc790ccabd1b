/** What befalls the workers of a simulated system: how long they take to start, when and how they end, and what they are asked. */

import { isRecord } from "../describe-value.ts";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import { checkDistribution, type Distribution, sample } from "./distribution.ts";
import { checkQuantity, type Quantity } from "./quantity.ts";
import type { Random } from "./random.ts";

/**
 * How a worker that serves ends.
 * - "exited": by itself, with exit code 1; "finished": with 0
 * - "signaled": by SIGKILL; "crashed": by SIGSEGV
 * - "out_of_memory", "hung", "connection_lost": as the crash records of live ones say
 */
export type CrashKind = "exited" | "finished" | "signaled" | "crashed" | "out_of_memory" | "hung" | "connection_lost";

/**
 * How a start fails.
 * - "load_failed": the agent cannot be loaded, and the next start fails alike; "load_failed_once": the next one may not
 * - "start_timeout": it was not ready within `startTimeoutMs`
 * - "spawn_failed": the machine was short of something for now
 * - "exited": the process ended by itself before it was ready
 */
export type StartFaultKind = "load_failed" | "load_failed_once" | "start_timeout" | "spawn_failed" | "exited";

const crashKinds: readonly string[] = [
  "exited",
  "finished",
  "signaled",
  "crashed",
  "out_of_memory",
  "hung",
  "connection_lost",
] satisfies CrashKind[];
const startFaultKinds: readonly string[] = [
  "load_failed",
  "load_failed_once",
  "start_timeout",
  "spawn_failed",
  "exited",
] satisfies StartFaultKind[];

/** What befalls the workers of one child. */
export interface ChildFaults {
  /** From launch to ready; default `{ fromMs: 800, toMs: 1500 }`. */
  readonly startMs?: Distribution;
  /** The share of starts that fail, 0 to 1; default 0. */
  readonly startFailures?: number;
  /** How they fail: kinds with their weights; default `{ exited: 1 }`. */
  readonly startFailureKinds?: Readonly<Partial<Record<StartFaultKind, number>>>;
  /** From ready to the crash; default: none. */
  readonly crashAfterMs?: Distribution;
  /** How it crashes: kinds with their weights; default `{ signaled: 1 }`. */
  readonly crashKinds?: Readonly<Partial<Record<CrashKind, number>>>;
  /** What it is asked; default: nothing. Only agents are asked. */
  readonly runs?: {
    /** Between one run and the next, at least 1. */
    readonly everyMs: Distribution;
    /** How long the worker works on one. */
    readonly takesMs: Distribution;
    /** The `timeoutMs` of each, at least 1: from the question on, waiting included; default: no limit. */
    readonly timeoutMs?: Distribution;
    /** From the question to when its caller leaves who has no answer by then; default: callers stay. */
    readonly cancelAfterMs?: Distribution;
    /**
     * How long the worker goes on with a run whose time is up or whose caller has left, and that keeps its place so long, at most until it would have been done;
     * default 0: it ends at once.
     */
    readonly lingersMs?: Distribution;
    /** Whether they may be tried again, by the `retry` of their agent; default false. */
    readonly idempotent?: boolean;
    /** Tokens that one uses, as a budget counts them; default: that is not known. */
    readonly tokens?: Quantity;
    /** US dollars that one costs, as a budget counts them; default: that is not known. */
    readonly cost?: Quantity;
  };
}

/** What befalls the workers of a system. */
export interface Faults {
  /** By the ids of the children, agents and others. */
  readonly children?: Readonly<Record<string, ChildFaults>>;
  /** Of the children that are not among those; default: they start, and live for ever. */
  readonly others?: ChildFaults;
}

/** The life of one worker. */
export type Life =
  | { readonly startMs: number; readonly failsAs: StartFaultKind }
  | { readonly startMs: number; readonly crash?: { readonly afterMs: number; readonly kind: CrashKind } };

const defaultStartMs: Distribution = { fromMs: 800, toMs: 1_500 };

/**
 * Checks faults, and answers them: for a file that exports them by default.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function defineFaults(faults: Faults): Faults {
  if (typeof faults !== "object" || faults === null) throw invalidArgument("faults", faults, "an object of faults");
  checkKnownFields("faults", faults, new Set(["children", "others"]));
  const { children = {}, others } = faults;
  if (!isRecord(children)) {
    throw invalidArgument("faults.children", children, "an object of faults by the ids of children");
  }
  for (const [id, one] of Object.entries(children)) checkChild(`faults.children.${id}`, one);
  if (others !== undefined) checkChild("faults.others", others);
  return faults;
}

/** The life of the next worker of a child. */
export function drawLife(faults: ChildFaults, random: Random): Life {
  const startMs = sample(faults.startMs ?? defaultStartMs, random);
  const { startFailures = 0, crashAfterMs } = faults;
  if (random() < startFailures) return { startMs, failsAs: draw(faults.startFailureKinds ?? { exited: 1 }, random) };
  if (crashAfterMs === undefined) return { startMs };
  const afterMs = sample(crashAfterMs, random);
  return { startMs, crash: { afterMs, kind: draw(faults.crashKinds ?? { signaled: 1 }, random) } };
}

/** One of some kinds, by their weights. */
function draw<Kind extends string>(weights: Readonly<Partial<Record<Kind, number>>>, random: Random): Kind {
  const all = Object.entries(weights) as [Kind, number][];
  let left = random() * all.reduce((sum, [, weight]) => sum + weight, 0);
  const found = all.find(([, weight]) => {
    left -= weight;
    return left < 0;
  });
  // Rounding may leave a rest behind the last.
  return (found ?? (all.findLast(([, weight]) => weight > 0) as [Kind, number]))[0];
}

function checkChild(field: string, faults: ChildFaults): void {
  if (typeof faults !== "object" || faults === null) throw invalidArgument(field, faults, "an object of faults");
  const known = ["startMs", "startFailures", "startFailureKinds", "crashAfterMs", "crashKinds", "runs"];
  checkKnownFields(field, faults, new Set(known));
  const { startMs, startFailures, crashAfterMs, runs } = faults;
  if (startMs !== undefined) checkDistribution(`${field}.startMs`, startMs);
  if (startFailures !== undefined && !(startFailures >= 0 && startFailures <= 1)) {
    throw invalidArgument(`${field}.startFailures`, startFailures, "a share from 0 to 1");
  }
  checkWeights(`${field}.startFailureKinds`, faults.startFailureKinds, startFaultKinds);
  if (crashAfterMs !== undefined) checkDistribution(`${field}.crashAfterMs`, crashAfterMs);
  checkWeights(`${field}.crashKinds`, faults.crashKinds, crashKinds);
  if (runs === undefined) return;
  if (typeof runs !== "object" || runs === null) throw invalidArgument(`${field}.runs`, runs, "{ everyMs, takesMs }");
  checkKnownFields(`${field}.runs`, runs, new Set(runFields));
  checkDistribution(`${field}.runs.everyMs`, runs.everyMs, 1);
  checkDistribution(`${field}.runs.takesMs`, runs.takesMs);
  const { timeoutMs, cancelAfterMs, lingersMs, idempotent, tokens, cost } = runs;
  if (timeoutMs !== undefined) checkDistribution(`${field}.runs.timeoutMs`, timeoutMs, 1);
  if (cancelAfterMs !== undefined) checkDistribution(`${field}.runs.cancelAfterMs`, cancelAfterMs);
  if (lingersMs !== undefined) checkDistribution(`${field}.runs.lingersMs`, lingersMs);
  if (idempotent !== undefined && typeof idempotent !== "boolean") {
    throw invalidArgument(`${field}.runs.idempotent`, idempotent, "a boolean");
  }
  if (tokens !== undefined) checkQuantity(`${field}.runs.tokens`, tokens, mostTokens);
  if (cost !== undefined) checkQuantity(`${field}.runs.cost`, cost, mostDollars);
}

const runFields = [
  "everyMs",
  "takesMs",
  "timeoutMs",
  "cancelAfterMs",
  "lingersMs",
  "idempotent",
  "tokens",
  "cost",
] satisfies (keyof NonNullable<ChildFaults["runs"]>)[];

/** The most that a run of a simulation uses. */
const mostTokens = 1_000_000_000;
const mostDollars = 1_000;

function checkWeights(field: string, weights: object | undefined, kinds: readonly string[]): void {
  if (weights === undefined) return;
  if (typeof weights !== "object" || weights === null) throw invalidArgument(field, weights, "weights by kind");
  checkKnownFields(field, weights, new Set(kinds));
  const values: unknown[] = Object.values(weights);
  const fit = values.every((weight) => typeof weight === "number" && weight >= 0 && Number.isFinite(weight));
  if (!fit || !values.some((weight) => (weight as number) > 0)) {
    throw invalidArgument(field, weights, "weights of 0 or more, one of them above 0");
  }
}

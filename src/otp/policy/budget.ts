/** A budget of tokens and money for the runs of an agent, or of all agents together: what a run may use is reserved before it is handed to a worker. */

import { invalidArgument } from "../../errors.ts";
import {
  type Amount,
  type Counter,
  emptyCounter,
  forget,
  join,
  leave,
  nanosOf,
  release,
  reserve,
  saysNothing,
  settle,
  total,
  whenFree,
} from "./budget-counter.ts";
import { describeAs } from "./description.ts";
import { checkInteger, checkOptions } from "./options.ts";
import { pass } from "./per-child.ts";
import type { PassingPolicy } from "./restart-policy.ts";
import { aboutRuns, type RunDecision, type RunHappening, type RunPolicy } from "./run-policy.ts";

/** How much may be used, and what happens at the limit. */
export interface Budget {
  /** Tokens that runs may use within any `windowMs`; default: no limit. */
  readonly tokens?: number;
  /** US dollars that runs may cost within any `windowMs`; default: no limit. Where pydantic-ai knows no price, a run counts as what it has reserved. */
  readonly cost?: number;
  /** Length of the window in milliseconds. It slides in 60 steps. */
  readonly windowMs: number;
  /** "agent" (default): each agent has the budget for itself. "tree": all agents that the policy is asked about have it together. */
  readonly per?: "agent" | "tree";
  /**
   * What a run reserves before it is handed over. Default: what runs have used in the mean, the last ones most; a tenth of the budget before any has
   * ended.
   */
  readonly reserve?: { readonly tokens?: number; readonly cost?: number };
  /**
   * What becomes of a run that would go beyond.
   * - "pause" (default): it waits in its agent's queue until there is room
   * - "reject": it is rejected with "budget_exceeded"
   * - `{ model }`: it is handed over with that model, and what it uses counts
   */
  readonly at?: "pause" | "reject" | { readonly model: string };
}

/** The counters of a budget: of each agent, or one for all under the empty name. */
export interface BudgetState {
  readonly counters: Readonly<Record<string, Counter>>;
}

/** The longest window: a year. */
const longestWindowMs = 366 * 86_400_000;

/**
 * A budget. It is asked before a run is handed to a worker, and passes about ends.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function budget(options: Budget): PassingPolicy<undefined> {
  checkBudget(options);
  return describeAs(aboutRuns(budgetOfRuns(options) as RunPolicy), "budget", options);
}

/** The part of a budget that is asked about runs. */
export function budgetOfRuns(options: Budget): RunPolicy<BudgetState> {
  const { windowMs, per = "agent" } = options;
  const limits = { tokens: options.tokens, nanos: options.cost === undefined ? undefined : nanosOf(options.cost) };
  const counting = { windowMs, costCounts: limits.nanos !== undefined };
  return (before, happened, nowMs) => {
    const counters = isBudgetState(before) ? before.counters : {};
    const key = per === "tree" ? "" : happened.agentId;
    const known = Object.hasOwn(counters, key) ? counters[key] : undefined;
    const counter = forget(known ?? emptyCounter, windowMs, nowMs);
    const { decision, after } =
      happened.type === "asked"
        ? answer(counter, happened, { options, limits, nowMs })
        : { decision: pass, after: note(counter, happened, counting, nowMs) };
    const others = known === undefined ? lasting(counters, windowMs, nowMs) : counters;
    return { decision, state: { counters: { ...others, [key]: after } } };
  };
}

interface Asked {
  readonly agentId: string;
  readonly runId: string;
}

interface Question {
  readonly options: Budget;
  readonly limits: Limits;
  readonly nowMs: number;
}

/** Whether a run may go, and the counter that knows of it. */
function answer(
  counter: Counter,
  { agentId, runId }: Asked,
  { options, limits, nowMs }: Question,
): { readonly decision: RunDecision; readonly after: Counter } {
  const { windowMs, at = "pause" } = options;
  const wanted = estimate(counter, limits, options);
  const over = excess(total(counter), wanted, limits);
  const first = at === "pause" ? counter.line[0] : undefined;
  const behind = first === agentId ? undefined : first;
  if (over === undefined && behind === undefined) {
    return { decision: pass, after: reserve(leave(counter, agentId), runId, wanted) };
  }
  const untilMs = over === undefined ? undefined : whenFree(counter, over, windowMs);
  const because =
    over === undefined ? `runs of agent "${behind}" wait before it` : describe(counter, wanted, over, options);
  if (at === "pause") {
    const until = untilMs === undefined ? {} : { untilMs };
    const order = behind === undefined ? {} : { behind };
    return { decision: { type: "wait", because, ...until, ...order }, after: join(counter, agentId) };
  }
  if (at === "reject") {
    const retry = untilMs === undefined ? {} : { retryAfterMs: Math.ceil(untilMs - nowMs) };
    return { decision: { type: "refuse", because, ...retry }, after: counter };
  }
  return { decision: { type: "degrade", because, model: at.model }, after: reserve(counter, runId, wanted) };
}

/** What is told, and not asked. */
function note(
  counter: Counter,
  happened: Exclude<RunHappening, { type: "asked" }>,
  counting: { readonly windowMs: number; readonly costCounts: boolean },
  nowMs: number,
): Counter {
  switch (happened.type) {
    case "settled":
      return settle(counter, happened, counting, nowMs);
    case "returned":
      return release(counter, happened.runId);
    case "withdrawn":
      return leave(counter, happened.agentId);
  }
}

/** Undefined where there is no limit. */
interface Limits {
  readonly tokens: number | undefined;
  readonly nanos: number | undefined;
}

/** What the next run reserves: something, and never more than the whole budget, which could not be had. */
function estimate({ mean }: Counter, limits: Limits, { reserve = {} }: Budget): Amount {
  const one = (given: number | undefined, usual: number | null, limit: number | undefined): number =>
    limit === undefined ? 0 : Math.max(1, Math.min(limit, given ?? usual ?? Math.ceil(limit / 10)));
  const nanos = reserve.cost === undefined ? undefined : nanosOf(reserve.cost);
  return { tokens: one(reserve.tokens, mean.tokens, limits.tokens), nanos: one(nanos, mean.nanos, limits.nanos) };
}

/** How much there would be too much of each; undefined: there is room. */
function excess(held: Amount, wanted: Amount, limits: Limits): Amount | undefined {
  const tokens = held.tokens + wanted.tokens - (limits.tokens ?? Number.POSITIVE_INFINITY);
  const nanos = held.nanos + wanted.nanos - (limits.nanos ?? Number.POSITIVE_INFINITY);
  return tokens <= 0 && nanos <= 0 ? undefined : { tokens, nanos };
}

function describe(counter: Counter, wanted: Amount, over: Amount, { tokens, cost, windowMs }: Budget): string {
  const held = total(counter);
  const what = over.tokens > 0 ? `${held.tokens} of ${tokens} tokens` : `$${held.nanos / 1e9} of $${cost}`;
  const more = over.tokens > 0 ? String(wanted.tokens) : `$${wanted.nanos / 1e9}`;
  const runs = held.guessed === 1 ? "1 run" : `${held.guessed} runs`;
  const guessed = held.guessed === 0 ? "" : ` (${runs} of unknown usage or cost counted as reserved)`;
  return `${what} within ${windowMs} ms are used or reserved${guessed}, and a run reserves ${more}`;
}

/** Without the counters that say nothing any more: an agent that comes for the first time makes room. */
function lasting(counters: BudgetState["counters"], windowMs: number, nowMs: number): BudgetState["counters"] {
  return Object.fromEntries(
    Object.entries(counters).filter(([, counter]) => !saysNothing(forget(counter, windowMs, nowMs))),
  );
}

/** A state may be another policy's, which was replaced and is kept. */
function isBudgetState(state: unknown): state is BudgetState {
  return typeof state === "object" && state !== null && "counters" in state;
}

function checkBudget(options: Budget): void {
  checkOptions(options, ["tokens", "cost", "windowMs", "per", "reserve", "at"]);
  const { tokens, cost, windowMs, per, reserve, at } = options;
  if (tokens === undefined && cost === undefined) throw invalidArgument("options", options, "given tokens or cost");
  if (tokens !== undefined) checkInteger("options.tokens", tokens, 1);
  if (cost !== undefined) checkDollars("options.cost", cost);
  if (!(Number.isInteger(windowMs) && windowMs >= 1 && windowMs <= longestWindowMs)) {
    throw invalidArgument("options.windowMs", windowMs, "an integer from 1 to 31,622,400,000 (366 days)");
  }
  if (per !== undefined && per !== "agent" && per !== "tree") {
    throw invalidArgument("options.per", per, '"agent" or "tree"');
  }
  if (reserve !== undefined) checkReserve(reserve, options);
  if (at === undefined || at === "pause" || at === "reject") return;
  const model = typeof at === "object" && at !== null ? at.model : undefined;
  if (typeof model !== "string" || model === "") {
    throw invalidArgument("options.at", at, '"pause", "reject" or { model }');
  }
  checkOptions(at, ["model"], "options.at");
}

function checkReserve(reserve: NonNullable<Budget["reserve"]>, limits: Budget): void {
  checkOptions(reserve, ["tokens", "cost"], "options.reserve");
  for (const name of ["tokens", "cost"] as const) {
    const [value, limit] = [reserve[name], limits[name]];
    if (value === undefined) continue;
    const field = `options.reserve.${name}`;
    if (limit === undefined) throw invalidArgument(field, value, `left out: the budget has no ${name}`);
    if (name === "tokens") checkInteger(field, value, 0);
    else if (value !== 0) checkDollars(field, value);
    if (value > limit) throw invalidArgument(field, value, `at most the budget's own, ${limit}`);
  }
}

/** What nanos hold exactly. */
const mostDollars = 1_000_000;

function checkDollars(field: string, value: unknown): void {
  if (typeof value === "number" && value > 0 && value <= mostDollars) return;
  throw invalidArgument(field, value, "US dollars: a number above 0, at most 1,000,000");
}

/** What a budget counts: what runs have used within its window, what those that run have reserved, and which agents wait. As a value that JSON carries. */

import type { Usage } from "../../usage.ts";

/** Tokens, and the cost in whole billionths of a US dollar: sums of them are exact. */
export interface Amount {
  readonly tokens: number;
  readonly nanos: number;
}

/** What was used within one part of the window, from `fromMs` on. */
interface Slot extends Amount {
  readonly fromMs: number;
  /** Runs of unknown usage: what they had reserved is counted. */
  readonly guessed: number;
}

/** The state of one counter. */
export interface Counter {
  /** Oldest first. */
  readonly slots: readonly Slot[];
  /** What runs that are handed over have reserved, by their ids. */
  readonly reserved: Readonly<Record<string, Amount>>;
  /** What a run uses in the mean, the last ones most; null: none has ended. */
  readonly mean: { readonly tokens: number | null; readonly nanos: number | null };
  /** The agents whose runs wait, in order. */
  readonly line: readonly string[];
}

/** A counter that has counted nothing. */
export const emptyCounter: Counter = { slots: [], reserved: {}, mean: { tokens: null, nanos: null }, line: [] };

/** So many parts has a window: what was used is forgotten part by part, when the last of a part is out of the window. */
const parts = 60;

/** The share of the newest run in the mean. */
const newestShare = 1 / 8;

/** US dollars, as pydantic-ai writes them or as a number, in billionths; rounded up. */
export function nanosOf(dollars: string | number): number {
  // 15 digits: what a product of floating point numbers adds behind them is no part of the price.
  return Math.ceil(Number((Number(dollars) * 1e9).toPrecision(15)));
}

/** Without what is out of the window. */
export function forget(counter: Counter, windowMs: number, nowMs: number): Counter {
  const first = counter.slots.findIndex(({ fromMs }) => nowMs < freeAtMs(fromMs, windowMs));
  if (first === 0 || counter.slots.length === 0) return counter;
  return { ...counter, slots: first === -1 ? [] : counter.slots.slice(first) };
}

/** What is used and reserved, and how many runs of that are guessed. */
export function total({ slots, reserved }: Counter): Amount & { readonly guessed: number } {
  let [tokens, nanos, guessed] = [0, 0, 0];
  for (const slot of slots) {
    tokens += slot.tokens;
    nanos += slot.nanos;
    guessed += slot.guessed;
  }
  for (const amount of Object.values(reserved)) {
    tokens += amount.tokens;
    nanos += amount.nanos;
  }
  return { tokens, nanos, guessed };
}

/** When so much of what was used is out of the window; undefined: not by time alone. */
export function whenFree({ slots }: Counter, needed: Amount, windowMs: number): number | undefined {
  let { tokens, nanos } = needed;
  for (const slot of slots) {
    tokens -= slot.tokens;
    nanos -= slot.nanos;
    if (tokens <= 0 && nanos <= 0) return freeAtMs(slot.fromMs, windowMs);
  }
  return undefined;
}

/** A run is handed over. */
export function reserve(counter: Counter, runId: string, amount: Amount): Counter {
  return { ...counter, reserved: { ...counter.reserved, [runId]: amount } };
}

/** A run that was handed over has not begun. */
export function release(counter: Counter, runId: string): Counter {
  if (!Object.hasOwn(counter.reserved, runId)) return counter;
  const { [runId]: _, ...reserved } = counter.reserved;
  return { ...counter, reserved };
}

/**
 * What a run has used stands in place of what it had reserved. What is not known of it counts as reserved; of a run without a reservation only what is known counts.
 * `costCounts`: a run whose cost alone is unknown is a guess too.
 */
export function settle(
  counter: Counter,
  { runId, usage }: { readonly runId: string; readonly usage: Usage | undefined },
  { windowMs, costCounts }: { readonly windowMs: number; readonly costCounts: boolean },
  nowMs: number,
): Counter {
  const least = Object.hasOwn(counter.reserved, runId) ? counter.reserved[runId] : undefined;
  const measured = usage !== undefined && usage.unmeasuredRequests === 0;
  const cost = usage?.cost === undefined ? undefined : nanosOf(usage.cost);
  const amount = {
    tokens: measured ? usage.totalTokens : Math.max(usage?.totalTokens ?? 0, least?.tokens ?? 0),
    nanos: measured && cost !== undefined ? cost : Math.max(cost ?? 0, least?.nanos ?? 0),
  };
  const guessed = least !== undefined && (!measured || (costCounts && cost === undefined)) ? 1 : 0;
  const { mean } = counter;
  const settled = spend(release(counter, runId), { ...amount, guessed }, windowMs, nowMs);
  if (!measured) return settled;
  return {
    ...settled,
    mean: {
      tokens: moved(mean.tokens, usage.totalTokens),
      nanos: cost === undefined ? mean.nanos : moved(mean.nanos, cost),
    },
  };
}

/** An agent's runs wait, behind those of others that do. */
export function join(counter: Counter, agentId: string): Counter {
  return counter.line.includes(agentId) ? counter : { ...counter, line: [...counter.line, agentId] };
}

/** An agent's runs do not wait any more. */
export function leave(counter: Counter, agentId: string): Counter {
  if (!counter.line.includes(agentId)) return counter;
  return { ...counter, line: counter.line.filter((id) => id !== agentId) };
}

/** Whether it says no more than one that has counted nothing. */
export function saysNothing({ slots, reserved, line }: Counter): boolean {
  return slots.length === 0 && line.length === 0 && Object.keys(reserved).length === 0;
}

function spend(counter: Counter, used: Omit<Slot, "fromMs">, windowMs: number, nowMs: number): Counter {
  if (used.tokens === 0 && used.nanos === 0 && used.guessed === 0) return counter;
  const width = widthMs(windowMs);
  const fromMs = Math.floor(nowMs / width) * width;
  const last = counter.slots.at(-1);
  if (last === undefined || last.fromMs < fromMs) return { ...counter, slots: [...counter.slots, { fromMs, ...used }] };
  const both: Slot = {
    fromMs: last.fromMs,
    tokens: last.tokens + used.tokens,
    nanos: last.nanos + used.nanos,
    guessed: last.guessed + used.guessed,
  };
  return { ...counter, slots: [...counter.slots.slice(0, -1), both] };
}

function widthMs(windowMs: number): number {
  return Math.ceil(windowMs / parts);
}

/** The last of a part is out of the window then. */
function freeAtMs(fromMs: number, windowMs: number): number {
  return fromMs + widthMs(windowMs) + windowMs;
}

function moved(mean: number | null, newest: number): number {
  return mean === null ? newest : Math.ceil(mean + (newest - mean) * newestShare);
}

/** Sources of every kind that a stream can be given, which count what is done to them. Their items are their positions. */

import type { Clock } from "../../../src/otp/scheduler/clock.ts";
import { createThenable } from "../support.ts";

/** How a source is made. */
export const sourceKinds = [
  "generator",
  "iterator",
  "iterator of promises",
  "async generator",
  "async iterator of promises",
  "iterator that answers thenables",
] as const;

/** One of them. */
export type SourceKind = (typeof sourceKinds)[number];

/** What a source is told. */
export interface SourcePlan {
  readonly kind: SourceKind;
  /** How long each item takes to come, where it can; its length is the number of items. */
  readonly readMs: readonly number[];
  /** Begins anew after the last item. */
  readonly endless: boolean;
  readonly clock: Clock;
  /** Told that one more item is read. */
  readonly onRead: (reads: number) => void;
}

/** A source, and what was done to it. */
export interface Source {
  readonly inputs: Iterable<number> | AsyncIterable<number>;
  /** Items that were asked for, those that are on their way included. */
  reads: number;
  opened: number;
  /** It had no more, or was closed. */
  ended: number;
  /** Calls of return(), where they can be counted. */
  returned: number;
}

/** Makes a source. */
export function createSource(plan: SourcePlan): Source {
  const source: Source = { inputs: [], reads: 0, opened: 0, ended: 0, returned: 0 };
  return Object.assign(source, { inputs: inputsOf(plan, source) });
}

function inputsOf(plan: SourcePlan, source: Source): Source["inputs"] {
  const read = (): number | undefined => {
    if (!plan.endless && source.reads === plan.readMs.length) return undefined;
    source.reads += 1;
    plan.onRead(source.reads);
    return source.reads - 1;
  };
  const later = <T>(position: number, value: T): Promise<T> => {
    const ms = plan.readMs[position % plan.readMs.length] ?? 0;
    if (ms === 0) return Promise.resolve(value);
    return new Promise((resolve) => void plan.clock.setTimeout(() => resolve(value), ms));
  };
  const thenable = (position: number, value: unknown) =>
    createThenable<never>((resolve, reject) => later(position, value as never).then(resolve, reject));
  const byHand = (answer: (position: number) => unknown, atEnd: unknown) => ({
    next() {
      const position = read();
      if (position !== undefined) return answer(position);
      source.ended += 1;
      return atEnd;
    },
    return() {
      source.returned += 1;
      source.ended += 1;
      return atEnd;
    },
  });
  const end = { done: true, value: undefined };
  const opening = (symbol: symbol, open: () => unknown) =>
    ({
      [symbol]() {
        source.opened += 1;
        return open();
      },
    }) as unknown as Source["inputs"];

  switch (plan.kind) {
    case "generator":
      return opening(Symbol.iterator, function* () {
        try {
          for (let item = read(); item !== undefined; item = read()) yield item;
        } finally {
          source.ended += 1;
        }
      });
    case "async generator":
      return opening(Symbol.asyncIterator, async function* () {
        try {
          for (let item = read(); item !== undefined; item = read()) yield await later(item, item);
        } finally {
          source.ended += 1;
        }
      });
    case "iterator":
      return opening(Symbol.iterator, () => byHand((value) => ({ done: false, value }), end));
    case "iterator of promises":
      return opening(Symbol.iterator, () => byHand((item) => ({ done: false, value: later(item, item) }), end));
    case "async iterator of promises":
      return opening(Symbol.asyncIterator, () =>
        byHand((item) => later(item, { done: false, value: later(item, item) }), Promise.resolve(end)),
      );
    case "iterator that answers thenables":
      return opening(Symbol.asyncIterator, () =>
        byHand((item) => thenable(item, { done: false, value: thenable(item, item) }), thenable(0, end)),
      );
  }
}

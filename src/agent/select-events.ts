/** What readers want of a run's events alone: its text, its snapshots. */

import type { RunEvent } from "./run-result.ts";

/** Begins to read a run's events. */
export type ReadEvents<Output> = () => AsyncGenerator<RunEvent<Output>, void, undefined>;

/** The text alone, as it comes. Throws the error of a run that fails. Nothing is read before it is. */
export function textOf<Output>(read: ReadEvents<Output>, result: Promise<unknown>): AsyncIterable<string> {
  return select(read, result, (event) => (event.type === "text.delta" ? event.text : undefined));
}

/** The snapshots of structured output, in the same way. */
export function partialsOf<Output>(read: ReadEvents<Output>, result: Promise<unknown>): AsyncIterable<unknown> {
  return select(read, result, (event) => (event.type === "output.partial" ? event.output : undefined));
}

async function* select<Output, Value>(
  read: ReadEvents<Output>,
  result: Promise<unknown>,
  pick: (event: RunEvent<Output>) => Value | undefined,
): AsyncGenerator<Value, void, undefined> {
  for await (const event of read()) {
    const value = pick(event);
    if (value !== undefined) yield value;
  }
  await result;
}

/** What a stream reads its items from: one iterator, read one item at a time and closed once. */

import { invalidArgument } from "../../errors.ts";
import { isThenable } from "../scheduler/thenable.ts";

/** Something to iterate over. */
export type Inputs<Input> = Iterable<Input> | AsyncIterable<Input>;

/** An item, in a box because it may be undefined. */
export interface SourceItem {
  readonly input: unknown;
}

/** Whether something can be iterated over. */
export function isIterable(value: unknown): boolean {
  if (typeof value === "string") return true;
  return typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/** One iteration over the inputs. */
export class StreamSource {
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;

  /** Opens the inputs. @throws CallerError "invalid_argument" when they give no iterator, or what they throw */
  constructor(inputs: Inputs<unknown>) {
    const iterator =
      Symbol.asyncIterator in Object(inputs)
        ? (inputs as AsyncIterable<unknown>)[Symbol.asyncIterator]()
        : (inputs as Iterable<unknown>)[Symbol.iterator]();
    if (typeof (iterator as { next?: unknown } | null | undefined)?.next !== "function") {
      throw invalidArgument("inputs", inputs, "an iterable whose iterator has next()");
    }
    this.#iterator = iterator;
  }

  /**
   * The next item; undefined when there are no more. A promise when it takes time, and for an item that is itself a promise: that is awaited.
   * Throws or rejects with the error of the inputs, or of the item. Not to be called again before it has settled.
   */
  read(): SourceItem | undefined | Promise<SourceItem | undefined> {
    const result: unknown = this.#iterator?.next();
    if (isThenable(result)) return Promise.resolve(result).then((settled) => this.#itemOf(settled));
    return this.#itemOf(result);
  }

  /** Closes the inputs, unless they have none left or are closed. Settles, or throws, as they do. */
  close(): unknown {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    return iterator?.return?.();
  }

  #itemOf(result: unknown): SourceItem | undefined | Promise<SourceItem> {
    if (this.#iterator === undefined) return undefined;
    if (typeof result !== "object" || result === null) {
      throw invalidArgument("inputs.next()", result, "an iterator result, { done, value }");
    }
    const { done, value } = result as IteratorResult<unknown>;
    if (done === true) {
      this.#iterator = undefined;
      return undefined;
    }
    return isThenable(value) ? Promise.resolve(value).then((input) => ({ input })) : { input: value };
  }
}

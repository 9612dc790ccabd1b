/** JSON that holds numbers which JavaScript's own parser would change or refuse: integers beyond 2^53, NaN and infinities. */

/**
 * What becomes of a number that no JSON of JavaScript holds: an integer beyond ±(2^53 - 1), NaN, Infinity, -Infinity.
 * - "string": its text: "9007199254740993", "NaN"
 * - "bigint": a bigint; NaN and infinities are JavaScript's own numbers
 * - "error": an output that holds one is refused; elsewhere (arguments and results of tools, messages) as "string"
 */
export type UnsafeNumbers = "string" | "bigint" | "error";

/** A number that the rule refuses. */
export class UnsafeNumberError extends Error {
  override readonly name = "UnsafeNumberError";
  /** As it stands in the document. */
  readonly text: string;

  constructor(text: string) {
    super(`the number ${text} is beyond what a JavaScript number or JSON can hold`);
    this.text = text;
  }
}

/** A document with such a number that is nested too deeply for JavaScript to keep it exact. */
export class TooDeepError extends Error {
  override readonly name = "TooDeepError";

  constructor(cause: unknown) {
    super("holds a number which no JavaScript number or JSON holds, and is nested too deeply for it to be kept", {
      cause,
    });
  }
}

/** An integer of 16 digits or more, or what looks like one inside a text; a fraction does not. */
const longInteger = /(?:^|[[:,\s])-?\d{16}/;
const constant = /NaN|Infinity/;

/** Literals that no serializer writes, in place of the constants. */
const stand = { NaN: "0e999999", Infinity: "1e999999", "-Infinity": "-1e999999" } as const;
const constantOf: Readonly<Record<string, number>> = {
  [stand.NaN]: Number.NaN,
  [stand.Infinity]: Number.POSITIVE_INFINITY,
  [stand["-Infinity"]]: Number.NEGATIVE_INFINITY,
};

/** The objects and lists of a document that hold such a number, each with the text of one. */
export type UnsafeHolders = Map<unknown, string>;

/**
 * Parses a document. `holders` is told who holds what the rule has changed.
 * @throws SyntaxError for what is no JSON, UnsafeNumberError by the rule "error", TooDeepError
 */
export function parseExact(text: string, rule: UnsafeNumbers, holders?: UnsafeHolders): unknown {
  if (longInteger.test(text)) return parseBy(rule, replaceConstants(text), holders);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!constant.test(text)) throw error;
    return parseBy(rule, replaceConstants(text), holders);
  }
}

/**
 * Looks for a number that was changed in a value of a document that `holders` was told of.
 * @throws UnsafeNumberError for the first
 */
export function refuseUnsafe(value: unknown, holders: UnsafeHolders): void {
  if (holders.size === 0) return;
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const text = holders.get(next);
    if (text !== undefined) throw new UnsafeNumberError(text);
    for (const inner of Object.values(next)) waiting.push(inner);
  }
}

function parseBy(rule: UnsafeNumbers, text: string, holders?: UnsafeHolders): unknown {
  // The third argument is newer than TypeScript's library: the literal as it stands in the text.
  function revive(this: unknown, _key: string, value: unknown, context?: { source: string }): unknown {
    if (typeof value !== "number" || context === undefined) return value;
    const { source } = context;
    const special = constantOf[source];
    const exact = special ?? (Number.isSafeInteger(value) || !/^-?\d+$/.test(source) ? undefined : BigInt(source));
    if (exact === undefined) return value;
    const said = special === undefined ? source : String(special);
    holders?.set(this, said);
    return byRule(rule, said, exact);
  }
  try {
    return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
  } catch (error) {
    // A reviver is called from within; without one a document of any depth is read.
    throw error instanceof RangeError ? new TooDeepError(error) : error;
  }
}

function byRule(rule: UnsafeNumbers, text: string, exact: number | bigint): unknown {
  switch (rule) {
    case "string":
      return text;
    case "bigint":
      return exact;
    case "error":
      throw new UnsafeNumberError(text);
  }
}

/** Constants outside of texts become literals that a JSON parser reads. By hand: a document may be many megabytes long. */
function replaceConstants(text: string): string {
  if (!constant.test(text)) return text;
  let result = "";
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      at = endOfText(text, at);
    } else if (
      (character === "N" && text[at - 1] !== "-") ||
      character === "I" ||
      (character === "-" && text[at + 1] === "I")
    ) {
      const name = (["NaN", "Infinity", "-Infinity"] as const).find((word) => text.startsWith(word, at));
      if (name === undefined) continue;
      result += text.slice(copied, at) + stand[name];
      copied = at + name.length;
      at = copied - 1;
    }
  }
  return result + text.slice(copied);
}

/** Where the quote stands that ends the text which begins at `start`. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

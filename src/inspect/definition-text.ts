/** The definition of an actor's logic as inspectors draw it: JSON of its whole statechart, without the secrets that its static data may hold. */

import { type SummaryLimits, summarise, summariseText } from "./summarise.ts";

/** Parts of a statechart that are data of the user's: everything else is its structure, which is told whole. */
const dataNames = new Set(["context", "input", "output", "meta", "params", "data", "schemas", "types"]);
/** A chart that has more than this is drawn by nobody. */
const most = { depth: 60, values: 50_000 };
const dataLimits: SummaryLimits = { maxDepth: 4, maxValues: 200 };

/**
 * Makes the text of a definition. Functions are `{ type: name }`, as Stately's inspector writes them.
 * @param config the `config` of a logic; undefined for a logic that has none, which is drawn as its id alone
 */
export function definitionText(config: unknown, id: string): string {
  if (typeof config !== "object" || config === null) return JSON.stringify({ id });
  let left = most.values;
  const path: object[] = [];
  const structure = (value: unknown, name: string): unknown => {
    left -= 1;
    if (typeof value === "string") return summariseText(value, 1_000);
    if (typeof value !== "object" || value === null) return summarise(value);
    if (path.includes(value) || path.length > most.depth || left <= 0) return undefined;
    if (!Array.isArray(value) && !isPlain(value)) return summarise(value, dataLimits);
    path.push(value);
    try {
      if (Array.isArray(value)) return value.map((item) => structure(item, ""));
      return Object.fromEntries(fieldsOf(value).map(([key, item]) => [key, field(key, item, name)]));
    } finally {
      path.pop();
    }
  };
  const field = (key: string, item: unknown, name: string): unknown => {
    // Below these stand names of the user's: a state may be called "context", an event "token".
    if (name === "states" || name === "on" || name === "after") return structure(item, "");
    if (!dataNames.has(key)) return structure(item, key);
    return (summarise({ [key]: item }, dataLimits) as Record<string, unknown>)[key];
  };
  try {
    return JSON.stringify(structure(config, "")) ?? JSON.stringify({ id });
  } catch {
    return JSON.stringify({ id }); // A config that does not let itself be walked through is no chart.
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Getters are not run. */
function fieldsOf(value: object): [string, unknown][] {
  return Object.entries(Object.getOwnPropertyDescriptors(value)).flatMap(([key, field]) =>
    field.enumerable === true && "value" in field ? [[key, field.value as unknown]] : [],
  );
}

/** Where two JSON Schemas cannot mean the same values: what one side writes, and what the other side reads. What JSON Schema cannot decide is no difference. */

import {
  type Alternative,
  describeAlternatives,
  isSchemaObject,
  SchemaDocument,
  type SchemaObject,
} from "./schema-node.ts";

/** What one side says of a place. */
export type Said =
  | { readonly type: "says"; readonly text: string }
  /** It has no such property, or takes none. */
  | { readonly type: "lacks" }
  /** It may leave the property out. */
  | { readonly type: "may_lack" };

/** A place where the two sides differ. */
export interface SchemaDifference {
  /** Keys of objects and positions in arrays; an array of equal items has the position 0. */
  readonly path: readonly (string | number)[];
  /** The same for people: ".total", ".items[].price". */
  readonly at: string;
  readonly writer: Said;
  readonly reader: Said;
}

/**
 * How two schemas are compared.
 * - "overlap": they differ where no value of the writer's is one of the reader's
 * - "cover": they differ also where some value of the writer's is none of the reader's
 */
export interface ComparisonRules {
  readonly mode: "overlap" | "cover";
  /** Whether the reader refuses properties that it does not name where its schema says so; otherwise it leaves them aside. */
  readonly strictReader: boolean;
}

/** Compares what one side writes with what the other reads; in the order of the writer's schema. */
export function schemaDifferences(writer: unknown, reader: unknown, rules: ComparisonRules): SchemaDifference[] {
  return new Comparison(writer, reader, rules).compare(writer, reader, { path: [], at: "" });
}

/** How many pairs are compared: what is left of a schema larger than that is not looked into. */
const mostPairs = 20_000;

/** A place within a value. */
interface Place {
  readonly path: readonly (string | number)[];
  readonly at: string;
}

class Comparison {
  readonly #writer: SchemaDocument;
  readonly #reader: SchemaDocument;
  readonly #rules: ComparisonRules;
  /** Pairs that have been compared, or are: a schema that contains itself is compared once. */
  readonly #met = new Map<unknown, Set<unknown>>();
  #pairs = 0;

  constructor(writer: unknown, reader: unknown, rules: ComparisonRules) {
    this.#writer = new SchemaDocument(writer);
    this.#reader = new SchemaDocument(reader);
    this.#rules = rules;
  }

  compare(writer: unknown, reader: unknown, place: Place): SchemaDifference[] {
    const written = this.#writer.alternatives(writer);
    const read = this.#reader.alternatives(reader);
    if (written === undefined || read === undefined || written.length === 0) return [];
    return this.#rules.mode === "cover" ? this.#cover(written, read, place) : this.#overlap(written, read, place);
  }

  /** Null alone is no overlap: two sides that may both say nothing differ in what they say. */
  #overlap(all: readonly Alternative[], others: readonly Alternative[], place: Place): SchemaDifference[] {
    const [written, read] = [withoutNull(all), withoutNull(others)];
    const both = written.length > 0 && read.length > 0;
    const found: (SchemaDifference[] | undefined)[] = [];
    for (const one of both ? written : all) {
      const best = this.#best(one, both ? read : others, place);
      if (best?.length === 0) return [];
      found.push(best);
    }
    return fewest(found) ?? [kindDifference(all, others, place)];
  }

  #cover(written: readonly Alternative[], read: readonly Alternative[], place: Place): SchemaDifference[] {
    const found = written.map((one) => this.#best(one, read, place));
    if (found.includes(undefined)) return [kindDifference(written, read, place)];
    const byPlace = new Map(found.flatMap((list) => list ?? []).map((one) => [one.at, one]));
    return [...byPlace.values()];
  }

  /** The differences from the alternative that it is nearest to; undefined where none is of its kind, or has its values. */
  #best(one: Alternative, others: readonly Alternative[], place: Place): SchemaDifference[] | undefined {
    return fewest(others.map((other) => this.#pair(one, other, place)));
  }

  #pair(one: Alternative, other: Alternative, place: Place): SchemaDifference[] | undefined {
    if (!sameKind(one.kind, other.kind) || !this.#valuesMeet(one, other)) return undefined;
    if (one.values !== undefined || other.values !== undefined) return [];
    const [writer, reader] = [one.schema, other.schema];
    const met = this.#met.get(writer) ?? new Set();
    this.#met.set(writer, met);
    this.#pairs += 1;
    if (met.has(reader) || this.#pairs > mostPairs) return [];
    met.add(reader);
    // What was found equal once is so everywhere; a difference is told at each place.
    const found =
      one.kind === "object"
        ? this.#objects(writer, reader, place)
        : one.kind === "array"
          ? this.#arrays(writer, reader, place)
          : [];
    if (found.length > 0) met.delete(reader);
    return found;
  }

  #valuesMeet({ values }: Alternative, other: Alternative): boolean {
    const read = other.values?.map((value) => JSON.stringify(value));
    if (read === undefined) return true;
    if (values === undefined) return this.#rules.mode === "overlap" || other.kind === "null";
    const meets = (value: unknown) => read.includes(JSON.stringify(value));
    return this.#rules.mode === "cover" ? values.every(meets) : values.some(meets);
  }

  #objects(writer: SchemaObject, reader: SchemaObject, place: Place): SchemaDifference[] {
    const [written, read] = [propertiesOf(writer), propertiesOf(reader)];
    const always = namesOf(writer.required);
    const found: SchemaDifference[] = [];
    for (const [name, schema] of written) {
      const own = read.has(name);
      const expected = own ? read.get(name) : reader.additionalProperties;
      const here = within(place, name);
      if (!own && expected === false) {
        if (!this.#rules.strictReader || (this.#rules.mode === "overlap" && !always.has(name))) continue;
        found.push({ ...here, writer: this.#writerSays(schema), reader: { type: "lacks" } });
      } else found.push(...this.compare(schema, expected, here));
    }
    for (const name of namesOf(reader.required)) {
      const expected = read.get(name);
      const here = within(place, name);
      if (!written.has(name)) {
        if (isOpen(writer)) continue;
        found.push({ ...here, writer: { type: "lacks" }, reader: this.#readerSays(expected) });
      } else if (this.#rules.mode === "cover" && !always.has(name)) {
        found.push({ ...here, writer: { type: "may_lack" }, reader: this.#readerSays(expected) });
      }
    }
    if (written.size === 0 && isSchemaObject(writer.additionalProperties)) {
      const here = { path: [...place.path, "key"], at: `${place.at}.*` };
      found.push(...this.compare(writer.additionalProperties, reader.additionalProperties, here));
    }
    return found;
  }

  #arrays(writer: SchemaObject, reader: SchemaObject, place: Place): SchemaDifference[] {
    const length = lengthDifference(writer, reader, place);
    if (length !== undefined) return [length];
    const [written, read] = [listOf(writer.prefixItems), listOf(reader.prefixItems)];
    const items = { path: [...place.path, 0], at: `${place.at}[]` };
    if (written.length === 0 && read.length === 0) return this.compare(writer.items, reader.items, items);
    const found: SchemaDifference[] = [];
    for (let at = 0; at < Math.max(written.length, read.length); at += 1) {
      const here = { path: [...place.path, at], at: `${place.at}[${at}]` };
      found.push(...this.compare(written[at] ?? writer.items, read[at] ?? reader.items, here));
    }
    return found;
  }

  #writerSays(schema: unknown): Said {
    return { type: "says", text: describeAlternatives(this.#writer.alternatives(schema)) };
  }

  #readerSays(schema: unknown): Said {
    return { type: "says", text: describeAlternatives(this.#reader.alternatives(schema)) };
  }
}

function kindDifference(written: readonly Alternative[], read: readonly Alternative[], place: Place): SchemaDifference {
  return {
    ...place,
    writer: { type: "says", text: describeAlternatives(written) },
    reader: { type: "says", text: describeAlternatives(read) },
  };
}

function lengthDifference(writer: SchemaObject, reader: SchemaObject, place: Place): SchemaDifference | undefined {
  const [least, most] = [bound(writer.minItems, 0), bound(writer.maxItems, Number.POSITIVE_INFINITY)];
  const [needed, taken] = [bound(reader.minItems, 0), bound(reader.maxItems, Number.POSITIVE_INFINITY)];
  if (most >= needed && least <= taken) return undefined;
  const says = (from: number, to: number): Said => {
    const count = from === to ? `${from}` : to === Number.POSITIVE_INFINITY ? `${from} or more` : `${from} to ${to}`;
    return { type: "says", text: `array of ${count}` };
  };
  return { ...place, writer: says(least, most), reader: says(needed, taken) };
}

function fewest(lists: readonly (SchemaDifference[] | undefined)[]): SchemaDifference[] | undefined {
  return lists.reduce(
    (best, list) => (best === undefined || (list?.length ?? Infinity) < best.length ? list : best),
    undefined,
  );
}

function sameKind(one: Alternative["kind"], other: Alternative["kind"]): boolean {
  const numbers = one === "integer" || one === "number";
  return one === other || (numbers && (other === "integer" || other === "number"));
}

function withoutNull(alternatives: readonly Alternative[]): readonly Alternative[] {
  return alternatives.filter(({ kind }) => kind !== "null");
}

/** Whether objects may have properties that their schema does not name. One that names some and says nothing of others is a class: it has no others. */
function isOpen({ properties, additionalProperties, patternProperties }: SchemaObject): boolean {
  if (additionalProperties === false) return false;
  return additionalProperties !== undefined || patternProperties !== undefined || properties === undefined;
}

function within({ path, at }: Place, name: string): Place {
  return { path: [...path, name], at: /^[\w$]+$/.test(name) ? `${at}.${name}` : `${at}[${JSON.stringify(name)}]` };
}

function propertiesOf({ properties }: SchemaObject): ReadonlyMap<string, unknown> {
  return new Map(isSchemaObject(properties) ? Object.entries(properties) : []);
}

function namesOf(required: unknown): ReadonlySet<string> {
  return new Set(listOf(required).filter((name) => typeof name === "string"));
}

function listOf(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function bound(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** Values that a JSON Schema describes, to ask a schema in code about. */

import { isSchemaObject, SchemaDocument, type SchemaObject } from "./schema-node.ts";

/** Texts, among them some that are numbers, truth values or times. */
const texts = ["1", "true", "2020-01-02T03:04:05Z", "", "https://example.com/"];

const formats: Readonly<Record<string, string>> = {
  "date-time": "2020-01-02T03:04:05Z",
  date: "2020-01-02",
  time: "03:04:05Z",
  duration: "PT1S",
  email: "a@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  ipv4: "127.0.0.1",
  ipv6: "::1",
};

/** Objects and arrays within one another: so many. */
const deepest = 6;

/** How many examples differ from each other, unions aside. */
export const exampleCount: number = texts.length;

/** A value of a schema; `which` tells one example from another. It need not keep to patterns. */
export function exampleOf(schema: unknown, which: number): unknown {
  return new Example(schema, which).of(schema, 0);
}

class Example {
  readonly #document: SchemaDocument;
  readonly #which: number;

  constructor(schema: unknown, which: number) {
    this.#document = new SchemaDocument(schema);
    this.#which = which;
  }

  of(schema: unknown, depth: number): unknown {
    const alternatives = this.#document.alternatives(schema) ?? [];
    const one = alternatives[this.#which % alternatives.length];
    if (one === undefined) return texts[this.#which % texts.length];
    if (one.values !== undefined) return one.values[this.#which % one.values.length];
    switch (one.kind) {
      case "null":
        return null;
      case "boolean":
        return this.#which % 2 === 0;
      case "integer":
      case "number":
        return numberOf(one.schema);
      case "string":
        return formats[String(one.schema.format)] ?? texts[this.#which % texts.length];
      case "array":
        return depth > deepest ? [] : this.#array(one.schema, depth);
      case "object":
        return depth > deepest ? {} : this.#object(one.schema, depth);
    }
  }

  #array({ prefixItems, items, minItems }: SchemaObject, depth: number): unknown[] {
    if (Array.isArray(prefixItems)) return prefixItems.map((item) => this.of(item, depth + 1));
    const length = Math.min(Math.max(typeof minItems === "number" ? minItems : 1, 1), 3);
    return Array.from({ length }, () => this.of(items, depth + 1));
  }

  #object({ properties, additionalProperties }: SchemaObject, depth: number): Record<string, unknown> {
    const named = isSchemaObject(properties) ? Object.entries(properties) : [];
    const all = named.length === 0 && isSchemaObject(additionalProperties) ? [["key", additionalProperties]] : named;
    return Object.fromEntries(all.map(([name, schema]) => [name, this.of(schema, depth + 1)]));
  }
}

function numberOf({ minimum, exclusiveMinimum, maximum }: SchemaObject): number {
  if (typeof minimum === "number") return minimum;
  if (typeof exclusiveMinimum === "number") return exclusiveMinimum + 1;
  return typeof maximum === "number" ? Math.min(1, maximum) : 1;
}

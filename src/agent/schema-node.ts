/** A JSON Schema as far as two of them can be compared: references followed, unions taken apart, the rest of each alternative by its kind. */

/** What a value of JSON is. */
export type ValueKind = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** A schema with keywords. */
export type SchemaObject = Readonly<Record<string, unknown>>;

/** One of the things that a schema says a value may be. */
export interface Alternative {
  readonly kind: ValueKind;
  readonly schema: SchemaObject;
  /** The only values, where they are listed. */
  readonly values: readonly unknown[] | undefined;
}

const kinds: ReadonlySet<unknown> = new Set<ValueKind>([
  "null",
  "boolean",
  "integer",
  "number",
  "string",
  "array",
  "object",
]);

/** How many references may follow one another, or unions be within one another. */
const deepest = 64;

/** A document, against which the references within it are followed. */
export class SchemaDocument {
  readonly #root: unknown;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** What a schema says a value may be; undefined where it says nothing that can be compared: anything, perhaps. */
  alternatives(schema: unknown, depth = 0): readonly Alternative[] | undefined {
    if (schema === false) return [];
    if (!isSchemaObject(schema) || depth > deepest) return undefined;
    if (typeof schema.$ref === "string") return this.alternatives(this.#resolve(schema.$ref), depth + 1);
    if ("const" in schema) return listed([schema.const], schema);
    if (Array.isArray(schema.enum)) return listed(schema.enum, schema);
    const union = schema.anyOf ?? schema.oneOf;
    if (Array.isArray(union)) {
      // Beside a union other keywords hold too, and what they leave of it is not looked into.
      if ("type" in schema || "properties" in schema || "allOf" in schema) return undefined;
      const members = union.map((member) => this.alternatives(member, depth + 1));
      return members.includes(undefined) ? undefined : members.flatMap((member) => member ?? []);
    }
    if (Array.isArray(schema.allOf)) {
      if (schema.allOf.length !== 1 || "type" in schema || "properties" in schema) return undefined;
      return this.alternatives(schema.allOf[0], depth + 1);
    }
    const types: unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
    if (!types.every((type): type is ValueKind => kinds.has(type))) return undefined;
    return types.map((kind) => ({ kind, schema, values: undefined }));
  }

  #resolve(reference: string): unknown {
    if (!reference.startsWith("#")) return undefined;
    let at = this.#root;
    for (const step of reference.slice(1).split("/").slice(1)) {
      const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
      at = (at as SchemaObject | undefined)?.[key];
    }
    return at;
  }
}

/** Whether a schema is one with keywords. */
export function isSchemaObject(schema: unknown): schema is SchemaObject {
  return typeof schema === "object" && schema !== null && !Array.isArray(schema);
}

/** What kind a value is of. */
export function kindOf(value: unknown): ValueKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean" || typeof value === "string") return typeof value as ValueKind;
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "bigint" ? "integer" : "object";
}

function listed(values: readonly unknown[], schema: SchemaObject): Alternative[] {
  const byKind = Map.groupBy(values, kindOf);
  return [...byKind].map(([kind, ofKind]) => ({ kind, schema: { description: schema.description }, values: ofKind }));
}

/** What a value may be, for people. */
export function describeAlternatives(alternatives: readonly Alternative[] | undefined): string {
  if (alternatives === undefined) return "anything";
  if (alternatives.length === 0) return "nothing";
  return [...new Set(alternatives.flatMap(describe))].join(" | ");
}

/** Values that are listed: so many are told. */
const told = 6;

function describe({ kind, values }: Alternative): string[] {
  if (values === undefined || kind === "null") return [kind];
  const texts = values.slice(0, told).map((value) => JSON.stringify(value));
  return values.length > told ? [...texts, "…"] : texts;
}

/** TypeScript's types of JSON Schemas, as text. */

import { isSchemaObject, type SchemaObject } from "../agent/schema-node.ts";
import { docText, keyText, literalText } from "./source-text.ts";
import type { Direction, TypeNames } from "./type-names.ts";

/** Where the types of a document go. */
export interface TypeScope {
  readonly names: TypeNames;
  readonly direction: Direction;
  /** Goes before a name that is taken. */
  readonly prefix: string;
  /** Declarations of the types that others refer to, in the order of their first use; added to. */
  readonly declarations: string[];
}

/** Unions nested deeper than this are unknown: nobody reads them. */
const deepest = 100;

/** The types of one document. */
export class TypeWriter {
  readonly #root: unknown;
  /** The names of those that were referred to. */
  readonly #named = new Map<string, string>();
  readonly #scope: TypeScope;

  constructor(root: unknown, scope: TypeScope) {
    this.#root = root;
    this.#scope = scope;
  }

  /** The declaration of the document's own type under a name. */
  declaration(name: string, doc: readonly (string | undefined)[]): string {
    return this.#declared(name, this.#root, doc);
  }

  /** The type of a schema within the document. */
  type(schema: unknown, indent = 0): string {
    if (schema === false) return "never";
    if (!isSchemaObject(schema) || indent > deepest) return "unknown";
    if (typeof schema.$ref === "string") return this.#reference(schema.$ref);
    if ("const" in schema) return valueType(schema.const);
    if (Array.isArray(schema.enum)) return union(schema.enum.map(valueType));
    const parts: string[] = [];
    for (const members of [schema.anyOf, schema.oneOf]) {
      if (Array.isArray(members)) parts.push(union(members.map((member) => this.type(member, indent))));
    }
    if (Array.isArray(schema.allOf)) parts.push(...schema.allOf.map((member) => this.type(member, indent)));
    const own = this.#own(schema, indent);
    if (own !== "unknown") parts.push(own);
    return intersection(parts);
  }

  #own(schema: SchemaObject, indent: number): string {
    const { type = "properties" in schema ? "object" : undefined } = schema;
    const kinds: unknown[] = Array.isArray(type) ? type : [type];
    return union(kinds.map((kind) => this.#kind(kind, schema, indent)));
  }

  #kind(kind: unknown, schema: SchemaObject, indent: number): string {
    switch (kind) {
      case "null":
      case "boolean":
      case "string":
        return kind;
      case "integer":
      case "number":
        // A bound that JavaScript's JSON does not hold is a text here, as every number beyond it is in an answer.
        return [schema.minimum, schema.exclusiveMinimum].some(isBeyond) ? "string" : "number";
      case "array":
        return this.#array(schema, indent);
      case "object":
        return this.#object(schema, indent);
      default:
        return "unknown";
    }
  }

  #array({ prefixItems, items, minItems, maxItems }: SchemaObject, indent: number): string {
    const readonly = this.#scope.direction === "written" ? "readonly " : "";
    if (!Array.isArray(prefixItems)) {
      const item = this.type(items, indent);
      return `${readonly}${closed(item)}[]`;
    }
    const least = typeof minItems === "number" ? minItems : 0;
    const members = prefixItems.map((member, at) => {
      const text = this.type(member, indent);
      return at < least ? text : `${closed(text)}?`;
    });
    const isOpen = items !== false && (typeof maxItems !== "number" || maxItems > prefixItems.length);
    if (isOpen) members.push(`...${closed(this.type(items, indent))}[]`);
    return `${readonly}[${members.join(", ")}]`;
  }

  #object(schema: SchemaObject, indent: number): string {
    const named = isSchemaObject(schema.properties) ? Object.entries(schema.properties) : [];
    if (named.length === 0) return this.#dictionary(schema, indent);
    return `{\n${this.#members(schema, indent + 2)}${" ".repeat(indent)}}`;
  }

  #dictionary(
    { additionalProperties, patternProperties, propertyNames, properties }: SchemaObject,
    indent: number,
  ): string {
    if (isSchemaObject(patternProperties)) {
      return dictionary("string", union(Object.values(patternProperties).map((value) => this.type(value, indent))));
    }
    if (additionalProperties === false || (additionalProperties === undefined && properties !== undefined)) {
      return "Record<string, never>";
    }
    const value = this.type(additionalProperties, indent);
    const key = propertyNames === undefined ? "string" : this.type(propertyNames, indent);
    return dictionary(key === "unknown" ? "string" : key, value);
  }

  /** A line or more for each property. */
  #members(schema: SchemaObject, indent: number): string {
    const { properties = {}, required, additionalProperties } = schema;
    const always = new Set(Array.isArray(required) ? required : []);
    const pad = " ".repeat(indent);
    const isWritten = this.#scope.direction === "written";
    const lines = Object.entries(properties as SchemaObject).map(([name, property]) => {
      const type = this.type(property, indent);
      const mark = always.has(name) ? "" : "?";
      const orNot = mark !== "" && isWritten ? " | undefined" : "";
      return `${this.#docOf(property, indent)}${pad}${keyText(name)}${mark}: ${type}${orNot};\n`;
    });
    if (additionalProperties === true || isSchemaObject(additionalProperties)) {
      lines.push(`${pad}[key: string]: unknown;\n`);
    }
    return lines.join("");
  }

  #docOf(schema: unknown, indent: number): string {
    if (!isSchemaObject(schema)) return "";
    const { description, format, default: otherwise, deprecated } = schema;
    const told = this.#scope.direction === "written" && otherwise !== undefined && otherwise !== null;
    return docText(
      [
        typeof description === "string" ? description : undefined,
        typeof format === "string" && schema.type === "string" ? formatText(format) : undefined,
        told ? `Default: ${JSON.stringify(otherwise)}.` : undefined,
        deprecated === true ? "@deprecated" : undefined,
      ],
      indent,
    );
  }

  #reference(reference: string): string {
    const { names, prefix, direction, declarations } = this.#scope;
    const schema = this.#target(reference);
    if (schema === undefined) return "unknown";
    const wanted = decodeURIComponent(reference.slice(reference.lastIndexOf("/") + 1));
    const known = this.#named.get(reference);
    if (known !== undefined) return known;
    const { name, fresh } = names.of(wanted, { schema, root: this.#root, direction }, prefix);
    this.#named.set(reference, name);
    if (fresh) {
      // Its place is before those that it refers to.
      const place = declarations.push("") - 1;
      declarations[place] = this.#declared(name, schema, []);
    }
    return name;
  }

  #target(reference: string): unknown {
    if (!reference.startsWith("#/")) return undefined;
    let at = this.#root;
    for (const step of reference.slice(2).split("/")) {
      const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
      at = isSchemaObject(at) ? at[key] : undefined;
    }
    return at;
  }

  #declared(name: string, schema: unknown, doc: readonly (string | undefined)[]): string {
    const { description } = isSchemaObject(schema) ? schema : {};
    const comment = docText([...doc, typeof description === "string" ? description : undefined]);
    const isPlain = isSchemaObject(schema) && schema.$ref === undefined && schema.allOf === undefined;
    const hasProperties = isPlain && isSchemaObject(schema.properties) && Object.keys(schema.properties).length > 0;
    if (hasProperties && schema.type === "object" && schema.anyOf === undefined && schema.oneOf === undefined) {
      return `${comment}export interface ${name} {\n${this.#members(schema, 2)}}\n`;
    }
    return `${comment}export type ${name} = ${this.type(schema)};\n`;
  }
}

function valueType(value: unknown): string {
  if (typeof value !== "object" || value === null) return literalText(value);
  return Array.isArray(value) ? `[${value.map(valueType).join(", ")}]` : "Record<string, unknown>";
}

/** Bytes are written as base64, whatever pydantic calls that. */
function formatText(format: string): string {
  return format === "binary" ? "Bytes, as base64." : `A text in the format "${format}".`;
}

/** A type that may refer to itself, as Record may not. */
function dictionary(key: string, value: string): string {
  return key === "string" ? `{ [key: string]: ${value} }` : `{ [key in ${key}]?: ${value} }`;
}

/** A type as one operand: in parentheses where something in it binds less than what follows. */
function closed(type: string): string {
  let depth = 0;
  for (const [letter] of type.matchAll(/[<>{}[\]()|&]/g)) {
    if ("<{[(".includes(letter)) depth += 1;
    else if (">}])".includes(letter)) depth -= 1;
    else if (depth === 0) return `(${type})`;
  }
  return type.startsWith("readonly ") ? `(${type})` : type;
}

/** Whether a bound is a positive number beyond 2^53, which is read as its text. */
function isBeyond(bound: unknown): boolean {
  return (
    (typeof bound === "string" && /^\d+$/.test(bound)) || (typeof bound === "number" && bound > Number.MAX_SAFE_INTEGER)
  );
}

function union(types: readonly string[]): string {
  const all = [...new Set(types)].filter((type) => type !== "never");
  if (all.includes("unknown")) return "unknown";
  return all.length === 0 ? "never" : all.join(" | ");
}

function intersection(types: readonly string[]): string {
  const all = [...new Set(types)].filter((type) => type !== "unknown");
  if (all.length <= 1) return all[0] ?? "unknown";
  return all.map((type) => (type.includes("|") ? `(${type})` : type)).join(" & ");
}

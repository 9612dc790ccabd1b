/** The JSON Schema of a tool's arguments: what its author says, or what its schema says of itself. */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { invalidArgument } from "../errors.ts";
import { encodeJson } from "../rpc/json.ts";

/** A JSON Schema document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const noArguments: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/**
 * The JSON Schema of a tool's arguments; it is that of an object.
 * @throws CallerError "invalid_argument" where there is none
 */
export function parametersOf(
  field: string,
  tool: { readonly input?: StandardSchemaV1 | undefined; readonly parameters?: JsonSchema | undefined },
): JsonSchema {
  const { input, parameters } = tool;
  if (parameters === undefined && input === undefined) return noArguments;
  const schema = parameters !== undefined ? parameters : exportOf(`${field}.input`, input as StandardSchemaV1);
  const at = parameters === undefined ? `the JSON Schema of ${field}.input` : `${field}.parameters`;
  if (typeof schema !== "object" || schema === null || schema.type !== "object") {
    throw invalidArgument(at, schema, 'a JSON Schema of type "object"');
  }
  encodeJson(at, schema);
  return schema;
}

/**
 * The JSON Schema of an object, given as one or by a schema that says it.
 * @throws CallerError "invalid_argument"
 */
export function jsonSchemaOf(field: string, schema: JsonSchema | StandardSchemaV1): JsonSchema {
  if (typeof schema !== "object" && typeof schema !== "function") {
    throw invalidArgument(field, schema, "a JSON Schema or a Standard Schema");
  }
  const document = isStandardSchema(schema) ? exportOf(field, schema) : schema;
  if (document?.type !== "object") throw invalidArgument(field, document, 'a JSON Schema of type "object"');
  return document;
}

/** Whether a schema is one that checks values, and no document. */
export function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  return typeof (schema as StandardSchemaV1 | undefined)?.["~standard"]?.validate === "function";
}

/** What a schema takes, as JSON Schema; undefined where it does not say, or cannot. Where it holds something that JSON Schema does not know, zod's says nothing of that part. */
export function documentOf(schema: StandardSchemaV1): JsonSchema | undefined {
  let known = documents.get(schema);
  if (known === undefined) {
    known = { document: readDocument(schema) };
    documents.set(schema, known);
  }
  return known.document;
}

/** Every start of a worker asks for that of its definition. */
const documents = new WeakMap<StandardSchemaV1, { readonly document: JsonSchema | undefined }>();

function readDocument(schema: StandardSchemaV1): JsonSchema | undefined {
  const { jsonSchema, vendor } = schema["~standard"] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  if (typeof jsonSchema?.input !== "function") return undefined;
  try {
    const libraryOptions = vendor === "zod" ? { unrepresentable: "any" } : {};
    return jsonSchema.input({ target: "draft-2020-12", libraryOptions });
  } catch {
    return undefined; // It cannot be said as JSON Schema: nothing is known of it before it is asked.
  }
}

/** The Standard JSON Schema of a schema (https://standardschema.dev/json-schema): zod from 4.2, arktype from 2.1.28, valibot by its toStandardJsonSchema. */
function exportOf(field: string, schema: StandardSchemaV1): JsonSchema {
  const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
  if (typeof jsonSchema?.input !== "function") {
    throw invalidArgument(
      field,
      schema,
      "a schema that says what it is as JSON Schema, or another beside its JSON Schema",
    );
  }
  try {
    // The dialect is the default one, and models are not asked to know its name.
    const { $schema: _dialect, ...rest } = jsonSchema.input({ target: "draft-2020-12" });
    return rest;
  } catch (error) {
    throw invalidArgument(field, schema, "a schema that JSON Schema can express", error);
  }
}

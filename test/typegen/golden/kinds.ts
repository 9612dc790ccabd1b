/**
 * Written by `synapse-otp typegen` from the agent "agents/kinds.py:agent"; do not edit.
 *
 * Numbers are as JavaScript's JSON holds them. An integer beyond ±(2^53 - 1), NaN and infinities arrive as texts, unless
 * `unsafeNumbers` of the definition says otherwise.
 */

import type { AgentContract, Prompt, RunEvent, ToolCallOf } from "../../../src/index.ts";

/** What a prompt may be. */
export type Input = Prompt;

/**
 * What a run answers with.
 *
 * What was found.
 *
 * In two paragraphs.
 */
export interface Output {
  /** One line. */
  title: string;
  /** A text in the format "date-time". */
  at: string;
  /** Bytes, as base64. */
  blob: string;
  count: number;
  share: number;
  huge: "9007199254740993";
  beyond: string;
  done: boolean;
  nothing: null;
  anything: unknown;
  level: "low" | "high" | 3 | null;
  kind: "report";
  maybe: number | null;
  list: (string | null)[];
  rows: number[][];
  pair: [string, number];
  many: [string, ...number[]];
  some: [string, (number | null)?];
  set: number[];
  scores: { [key: string]: number };
  bare: { [key: string]: unknown };
  byLevel: { [key in "low" | "high"]?: number };
  byPattern: { [key: string]: string };
  tagged: { [key: string]: Tag };
  empty: Record<string, never>;
  mixed: string | number | Level | string[];
  shape: Circle | app__Square;
  "odd name": string;
  nested: {
    deep?: {
      leaf: string;
    };
  };
  json: Json;
  /** @deprecated */
  old?: string;
  class: OutputOutput;
  lost?: unknown;
}

/** A word for *\/ something. */
export interface Tag {
  word: string;
  parent: Tag | null;
}

export type Level = 1 | 2;

export interface Circle {
  kind: "circle";
  radius: number;
  [key: string]: unknown;
}

export interface app__Square {
  kind: "square";
}

export type Json = string | Json[] | { [key: string]: Json };

export interface OutputOutput {
  value: string;
}

/** A word for *\/ something. */
export interface DepsTag {
  word: string;
  parent: DepsTag | null;
}

/** What a run takes as `deps`: the agent's deps_type makes its deps of it. */
export interface Deps {
  user: string;
  /**
   * How many.
   *
   * Default: 10.
   */
  limit?: number | undefined;
  /** Default: []. */
  tags?: readonly DepsTag[] | undefined;
  pair: readonly [string, number];
}

/** The arguments of the agent's own tools, by their names. */
export interface ToolArguments {
  /**
   * Finds a tag.
   *
   * Or none.
   *
   * Its calls wait for somebody's approval, or may.
   */
  find: {
    tag: Tag;
    limit?: number;
  };
  /** Its calls are answered from outside of the run. */
  "odd-name": Record<string, never>;
}

/** An event of a run. */
export type Event = RunEvent<Output>;

/** A call of one of the agent's own tools: what `isToolCall(event, contract)` finds among the events of a run. */
export type ToolCall = ToolCallOf<ToolArguments>;

/** For `defineAgent({ id, contract })`: it gives outputs and `deps` their types, and an agent that is another does not start. */
export const contract: AgentContract<Output, Deps, ToolArguments> = {
  entry: "agents/kinds.py:agent",
  hash: "0123",
  output: {
    type: "object",
    properties: {
      title: { type: "string" },
      at: { type: "string", format: "date-time" },
      blob: { type: "string", format: "binary" },
      count: { type: "integer" },
      share: { type: "number", minimum: 0 },
      huge: { const: "9007199254740993" },
      beyond: { type: "integer", minimum: "9007199254740993" },
      done: { type: "boolean" },
      nothing: { type: "null" },
      anything: {},
      level: {
        enum: ["low", "high", 3, null],
      },
      kind: { const: "report", type: "string" },
      maybe: {
        anyOf: [{ type: "integer" }, { type: "null" }],
      },
      list: {
        type: "array",
        items: {
          anyOf: [{ type: "string" }, { type: "null" }],
        },
      },
      rows: {
        type: "array",
        items: {
          type: "array",
          items: { type: "integer" },
        },
      },
      pair: {
        type: "array",
        prefixItems: [{ type: "string" }, { type: "integer" }],
        minItems: 2,
        maxItems: 2,
      },
      many: {
        type: "array",
        prefixItems: [{ type: "string" }],
        minItems: 1,
        items: { type: "integer" },
      },
      some: {
        type: "array",
        prefixItems: [
          { type: "string" },
          {
            anyOf: [{ type: "integer" }, { type: "null" }],
          },
        ],
        minItems: 1,
        maxItems: 2,
      },
      set: {
        type: "array",
        items: { type: "integer" },
        uniqueItems: true,
      },
      scores: {
        type: "object",
        additionalProperties: { type: "number" },
      },
      bare: { type: "object", additionalProperties: true },
      byLevel: {
        type: "object",
        propertyNames: {
          enum: ["low", "high"],
        },
        additionalProperties: { type: "integer" },
      },
      byPattern: {
        type: "object",
        patternProperties: {
          "^x": { type: "string" },
        },
      },
      tagged: {
        type: "object",
        additionalProperties: { $ref: "#/$defs/Tag" },
      },
      empty: {
        type: "object",
        properties: {},
      },
      mixed: {
        anyOf: [
          { type: "string" },
          { type: "integer" },
          { $ref: "#/$defs/Level" },
          {
            type: "array",
            items: { type: "string" },
          },
        ],
      },
      shape: {
        discriminator: {
          propertyName: "kind",
          mapping: {},
        },
        oneOf: [{ $ref: "#/$defs/Circle" }, { $ref: "#/$defs/app__Square" }],
      },
      "odd name": { type: "string" },
      nested: {
        type: "object",
        properties: {
          deep: {
            type: "object",
            properties: {
              leaf: { type: "string" },
            },
            required: ["leaf"],
          },
        },
      },
      json: { $ref: "#/$defs/Json" },
      old: { type: "string" },
      class: { $ref: "#/$defs/Output" },
      lost: { $ref: "#/$defs/Nowhere" },
    },
    required: [
      "title",
      "at",
      "blob",
      "count",
      "share",
      "huge",
      "beyond",
      "done",
      "nothing",
      "anything",
      "level",
      "kind",
      "maybe",
      "list",
      "rows",
      "pair",
      "many",
      "some",
      "set",
      "scores",
      "bare",
      "byLevel",
      "byPattern",
      "tagged",
      "empty",
      "mixed",
      "shape",
      "odd name",
      "nested",
      "json",
      "class",
    ],
    $defs: {
      Tag: {
        type: "object",
        properties: {
          word: { type: "string" },
          parent: {
            anyOf: [{ $ref: "#/$defs/Tag" }, { type: "null" }],
          },
        },
        required: ["word", "parent"],
      },
      Level: {
        enum: [1, 2],
        type: "integer",
      },
      Circle: {
        type: "object",
        properties: {
          kind: { const: "circle" },
          radius: { type: "number" },
        },
        required: ["kind", "radius"],
        additionalProperties: true,
      },
      app__Square: {
        type: "object",
        properties: {
          kind: { const: "square" },
        },
        required: ["kind"],
      },
      Json: {
        anyOf: [
          { type: "string" },
          {
            type: "array",
            items: { $ref: "#/$defs/Json" },
          },
          {
            type: "object",
            additionalProperties: { $ref: "#/$defs/Json" },
          },
        ],
      },
      Output: {
        type: "object",
        properties: {
          value: { type: "string" },
        },
        required: ["value"],
      },
    },
  },
  deps: {
    type: "object",
    properties: {
      user: { type: "string" },
      limit: { type: "integer" },
      tags: {
        type: "array",
        items: { $ref: "#/$defs/Tag" },
      },
      pair: {
        type: "array",
        prefixItems: [{ type: "string" }, { type: "integer" }],
        minItems: 2,
        maxItems: 2,
      },
    },
    required: ["user", "pair"],
    $defs: {
      Tag: {
        type: "object",
        properties: {
          word: { type: "string" },
          parent: {
            anyOf: [{ $ref: "#/$defs/Tag" }, { type: "null" }],
          },
        },
        required: ["word", "parent"],
      },
    },
  },
  tools: {
    find: {
      type: "object",
      properties: {
        tag: { $ref: "#/$defs/Tag" },
        limit: { type: "integer" },
      },
      required: ["tag"],
      additionalProperties: false,
      $defs: {
        Tag: {
          type: "object",
          properties: {
            word: { type: "string" },
            parent: {
              anyOf: [{ $ref: "#/$defs/Tag" }, { type: "null" }],
            },
          },
          required: ["word", "parent"],
        },
      },
    },
    "odd-name": {
      type: "object",
      properties: {},
      additionalProperties: false,
    },
  },
};

/** What a caller may say of one run, and its checks. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isRecord } from "../describe-value.ts";
import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import type { ContentPart } from "../rpc/content.ts";
import type { EncodedRun } from "../rpc/encoded-run.ts";
import { encodeRun } from "../rpc/request.ts";
import type { FrontendSpec, ModelSettings, RunRequestSpec, UsageLimits } from "../rpc/run-types.ts";
import { isStandardSchema, type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { checkRetry, type RetryOptions } from "./retry.ts";
import type { Tools } from "./tool.ts";
import type { ToolSet } from "./tool-set.ts";

/** What an agent is asked: a text, or texts and media in parts. */
export type Prompt = string | readonly ContentPart[];

/** Options of `Agent.run` and `Agent.stream`. */
export interface RunOptions<Deps = unknown> {
  /** Cancels the run, waiting or running; the Python side is cancelled too. */
  signal?: AbortSignal | undefined;
  /** From the call to the result, waiting included, in milliseconds (1 to 2,147,483,647). Default: no limit. */
  timeoutMs?: number | undefined;
  /** `newMessages` of earlier runs, oldest first. */
  messageHistory?: readonly unknown[] | undefined;
  /** Default: the history's, or a new one. */
  conversationId?: string | undefined;
  modelSettings?: ModelSettings | undefined;
  usageLimits?: UsageLimits | undefined;
  /** Any JSON value; Python validates it against the agent's deps_type. */
  deps?: Deps | undefined;
  /** A pydantic-ai model name such as "openai:gpt-5" or "test". Default: the agent's own. */
  model?: string | undefined;
  /** Added to the agent's own instructions. */
  instructions?: string | undefined;
  /** Whether the run may act twice without harm; default false. It says so for `retry`, and changes nothing by itself. */
  idempotent?: boolean | undefined;
  /** Goes before the agent's own `retry`. */
  retry?: RetryOptions | undefined;
  /**
   * What this run answers with, in place of the agent's output type and the definition's `output`: a JSON Schema of an object, or a Standard Schema that
   * says itself as one, which checks the answer too. Not for agents with output validators.
   */
  outputSchema?: JsonSchema | StandardSchemaV1 | undefined;
  /**
   * Whether the run may wait, while it lives, for answers from outside (`agent.answer`): what its code waits for, and what its tools ask people, unless it may pause
   * for that. Default: what the definition says, or false: such a run is rejected.
   */
  mayWait?: boolean | undefined;
  /** Beside those of the definition, and before one of the same name. */
  tools?: Tools | undefined;
  /** Kept with the run on the Python side. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

const known = new Set([
  "signal",
  "timeoutMs",
  "messageHistory",
  "conversationId",
  "modelSettings",
  "usageLimits",
  "deps",
  "model",
  "instructions",
  "outputSchema",
  "mayPause",
  "mayWait",
  "tools",
  "metadata",
  "idempotent",
  "retry",
]);

/** Options of a run that may end paused. */
export interface PausableRunOptions<Deps = unknown> extends RunOptions<Deps> {
  /**
   * Whether the run may end paused, where a tool asks for approval or is answered from outside; default false: such a run is rejected. Not for agents with output
   * validators.
   */
  mayPause?: boolean | undefined;
}

/** What only the agent itself says of a run. */
export interface InnerRunOptions extends PausableRunOptions {
  readonly partialOutput?: boolean;
  /** Answers to a paused run, as pydantic-ai's DeferredToolResults. */
  readonly deferredResults?: object;
  /** A request of a front end, in place of a prompt. */
  readonly frontend?: FrontendSpec;
}

/**
 * Checks a prompt and its options before anything is queued.
 * @throws CallerError "invalid_argument" or "message_too_large"
 */
export function checkRunOptions(prompt: Prompt, options: PausableRunOptions, maxMessageBytes: number): void {
  if (typeof prompt !== "string" && !(Array.isArray(prompt) && prompt.length > 0)) {
    throw invalidArgument("prompt", prompt, "a string, or a list of content parts");
  }
  // A UTF-16 unit is at most 3 bytes of UTF-8: most prompts need no count.
  if (typeof prompt === "string" && prompt.length * 3 > maxMessageBytes) {
    const bytes = Buffer.byteLength(prompt);
    if (bytes > maxMessageBytes) {
      const message = `prompt is ${bytes} bytes; a request may be at most ${maxMessageBytes} bytes`;
      throw new CallerError("message_too_large", message, {
        field: "prompt",
        value: bytes,
        rule: `<= ${maxMessageBytes}`,
      });
    }
  }
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, known);
  const { signal, timeoutMs, messageHistory, metadata } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("options.signal", signal, "an AbortSignal");
  }
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestTimerMs)) {
    throw invalidArgument("options.timeoutMs", timeoutMs, `an integer from 1 to ${longestTimerMs} milliseconds`);
  }
  if (messageHistory !== undefined && !Array.isArray(messageHistory)) {
    throw invalidArgument("options.messageHistory", messageHistory, "a list of messages");
  }
  for (const field of ["conversationId", "model", "instructions"] as const) {
    const value = options[field];
    if (value !== undefined && typeof value !== "string") throw invalidArgument(`options.${field}`, value, "a string");
  }
  for (const field of ["modelSettings", "usageLimits"] as const) {
    const value = options[field];
    if (value !== undefined && !isRecord(value)) throw invalidArgument(`options.${field}`, value, "an object");
  }
  for (const field of ["mayPause", "mayWait", "idempotent"] as const) {
    const value = options[field];
    if (value !== undefined && typeof value !== "boolean")
      throw invalidArgument(`options.${field}`, value, "a boolean");
  }
  checkRetry("options.retry", options.retry);
  if (metadata !== undefined && !isRecord(metadata))
    throw invalidArgument("options.metadata", metadata, "an object of texts");
  for (const [key, value] of Object.entries(metadata ?? {})) {
    if (typeof value !== "string") throw invalidArgument(`options.metadata.${key}`, value, "a string");
  }
}

/**
 * The request of a run, without what only the attempt knows. The options are taken as they are now.
 * @throws CallerError "invalid_argument" or "message_too_large"
 */
export function encodeOptions(
  runId: string,
  prompt: Prompt,
  options: InnerRunOptions,
  owner: {
    readonly agentId: string;
    readonly maxMessageBytes: number;
    readonly fetchUrls: boolean;
    readonly mayWait: boolean;
  },
  tools?: ToolSet,
): EncodedRun {
  const { agentId, maxMessageBytes } = owner;
  const request: RunRequestSpec = { agentId, prompt, runId, attempt: 1, incarnation: 0 };
  if (options.conversationId !== undefined) request.conversationId = options.conversationId;
  if (options.messageHistory !== undefined) request.messageHistory = options.messageHistory;
  if (options.deps !== undefined) request.deps = options.deps;
  if (options.model !== undefined) request.model = options.model;
  if (options.modelSettings !== undefined) request.modelSettings = options.modelSettings;
  if (options.usageLimits !== undefined) request.usageLimits = options.usageLimits;
  if (options.instructions !== undefined) request.instructions = options.instructions;
  if (options.metadata !== undefined) request.metadata = options.metadata;
  if (options.partialOutput === true) request.partialOutput = true;
  if (options.mayPause === true) request.mayPause = true;
  const mayWait = waits(options, owner);
  if (mayWait) request.mayWait = true;
  if (options.deferredResults !== undefined) request.deferredResults = options.deferredResults;
  if (options.frontend !== undefined) request.frontend = options.frontend;
  if (owner.fetchUrls) request.mayFetch = true;
  if (options.outputSchema !== undefined) {
    request.outputSchema = jsonSchemaOf("options.outputSchema", options.outputSchema);
  }
  if (tools !== undefined) request.tools = tools.specs;
  if (tools !== undefined || mayWait) request.terminalOnly = options.partialOutput !== true;
  return encodeRun(request, { maxMessageBytes, at: "options." });
}

/** Whether a run may wait for answers from outside: as it says itself, or else its agent. */
export function waits({ mayWait }: RunOptions, owner: { readonly mayWait: boolean }): boolean {
  return mayWait ?? owner.mayWait;
}

/** What checks the answer of a run: its own schema, or its agent's. */
export function schemaOfAnswer(
  { outputSchema }: RunOptions,
  owner: { readonly schema: StandardSchemaV1 | undefined },
): StandardSchemaV1 | undefined {
  if (outputSchema === undefined) return owner.schema;
  return isStandardSchema(outputSchema) ? outputSchema : undefined;
}

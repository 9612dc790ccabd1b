/** RunRequestSpec → EncodedRun, and its size before anything is sent. */

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { isRecord } from "../describe-value.ts";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import {
  FrontendProtocol,
  type FrontendRequestSchema,
  type ModelSettingsSchema,
  type RunRequest,
  RunRequestSchema,
  type UsageLimitsSchema,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import { contentBytes, toContent } from "./content.ts";
import { describeRun, EncodedRun } from "./encoded-run.ts";
import { requestTooLarge } from "./errors.ts";
import { encodeJson } from "./json.ts";
import type { FrontendSpec, ModelSettings, RunRequestSpec, UsageLimits } from "./run-types.ts";

const knownLimits: ReadonlySet<string> = new Set([
  "requestLimit",
  "toolCallsLimit",
  "inputTokensLimit",
  "outputTokensLimit",
  "totalTokensLimit",
  "perRequestInputTokensLimit",
  "costLimit",
  "countTokensBeforeRequest",
] satisfies (keyof UsageLimits)[]);
const toolChoices: readonly string[] = ["none", "auto", "required"] satisfies ModelSettings["toolChoice"][];
const efforts: readonly string[] = ["minimal", "low", "medium", "high", "xhigh"] satisfies ModelSettings["thinking"][];
const UINT32_MAX = 0xffffffff;
const INT32_MAX = 0x7fffffff;

/** How a request is encoded. */
export interface EncodeOptions {
  /** Largest request in bytes; default: not checked. */
  readonly maxMessageBytes?: number;
  /** What the caller calls the fields of the request in errors: "options." and their name; default: their name. */
  readonly at?: string;
}

/**
 * Encodes a request.
 * @throws CallerError "invalid_argument" naming the field for what the contract cannot carry, "message_too_large" naming the largest field
 */
export function encodeRun(spec: RunRequestSpec, { maxMessageBytes, at = "" }: EncodeOptions = {}): EncodedRun {
  const message = toRunRequest(spec, at);
  if (maxMessageBytes !== undefined) checkRequestSize(message, maxMessageBytes, describeRun(spec));
  return new EncodedRun(message);
}

/**
 * The message to send. Throws CallerError "invalid_argument" for a number, a type or a JSON value that the contract cannot carry; `at` comes before
 * the names of the fields that a caller gives as options.
 */
export function toRunRequest(spec: RunRequestSpec, at = ""): RunRequest {
  const init: MessageInitShape<typeof RunRequestSchema> = {
    agentId: text("agentId", spec.agentId),
    ...(typeof spec.prompt === "string"
      ? { prompt: text("prompt", spec.prompt) }
      : { content: toContent("prompt", spec.prompt) }),
    runId: text("runId", spec.runId),
    attempt: integer("attempt", spec.attempt, 0, UINT32_MAX),
    incarnation: integer("incarnation", spec.incarnation, 0, UINT32_MAX),
    outputOnce: true,
    jsonConstants: true,
  };
  if (spec.conversationId !== undefined) init.conversationId = text(`${at}conversationId`, spec.conversationId);
  if (spec.messageHistory !== undefined)
    init.messageHistoryJson = encodeJson(`${at}messageHistory`, spec.messageHistory, "write");
  if (spec.deps !== undefined) init.depsJson = encodeJson(`${at}deps`, spec.deps);
  if (spec.model !== undefined) init.model = text(`${at}model`, spec.model);
  if (spec.modelSettings !== undefined) init.modelSettings = toModelSettings(spec.modelSettings, `${at}modelSettings`);
  if (spec.usageLimits !== undefined) init.usageLimits = toUsageLimits(spec.usageLimits, `${at}usageLimits`);
  if (spec.instructions !== undefined) init.instructions = text(`${at}instructions`, spec.instructions);
  if (spec.metadata !== undefined) init.metadata = toMetadata(spec.metadata, `${at}metadata`);
  if (spec.timeLeftMs !== undefined) {
    init.timeLeftMs = BigInt(integer("timeLeftMs", spec.timeLeftMs, 0, Number.MAX_SAFE_INTEGER));
  }
  if (spec.partialOutput === true) init.stream = { partialOutput: true };
  if (spec.outputSchema !== undefined) init.outputSchemaJson = encodeJson(`${at}outputSchema`, spec.outputSchema);
  if (spec.deferredResults !== undefined) init.deferredResultsJson = encodeJson("answers", spec.deferredResults);
  if (spec.mayPause === true) init.mayPause = true;
  if (spec.mayFetch === true) init.mayFetch = true;
  if (spec.frontend !== undefined) init.frontend = toFrontend(spec.frontend);
  if (spec.mayWait === true) init.mayWait = true;
  if (spec.tools !== undefined) {
    init.tools = spec.tools.map(({ timeoutMs = 0, ...tool }) => ({ ...tool, timeoutMs: BigInt(timeoutMs) }));
  }
  if (spec.terminalOnly === true) init.stream = { terminalOnly: true };
  return create(RunRequestSchema, init);
}

/**
 * Throws CallerError "message_too_large" naming size, limit and the largest field when the encoded request of `what` is over `maxMessageBytes`.
 * Encodes only when a cheap upper bound is over the limit.
 */
export function checkRequestSize(request: RunRequest, maxMessageBytes: number, what: string): void {
  const settings = request.modelSettings;
  const texts = [request.agentId, request.prompt, request.runId, request.conversationId, request.model];
  texts.push(request.instructions, ...(settings?.stopSequences ?? []));
  for (const [key, value] of Object.entries(request.metadata)) texts.push(key, value);
  // 3 bytes of UTF-8 for a UTF-16 unit at most; 16 for a field's tag, length and nesting; 512 for all numbers and choices.
  let bound = 512 + request.messageHistoryJson.length + request.depsJson.length + (settings?.extraJson.length ?? 0);
  bound += request.outputSchemaJson.length + request.deferredResultsJson.length + (request.frontend?.body.length ?? 0);
  for (const part of request.content) bound += 16 + contentBytes(part);
  for (const tool of request.tools) {
    texts.push(tool.name, tool.description);
    bound += 64 + tool.parametersSchemaJson.length;
  }
  for (const item of texts) bound += 16 + 3 * item.length;
  if (bound <= maxMessageBytes) return;
  const bytes = toBinary(RunRequestSchema, request).byteLength;
  if (bytes <= maxMessageBytes) return;
  throw requestTooLarge(what, { bytes, limit: maxMessageBytes, largest: largestField(request) });
}

function largestField(request: RunRequest): { field: string; bytes: number } {
  const metadata = Object.entries(request.metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join("")), 0);
  const settings = request.modelSettings;
  const sizes = [
    {
      field: "prompt",
      bytes: Buffer.byteLength(request.prompt) + request.content.reduce((sum, part) => sum + contentBytes(part), 0),
    },
    { field: "messageHistory", bytes: request.messageHistoryJson.length },
    { field: "deps", bytes: request.depsJson.length },
    { field: "instructions", bytes: Buffer.byteLength(request.instructions) },
    { field: "metadata", bytes: metadata },
    { field: "answers", bytes: request.deferredResultsJson.length },
    { field: "body", bytes: request.frontend?.body.length ?? 0 },
    { field: "tools", bytes: request.tools.reduce((sum, tool) => sum + tool.parametersSchemaJson.length, 0) },
    { field: "modelSettings", bytes: settings?.extraJson.length ?? 0 },
  ];
  return sizes.reduce((largest, size) => (size.bytes > largest.bytes ? size : largest));
}

/** What is named here is typed in the contract; every other key goes into extra_json under its own name. */
function toModelSettings(settings: ModelSettings, at: string): MessageInitShape<typeof ModelSettingsSchema> {
  const { maxTokens, temperature, topP, topK, timeoutMs, parallelToolCalls, seed, ...others } = settings;
  const { presencePenalty, frequencyPenalty, stopSequences, toolChoice, thinking, extra, ...unnamed } = others;
  const init: MessageInitShape<typeof ModelSettingsSchema> = {};
  if (maxTokens !== undefined) init.maxTokens = integer(`${at}.maxTokens`, maxTokens, -INT32_MAX - 1, INT32_MAX);
  if (temperature !== undefined) init.temperature = finite(`${at}.temperature`, temperature);
  if (topP !== undefined) init.topP = finite(`${at}.topP`, topP);
  if (topK !== undefined) init.topK = integer(`${at}.topK`, topK, -INT32_MAX - 1, INT32_MAX);
  if (timeoutMs !== undefined) init.timeoutS = duration(`${at}.timeoutMs`, timeoutMs) / 1000;
  if (parallelToolCalls !== undefined) init.parallelToolCalls = flag(`${at}.parallelToolCalls`, parallelToolCalls);
  if (seed !== undefined) init.seed = int64(`${at}.seed`, seed, Number.MIN_SAFE_INTEGER);
  if (presencePenalty !== undefined) init.presencePenalty = finite(`${at}.presencePenalty`, presencePenalty);
  if (frequencyPenalty !== undefined) init.frequencyPenalty = finite(`${at}.frequencyPenalty`, frequencyPenalty);
  if (stopSequences !== undefined) {
    if (!Array.isArray(stopSequences)) throw invalidArgument(`${at}.stopSequences`, stopSequences, "a list of texts");
    init.stopSequences = stopSequences.map((s, i) => text(`${at}.stopSequences[${i}]`, s));
  }
  if (toolChoice !== undefined) init.toolChoice = oneOf(`${at}.toolChoice`, toolChoice, toolChoices);
  if (thinking !== undefined) {
    init.thinking = typeof thinking === "boolean" ? String(thinking) : oneOf(`${at}.thinking`, thinking, efforts);
  }
  if (extra !== undefined && !isRecord(extra)) throw invalidArgument(`${at}.extra`, extra, "an object of settings");
  const rest = { ...unnamed, ...extra };
  if (Object.values(rest).some((value) => value !== undefined)) init.extraJson = encodeJson(`${at}.extra`, rest);
  return init;
}

function toFrontend({ protocol, ...rest }: FrontendSpec): MessageInitShape<typeof FrontendRequestSchema> {
  return { ...rest, protocol: protocol === "ag-ui" ? FrontendProtocol.AG_UI : FrontendProtocol.VERCEL_AI };
}

function toUsageLimits(limits: UsageLimits, at: string): MessageInitShape<typeof UsageLimitsSchema> {
  const init: MessageInitShape<typeof UsageLimitsSchema> = {};
  const { requestLimit, toolCallsLimit, inputTokensLimit, outputTokensLimit, totalTokensLimit } = limits;
  const { perRequestInputTokensLimit, costLimit, countTokensBeforeRequest } = limits;
  // A limit that is misspelt would be none.
  checkKnownFields(at, limits, knownLimits);
  if (requestLimit === null) init.noRequestLimit = true;
  else if (requestLimit !== undefined) init.requestLimit = int64(`${at}.requestLimit`, requestLimit);
  if (toolCallsLimit !== undefined) init.toolCallsLimit = int64(`${at}.toolCallsLimit`, toolCallsLimit);
  if (inputTokensLimit !== undefined) init.inputTokensLimit = int64(`${at}.inputTokensLimit`, inputTokensLimit);
  if (outputTokensLimit !== undefined) init.outputTokensLimit = int64(`${at}.outputTokensLimit`, outputTokensLimit);
  if (totalTokensLimit !== undefined) init.totalTokensLimit = int64(`${at}.totalTokensLimit`, totalTokensLimit);
  if (perRequestInputTokensLimit !== undefined) {
    init.perRequestInputTokensLimit = int64(`${at}.perRequestInputTokensLimit`, perRequestInputTokensLimit);
  }
  if (costLimit !== undefined) init.costLimit = decimal(`${at}.costLimit`, costLimit);
  if (countTokensBeforeRequest !== undefined) {
    init.countTokensBeforeRequest = flag(`${at}.countTokensBeforeRequest`, countTokensBeforeRequest);
  }
  return init;
}

function toMetadata(metadata: Readonly<Record<string, string>>, at: string): Record<string, string> {
  if (!isRecord(metadata)) throw invalidArgument(at, metadata, "an object of texts");
  for (const [key, value] of Object.entries(metadata)) {
    if (!key.isWellFormed()) throw invalidArgument(at, key, "an object whose keys have no lone surrogates");
    text(`${at}.${key}`, value);
  }
  return { ...metadata };
}

function text(field: string, value: unknown): string {
  if (typeof value !== "string") throw invalidArgument(field, value, "a string");
  if (!value.isWellFormed()) throw invalidArgument(field, value, "a text without lone surrogates");
  return value;
}

function flag(field: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw invalidArgument(field, value, "a boolean");
  return value;
}

function integer(field: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalidArgument(field, value, `an integer from ${least} to ${most}`);
  }
  return value;
}

function int64(field: string, value: number, least = 0): bigint {
  return BigInt(integer(field, value, least, Number.MAX_SAFE_INTEGER));
}

function finite(field: string, value: number): number {
  if (!Number.isFinite(value)) throw invalidArgument(field, value, "a finite number");
  return value;
}

function duration(field: string, value: number): number {
  if (finite(field, value) < 0) throw invalidArgument(field, value, "a number of 0 or more");
  return value;
}

function oneOf(field: string, value: string, known: readonly string[]): string {
  if (known.includes(value)) return value;
  throw invalidArgument(field, value, known.map((one) => `"${one}"`).join(", "));
}

function decimal(field: string, value: string): string {
  if (!/^\d+(\.\d+)?$/.test(text(field, value)))
    throw invalidArgument(field, value, 'a decimal number in text, "0.25"');
  return value;
}

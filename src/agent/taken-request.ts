/** What a run is asked with, taken at the call: a run that waits for its turn in a conversation is sent later, and its caller may use its objects for something else by then. */

import type { ContentPart } from "../rpc/content.ts";
import { encodeJson } from "../rpc/json.ts";
import { isStandardSchema } from "./json-schema.ts";
import type { RunOwner } from "./pending-run.ts";
import { checkRunOptions, encodeOptions, type PausableRunOptions, type Prompt } from "./run-options.ts";
import { ToolSet } from "./tool-set.ts";

/** A prompt and options that nobody else changes. */
export interface TakenRequest<Options> {
  readonly prompt: Prompt;
  readonly options: Options;
}

const decoder = new TextDecoder();

/**
 * Checks a request as its run will, and copies it.
 * @throws CallerError "invalid_argument" or "message_too_large"
 */
export function takeRequest<Options extends PausableRunOptions>(
  prompt: Prompt,
  options: Options,
  owner: Pick<RunOwner, "agentId" | "maxMessageBytes" | "fetchUrls" | "mayWait" | "tools">,
): TakenRequest<Options> {
  checkRunOptions(prompt, options, owner.maxMessageBytes);
  encodeOptions("", prompt, options, owner, ToolSet.of("options.tools", options.tools, owner.tools));
  const { outputSchema } = options;
  const taken = { ...options };
  for (const field of ["deps", "modelSettings", "usageLimits", "metadata"] as const) copyJson(taken, field);
  if (!isStandardSchema(outputSchema)) copyJson(taken, "outputSchema");
  if (options.tools !== undefined) taken.tools = { ...options.tools };
  if (options.retry !== undefined) taken.retry = { ...options.retry };
  return { prompt: typeof prompt === "string" ? prompt : prompt.map(copyPart), options: taken };
}

/** As it would cross now. */
export function jsonCopy<Value>(field: string, value: Value): Value {
  return JSON.parse(decoder.decode(encodeJson(field, value))) as Value;
}

function copyJson(
  options: PausableRunOptions,
  field: "deps" | "modelSettings" | "usageLimits" | "metadata" | "outputSchema",
): void {
  const value = options[field];
  if (value !== undefined) options[field] = jsonCopy(`options.${field}`, value) as never;
}

function copyPart(part: ContentPart): ContentPart {
  if (typeof part === "string" || !("data" in part)) return typeof part === "string" ? part : { ...part };
  return { ...part, data: new Uint8Array(part.data) };
}

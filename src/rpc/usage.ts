/** Usage as it crossed the wire → plain numbers. */

import type { RunErrorFacts } from "../errors.ts";
import type { Usage as WireUsage } from "../gen/synapse_otp/v1/agent_pb.ts";
import type { Usage } from "../usage.ts";
import { protocolViolation } from "./json.ts";

/** Plain counts; zeros when the worker sent none. Throws RunError "protocol_violation" for a count beyond 2^53, and a cost that is no number. */
export function toUsage(usage: WireUsage | undefined, facts: RunErrorFacts): Usage {
  const count = (value: bigint | undefined, field: string): number => toNumber(value ?? 0n, `usage.${field}`, facts);
  const { audioSeconds = 0, cost = "" } = usage ?? {};
  if (!Number.isFinite(audioSeconds)) throw protocolViolation(`sent usage.audio_seconds = ${audioSeconds}`, facts);
  if (!/^(-?\d+(\.\d+)?)?$/.test(cost)) throw protocolViolation(`sent usage.cost = ${JSON.stringify(cost)}`, facts);
  const details = Object.entries(usage?.details ?? {}).map(([key, value]) => [key, count(value, key)]);
  const result: Usage = {
    inputTokens: count(usage?.requestTokens, "request_tokens"),
    outputTokens: count(usage?.responseTokens, "response_tokens"),
    reasoningTokens: count(usage?.reasoningTokens, "reasoning_tokens"),
    totalTokens: count(usage?.totalTokens, "total_tokens"),
    requests: count(usage?.requests, "requests"),
    toolCalls: count(usage?.toolCalls, "tool_calls"),
    cacheReadTokens: count(usage?.cacheReadTokens, "cache_read_tokens"),
    cacheWriteTokens: count(usage?.cacheWriteTokens, "cache_write_tokens"),
    cacheWrite1hTokens: count(usage?.cacheWrite1hTokens, "cache_write_1h_tokens"),
    inputAudioTokens: count(usage?.inputAudioTokens, "input_audio_tokens"),
    outputAudioTokens: count(usage?.outputAudioTokens, "output_audio_tokens"),
    cacheAudioReadTokens: count(usage?.cacheAudioReadTokens, "cache_audio_read_tokens"),
    audioSeconds,
    unmeasuredRequests: count(usage?.unmeasuredRequests, "unmeasured_requests"),
    details: Object.fromEntries(details),
  };
  if (cost !== "") result.cost = cost;
  return result;
}

/** A 64-bit integer as a number. Throws RunError "protocol_violation" naming `field` when it would lose digits. */
export function toNumber(value: bigint, field: string, facts: RunErrorFacts): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw protocolViolation(`sent ${field} = ${value}, beyond 2^53`, facts);
  return number;
}

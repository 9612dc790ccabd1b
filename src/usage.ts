/** What a run used, as a value: it is in results and in errors alike. This file imports nothing. */

/** Tokens and requests that a run used. Counts are integers, `audioSeconds` aside. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** Of `outputTokens`: those the model has thought with. */
  reasoningTokens: number;
  totalTokens: number;
  requests: number;
  toolCalls: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** Of `cacheWriteTokens`: those that stay in the cache for an hour. */
  cacheWrite1hTokens: number;
  inputAudioTokens: number;
  outputAudioTokens: number;
  cacheAudioReadTokens: number;
  /** Seconds of audio, where a model is paid by its duration. */
  audioSeconds: number;
  /** Responses that told nothing of their usage: with any, every other count is a lower bound. */
  unmeasuredRequests: number;
  /** Counts that a provider reports beside these. */
  details: Readonly<Record<string, number>>;
  /** US dollars as a decimal number in text; absent when unknown. */
  cost?: string;
}

/** The usage of one request, as far as it is known: its tokens on both ways, and its cost. */
export function oneRequest(inputTokens: number, outputTokens = 0, cost?: string): Usage {
  return {
    inputTokens,
    outputTokens,
    reasoningTokens: 0,
    totalTokens: inputTokens + outputTokens,
    requests: 1,
    toolCalls: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    inputAudioTokens: 0,
    outputAudioTokens: 0,
    cacheAudioReadTokens: 0,
    audioSeconds: 0,
    unmeasuredRequests: 0,
    details: {},
    ...(cost === undefined ? {} : { cost }),
  };
}

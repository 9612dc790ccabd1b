/** What a run used, as a value: it is in results and in errors alike. This file imports nothing. */

/** Tokens and requests that a run used. Counts are integers. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  requests: number;
  toolCalls: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  inputAudioTokens: number;
  outputAudioTokens: number;
  cacheAudioReadTokens: number;
  /** Counts that a provider reports beside these. */
  details: Readonly<Record<string, number>>;
  /** US dollars as a decimal number in text; absent when unknown. */
  cost?: string;
}

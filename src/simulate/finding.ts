/** What an exploration of policies finds, as values. */

import type { ExploredEnd } from "./trial.ts";

/**
 * What a policy should not do.
 * - "restarts_for_ever": a child that ends at once is restarted again and again, without pauses to speak of
 * - "starves_sibling": ends of one child keep another down, or longer, at its own first end
 * - "revives_stopped": a child is restarted although its restart type says that it stays down
 * - "never_recovers": a child that was well for a day each time stays down at last
 * - "policy_fails": the policy throws, or answers what cannot be carried out
 */
export type FindingType =
  | "restarts_for_ever"
  | "starves_sibling"
  | "revives_stopped"
  | "never_recovers"
  | "policy_fails";

/** One thing that was found. */
export interface PolicyFinding {
  readonly type: FindingType;
  /** The child that it happens to. */
  readonly path: string;
  /** The shortest sequence of ends that was found to lead to it. */
  readonly ends: readonly ExploredEnd[];
  /** Whether the sequence goes on like that for ever. */
  readonly repeats: boolean;
  readonly sentence: string;
}

/** What an exploration has come to. */
export interface Exploration {
  readonly findings: readonly PolicyFinding[];
  /** How many sequences were tried. */
  readonly sequences: number;
  /** What was not looked at, a sentence each. */
  readonly notExplored: readonly string[];
}

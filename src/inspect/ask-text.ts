/** What a run asks people for, in words. */

import type { ToldAsk } from "./inspected-system.ts";

const kinds: Readonly<Record<ToldAsk["kind"], string>> = {
  approval: "consent to",
  external: "the result of",
  question: "an answer to",
};

/** What is asked, without the arguments: "consent to book". */
export function askText({ kind, toolName }: Pick<ToldAsk, "kind" | "toolName">): string {
  return `${kinds[kind]} ${toolName}`;
}

/** What a caller gets of a run: its result, and its events while it streams. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { RunError, type SynapseError, type ValidationIssue } from "../errors.ts";
import type { WireRunEvent, WireRunResult } from "../rpc/run-types.ts";
import type { Usage } from "../usage.ts";

/** A finished run. */
export interface RunResult<Output = string> {
  output: Output;
  usage: Usage;
  /** pydantic-ai messages (JSON values) that this run added; pass them on in `messageHistory`. */
  newMessages: unknown[];
  runId: string;
  conversationId: string;
  /** How many attempts the run took. */
  attempts: number;
  /** The worker that answered. */
  incarnation: number;
}

/** An event of a run. `seq` counts from 1 within an attempt. Exactly one terminal event comes, last: completed, failed or cancelled. */
export type RunEvent<Output = unknown> =
  | {
      type: "started";
      seq: number;
      runId: string;
      attempt: number;
      incarnation: number;
      modelName: string;
      conversationId: string;
    }
  | Extract<WireRunEvent, { type: "text.delta" | "thinking.delta" | "tool.call" | "tool.result" | "output.partial" }>
  /** The worker was lost and the run goes on in another; what came before is superseded. */
  | { type: "restarted"; seq: number; attempt: number; incarnation: number }
  | { type: "completed"; seq: number; result: RunResult<Output> }
  | { type: "failed"; seq: number; error: SynapseError }
  | { type: "cancelled"; seq: number; reason: string };

/**
 * Makes the caller's result of the worker's answer; checks `output` against the schema of the definition, where there is one.
 * @throws RunError "output_invalid" with `validationErrors`
 */
export function resultOf<Output>(
  wire: WireRunResult,
  about: { agentId: string; attempts: number; incarnation: number; schema: StandardSchemaV1 | undefined },
): RunResult<Output> | Promise<RunResult<Output>> {
  const result: RunResult<Output> = {
    output: wire.output as Output,
    usage: wire.usage,
    newMessages: wire.newMessages,
    runId: wire.runId,
    conversationId: wire.conversationId,
    attempts: about.attempts,
    incarnation: about.incarnation,
  };
  if (about.schema === undefined) return result;
  const validated = about.schema["~standard"].validate(wire.output);
  if (validated instanceof Promise) return validated.then(withOutput);
  return withOutput(validated);

  function withOutput(validation: StandardSchemaV1.Result<unknown>): RunResult<Output> {
    if (validation.issues === undefined) {
      result.output = validation.value as Output;
      return result;
    }
    const validationErrors = validation.issues.map(
      ({ message, path }): ValidationIssue => ({
        type: "output",
        loc: (path ?? []).map((step) => {
          const key = typeof step === "object" ? step.key : step;
          return typeof key === "symbol" ? String(key) : key;
        }),
        msg: message,
      }),
    );
    const first = validationErrors[0];
    const where = first === undefined ? "" : `: ${first.loc.join(".") || "output"}: ${first.msg}`;
    throw new RunError("output_invalid", `agent "${about.agentId}" answered what its output schema refuses${where}`, {
      agentId: about.agentId,
      runId: wire.runId,
      validationErrors,
      usage: wire.usage,
      messages: wire.newMessages,
    });
  }
}

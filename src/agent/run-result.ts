/** What a caller gets of a run: its result, and its events while it streams. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { RunError, type RunErrorFacts, type SynapseError, type ValidationIssue } from "../errors.ts";
import { describeExitReason } from "../otp/report/exit-reason.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { isThenable } from "../otp/scheduler/thenable.ts";
import type { ProgressEvent } from "../rpc/run-event.ts";
import type { WireRunResult } from "../rpc/run-types.ts";
import type { Usage } from "../usage.ts";
import type { PausedRun } from "./paused-run.ts";
import { inTime, keysOf } from "./schema-check.ts";

/** Why the model ended its last response, in pydantic-ai's words. */
export type FinishReason = "stop" | "length" | "content_filter" | "tool_call" | "error";

/** A finished run. */
export interface RunResult<Output = unknown> {
  output: Output;
  usage: Usage;
  /** pydantic-ai messages (JSON values) that this run added; pass them on in `messageHistory`. */
  newMessages: unknown[];
  /** The whole conversation: the messages that the run was given, and the new ones. Made when it is first read. */
  readonly allMessages: unknown[];
  /** The model that gave the last response; empty where it does not tell its name. */
  modelName: string;
  /** Why that ended; undefined where the provider does not say. */
  finishReason: FinishReason | undefined;
  runId: string;
  conversationId: string;
  /** How many attempts the run took. */
  attempts: number;
  /** The worker that answered. */
  incarnation: number;
}

/** How a run ends that may pause: told apart by `status`, which a result does not have. */
export type RunOutcome<Output = unknown> = (RunResult<Output> & { readonly status?: undefined }) | PausedRun;

/** Whether a run has ended paused. */
export function isPaused(outcome: RunOutcome | undefined): outcome is PausedRun {
  return outcome?.status === "paused";
}

/**
 * An event of a run. `seq` counts from 1 within an attempt, `step` is the model request that it belongs to (0: before the first). Exactly one terminal event comes, last: completed, paused, failed or cancelled.
 */
export type RunEvent<Output = unknown> =
  | {
      type: "started";
      seq: number;
      step: number;
      runId: string;
      attempt: number;
      incarnation: number;
      modelName: string;
      conversationId: string;
    }
  | ProgressEvent
  /** The worker was lost and the run begins anew in another, before its first event; `seq` is 0. What came before is superseded. */
  | { type: "restarted"; seq: number; step: number; attempt: number; incarnation: number }
  | { type: "completed"; seq: number; step: number; result: RunResult<Output> }
  /** The run waits for people, and its caller has said that it may: the terminal event in place of completed. */
  | { type: "paused"; seq: number; step: number; paused: PausedRun }
  | { type: "failed"; seq: number; step: number; error: SynapseError }
  | { type: "cancelled"; seq: number; step: number; reason: string };

/** How long a schema may take to check an output, in milliseconds. */
const checkMs = 30_000;

/** What a result is made with, beside the worker's answer. */
export interface ResultFacts {
  readonly agentId: string;
  readonly attempts: number;
  readonly incarnation: number;
  readonly schema: StandardSchemaV1 | undefined;
  readonly clock: Clock;
}

/**
 * Makes the caller's result of the worker's answer; checks `output` against the schema of the definition, where there is one. The schema is the
 * caller's own code: whatever it does, the answer is a result or an error, within 30 seconds.
 * @throws RunError "output_invalid" with `validationErrors`, or with what the schema threw as its cause
 */
export function resultOf<Output>(
  wire: WireRunResult,
  about: ResultFacts,
): RunResult<Output> | Promise<RunResult<Output>> {
  const result: RunResult<Output> = {
    output: wire.output as Output,
    usage: wire.usage,
    newMessages: wire.newMessages,
    get allMessages() {
      return wire.allMessages;
    },
    modelName: wire.modelName,
    finishReason: wire.finishReason === "" ? undefined : (wire.finishReason as FinishReason),
    runId: wire.runId,
    conversationId: wire.conversationId,
    attempts: about.attempts,
    incarnation: about.incarnation,
  };
  const { schema } = about;
  if (schema === undefined) return result;
  const facts: RunErrorFacts = {
    agentId: about.agentId,
    runId: wire.runId,
    usage: wire.usage,
    messages: wire.newMessages,
  };
  const withOutput = (validation: StandardSchemaV1.Result<unknown>): RunResult<Output> => {
    if (validation.issues !== undefined) throw refused(validation.issues, facts);
    if (!("value" in validation)) throw new TypeError("it answered neither a value nor issues");
    result.output = validation.value as Output;
    return result;
  };
  try {
    const validated: unknown = schema["~standard"].validate(wire.output);
    if (!isThenable(validated)) return withOutput(validated as StandardSchemaV1.Result<unknown>);
    return inTime(validated as PromiseLike<StandardSchemaV1.Result<unknown>>, about.clock, checkMs)
      .then(withOutput)
      .catch((error: unknown) => {
        throw checkError(error, facts);
      });
  } catch (error) {
    throw checkError(error, facts);
  }
}

function refused(issues: readonly StandardSchemaV1.Issue[], facts: RunErrorFacts): RunError {
  const validationErrors = issues.map(
    (issue): ValidationIssue => ({
      type: "output",
      loc: keysOf(issue).map((key) => (typeof key === "symbol" ? String(key) : key)),
      msg: issue.message,
    }),
  );
  const first = validationErrors[0];
  const where = first === undefined ? "" : `: ${first.loc.join(".") || "output"}: ${first.msg}`;
  const message = `agent "${facts.agentId}" answered what its output schema refuses${where}`;
  return new RunError("output_invalid", message, { ...facts, validationErrors });
}

/** The schema did not say yes or no. */
function checkError(error: unknown, facts: RunErrorFacts): RunError {
  if (error instanceof RunError) return error;
  const what = `the output schema of agent "${facts.agentId}" could not check the answer: ${describeExitReason(error as Error)}`;
  return new RunError("output_invalid", what, { ...facts, cause: error });
}

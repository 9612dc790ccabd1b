/** The start of a run that belongs to its system, or the one that was started before under the same key. */

import { CallerError, invalidArgument } from "../errors.ts";
import { runOutside } from "../otp/process/current.ts";
import { DetachedRun } from "./detached-run.ts";
import type { RunTaker } from "./handle-owner.ts";
import type { RunLedger } from "./run-ledger.ts";
import {
  checkRunOptions,
  encodeOptions,
  type InnerRunOptions,
  type PausableRunOptions,
  type Prompt,
} from "./run-options.ts";
import type { RunRecord } from "./run-record.ts";
import { ToolSet } from "./tool-set.ts";

/** Options of `Agent.start`. */
export interface StartOptions extends PausableRunOptions {
  /** Whether the run goes on when nobody reads it; default true. False: it is cancelled when the last of its readers leaves before its end. */
  readonly detached?: boolean | undefined;
  /**
   * Names the request, for as long as the run is kept: another start of the agent with the same key and request gets the same run and starts nothing. 1 to 256
   * characters.
   */
  readonly idempotencyKey?: string | undefined;
}

const longestKey = 256;

/**
 * Starts a run; with a key that is known, answers the run of that key.
 * @throws CallerError "invalid_argument", "message_too_large", "queue_full", "stopped" or "idempotency_conflict"; WorkerError when the agent has stopped because of a crash
 */
export function startRun<Output>(owner: RunTaker, prompt: Prompt, options: StartOptions): RunRecord<Output> {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  const { detached = true, idempotencyKey: key, ...given } = options;
  if (typeof detached !== "boolean") throw invalidArgument("options.detached", detached, "true or false");
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > longestKey)) {
    throw invalidArgument("options.idempotencyKey", key, `a text of 1 to ${longestKey} characters`);
  }
  checkRunOptions(prompt, given, owner.maxMessageBytes);
  const known = key === undefined ? undefined : owner.ledger.ofKey(owner.agentId, key);
  if (known !== undefined) return sameRun<Output>(known, owner, prompt, given);
  return beginRun<Output>(owner, prompt, given, { detached, idempotencyKey: key });
}

/** How a run is kept that begins. */
export interface Beginning {
  readonly detached: boolean;
  readonly idempotencyKey?: string | undefined;
  /** Whether it is read as its readers read; default false: at full speed. */
  readonly paced?: boolean;
}

/**
 * Begins a run whose options are checked.
 * @throws as `startRun`
 */
export function beginRun<Output>(
  owner: RunTaker,
  prompt: Prompt,
  options: InnerRunOptions,
  { detached, idempotencyKey, paced = false }: Beginning,
): RunRecord<Output> {
  const { ledger, agentId, clock } = owner;
  // It is the system's, not that of the process that has asked.
  return runOutside(() => {
    const run = new DetachedRun<Output>(owner, prompt, options);
    owner.reserve(run);
    const record = ledger.add(run, {
      agentId,
      detached,
      idempotencyKey,
      fingerprint: idempotencyKey === undefined ? "" : run.fingerprint,
      startedAtMs: clock.now(),
      givenBytes: run.givenBytes,
    });
    run.run(record, { paced });
    return record;
  }, undefined);
}

/** @throws CallerError "idempotency_conflict" when the run of the key was asked for something else */
function sameRun<Output>(
  record: ReturnType<RunLedger["ofKey"]> & object,
  owner: RunTaker,
  prompt: Prompt,
  options: InnerRunOptions,
): RunRecord<Output> {
  const tools = ToolSet.of("options.tools", options.tools, owner.tools);
  const { fingerprint } = encodeOptions("", prompt, { ...options, partialOutput: true }, owner, tools);
  if (fingerprint === record.parts.fingerprint) return record as RunRecord<Output>;
  const key = record.parts.idempotencyKey;
  const rule = "given with the same prompt and options each time";
  const message = `options.idempotencyKey "${key}" of agent "${owner.agentId}" is that of run "${record.runId}", which was asked for something else; a key must be ${rule}`;
  throw new CallerError("idempotency_conflict", message, { field: "options.idempotencyKey", value: key, rule });
}

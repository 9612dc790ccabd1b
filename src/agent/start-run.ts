/** The start of a run that belongs to its system, or the one that was started before under the same key. */

import { CallerError, invalidArgument } from "../errors.ts";
import { runOutside } from "../otp/process/current.ts";
import { DetachedRun } from "./detached-run.ts";
import { type Claim, withClaim } from "./paused-runs.ts";
import type { PendingRun, RunOwner } from "./pending-run.ts";
import { checkAsked, isResumption, namedBy, type Resumption } from "./resumption.ts";
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

/** What a run that belongs to the system is told beside the run itself. */
export interface OwnStartOptions {
  /** Whether the run goes on when nobody reads it; default true. False: it is cancelled when the last of its readers leaves before its end. */
  readonly detached?: boolean | undefined;
  /**
   * Names the request, for as long as the run is kept: another start of the agent with the same key and request gets the same run and starts nothing. 1 to 256
   * characters.
   */
  readonly idempotencyKey?: string | undefined;
}

/** Options of `Agent.start`. */
export interface StartOptions<Deps = unknown> extends PausableRunOptions<Deps>, OwnStartOptions {}

/** Where such runs are started. */
export interface RunStarter extends RunOwner {
  /** Keeps those that belong to the system. */
  readonly ledger: RunLedger;
  /**
   * Keeps a place in the order for a run that is not wanted yet, for this turn; it is taken with `enqueue`.
   * @throws CallerError "queue_full" or "stopped"; WorkerError when the agent has stopped because of a crash
   */
  reserve(run: PendingRun): void;
}

const longestKey = 256;

/**
 * Starts a run; with a key that is known, answers the run of that key.
 * @param compared what two requests of one key must have in common; default: all that the run is asked with
 * @throws CallerError "invalid_argument", "message_too_large", "queue_full", "stopped" or "idempotency_conflict", and for a paused run as `checkAsked`;
 * WorkerError when the agent has stopped because of a crash
 */
export function startRun<Output>(
  owner: RunStarter,
  asked: Prompt | Resumption,
  options: StartOptions,
  compared?: PausableRunOptions,
): RunRecord<Output> {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  const { detached = true, idempotencyKey: key, ...given } = options;
  checkOwnOptions(options);
  const request = compared ?? given;
  const known = startedBefore<Output>(owner, asked, request, key);
  if (known !== undefined) return known;
  const { prompt, options: inner, claim } = checkAsked(owner, asked, given);
  const named = isResumption(asked) ? namedBy(asked, request) : compared;
  const beginning = { detached, idempotencyKey: key, compared: named, paced: false, claim };
  return beginRun<Output>(owner, prompt, inner, beginning);
}

/** @throws CallerError "invalid_argument" */
export function checkOwnOptions({ detached, idempotencyKey: key }: OwnStartOptions): void {
  if (detached !== undefined && typeof detached !== "boolean") {
    throw invalidArgument("options.detached", detached, "true or false");
  }
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > longestKey)) {
    throw invalidArgument("options.idempotencyKey", key, `a text of 1 to ${longestKey} characters`);
  }
}

/** How a run is kept that begins. */
export interface Beginning {
  readonly detached: boolean;
  readonly idempotencyKey: string | undefined;
  /** As of `startRun`. */
  readonly compared?: InnerRunOptions | undefined;
  /** Whether it is read as its readers read; false: at full speed. */
  readonly paced: boolean;
  /** Of a run that goes on with a paused one. */
  readonly claim?: Claim | undefined;
}

/**
 * Begins a run whose options are checked.
 * @throws as `startRun`
 */
export function beginRun<Output>(
  owner: RunStarter,
  prompt: Prompt,
  options: InnerRunOptions,
  { paced, compared, claim, ...kept }: Beginning,
): RunRecord<Output> {
  const { ledger, agentId, clock } = owner;
  // It is the system's, not that of the process that has asked.
  return runOutside(() => {
    return withClaim(claim, () => {
      const run = new DetachedRun<Output>(owner, prompt, options);
      let fingerprint = "";
      if (kept.idempotencyKey !== undefined) {
        fingerprint = compared === undefined ? run.fingerprint : fingerprintOf(owner, prompt, compared);
      }
      owner.reserve(run);
      claim?.follow(run);
      const { givenBytes } = run;
      const record = ledger.add(run, { agentId, ...kept, fingerprint, startedAtMs: clock.now(), givenBytes });
      run.run(record, { paced });
      return record;
    });
  }, undefined);
}

/**
 * The run that was started under a key for the same request; undefined: none that is kept, or there is no key.
 * @throws CallerError "invalid_argument" or "message_too_large"; "idempotency_conflict" when the run of the key was asked for something else
 */
export function startedBefore<Output>(
  owner: RunStarter,
  asked: Prompt | Resumption,
  request: PausableRunOptions,
  key: string | undefined,
): RunRecord<Output> | undefined {
  if (key === undefined) return undefined;
  const record = owner.ledger.ofKey(owner.agentId, key);
  if (record === undefined) return undefined;
  const prompt = isResumption(asked) ? "" : asked;
  checkRunOptions(prompt, request, owner.maxMessageBytes);
  const compared = isResumption(asked) ? namedBy(asked, request) : request;
  if (record.parts.fingerprint === fingerprintOf(owner, prompt, compared)) return record as RunRecord<Output>;
  const rule = "given with the same prompt and options each time";
  const message = `options.idempotencyKey "${key}" of agent "${owner.agentId}" is that of run "${record.runId}", which was asked for something else; a key must be ${rule}`;
  throw new CallerError("idempotency_conflict", message, { field: "options.idempotencyKey", value: key, rule });
}

function fingerprintOf(owner: RunStarter, prompt: Prompt, request: InnerRunOptions): string {
  const tools = ToolSet.of("options.tools", request.tools, owner.tools);
  return encodeOptions("", prompt, { ...request, partialOutput: true }, owner, tools).fingerprint;
}

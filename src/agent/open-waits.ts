/** What the runs of one agent wait for from outside, by their tokens, and the answers to it. */

import { CallerError, invalidArgument } from "../errors.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import { type Clock, longestTimerMs } from "../otp/scheduler/clock.ts";
import type { PendingCall } from "../rpc/deferred-calls.ts";
import type { HostReply, WaitRequest } from "../rpc/host-requests.ts";
import { encodeJson } from "../rpc/json.ts";
import { deferredResults, type PendingAnswers } from "./paused-run.ts";

/** A run that waits for an answer from outside, which `agent.answer` gives. */
export interface OpenWait {
  readonly token: string;
  readonly runId: string;
  /** What the run's code calls it; "deferred_tool_calls" where tools ask people. */
  readonly name: string;
  /** What the answer is about; absent: any JSON value answers it. */
  readonly requests?: readonly PendingCall[];
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** Until when it waits, in milliseconds since the Unix epoch; absent: as long as the run lasts. */
  readonly deadlineAtMs?: number;
}

/** A run that may wait. */
export interface WaitingRun {
  readonly id: string;
  /** Whether its caller has been answered: it waits for nobody then. */
  readonly answered: boolean;
}

/** Whose waits they are. */
export interface WaitsOwner {
  readonly agentId: string;
  /** Of an answer, in bytes. */
  readonly maxMessageBytes: number;
}

interface Entry {
  readonly wait: OpenWait;
  readonly run: WaitingRun;
  readonly settle: (reply: HostReply) => void;
}

/** More than the rest of an answer's message takes, in bytes. */
const frameBytes = 64;

/** The waits of one agent. Each is answered once. */
export class OpenWaits {
  readonly #entries = new Map<string, Entry>();
  /** The same by the run's id: every look at a run asks for its waits. */
  readonly #ofRun = new Map<string, Set<Entry>>();

  /** Those that can be answered now, oldest first. */
  get all(): readonly OpenWait[] {
    return open(this.#entries.values());
  }

  /** Those of one run. */
  of(runId: string): readonly OpenWait[] {
    return open(this.#ofRun.get(runId) ?? []);
  }

  /** A run waits. Settles with what the worker is answered; the signal ends the wait. */
  open(request: WaitRequest, run: WaitingRun, clock: Clock, signal: AbortSignal): Promise<HostReply> {
    const { token, name, requests, timeLeftMs } = request;
    const { promise, resolve } = Promise.withResolvers<HostReply>();
    const sinceMs = clock.now();
    const wait: OpenWait = {
      token,
      runId: run.id,
      name,
      ...(requests === undefined ? {} : { requests }),
      sinceMs,
      ...(timeLeftMs === undefined ? {} : { deadlineAtMs: sinceMs + timeLeftMs }),
    };
    const settle = (reply: HostReply): void => {
      this.#remove(entry);
      clock.clearTimeout(timer);
      forget();
      resolve(reply);
    };
    const entry: Entry = { wait, run, settle };
    let timer: unknown;
    const limit = (leftMs: number): void => {
      const nextMs = Math.min(leftMs, longestTimerMs);
      timer = clock.setTimeout(
        () => (leftMs > nextMs ? limit(leftMs - nextMs) : settle({ type: "timed_out" })),
        nextMs,
      );
    };
    if (timeLeftMs !== undefined) limit(timeLeftMs);
    this.#add(entry);
    // Nobody hears this: the worker is gone, or needs no answer any more.
    const forget = onAbort(signal, () => settle({ type: "unknown" }));
    return promise;
  }

  /**
   * Answers a wait, which goes on with it. Nothing is sent of an answer that does not fit.
   * @param value by the ids of the calls what `agent.resume` takes, where the wait is about calls; else any JSON value
   * @throws CallerError "not_found" for a token that nothing waits with, "invalid_argument", "message_too_large"
   */
  answer(token: string, value: unknown, { agentId, maxMessageBytes }: WaitsOwner): void {
    const { wait, settle } = this.#find(token, agentId);
    const said = wait.requests === undefined ? value : deferredResults(wait.requests, value as PendingAnswers);
    const valueJson = encodeJson("value", said);
    const most = maxMessageBytes - frameBytes;
    if (valueJson.byteLength > most) {
      const message = `value is ${valueJson.byteLength} bytes; an answer may be at most ${most} bytes`;
      const rule = `<= ${most}`;
      throw new CallerError("message_too_large", message, { field: "value", value: valueJson.byteLength, rule });
    }
    settle({ type: "wait.answered", valueJson });
  }

  /**
   * Says that no answer will come.
   * @throws CallerError "not_found" for a token that nothing waits with, "invalid_argument"
   */
  decline(token: string, reason: string, { agentId }: WaitsOwner): void {
    const { settle } = this.#find(token, agentId);
    if (typeof reason !== "string") throw invalidArgument("reason", reason, "a text");
    settle({ type: "wait.declined", reason });
  }

  #add(entry: Entry): void {
    const { token, runId } = entry.wait;
    const before = this.#entries.get(token);
    if (before !== undefined) this.#remove(before);
    this.#entries.set(token, entry);
    const ofRun = this.#ofRun.get(runId) ?? new Set();
    this.#ofRun.set(runId, ofRun.add(entry));
  }

  #remove(entry: Entry): void {
    const { token, runId } = entry.wait;
    if (this.#entries.get(token) !== entry) return;
    this.#entries.delete(token);
    const ofRun = this.#ofRun.get(runId);
    ofRun?.delete(entry);
    if (ofRun?.size === 0) this.#ofRun.delete(runId);
  }

  #find(token: string, agentId: string): Entry {
    if (typeof token !== "string") throw invalidArgument("token", token, "the token of a wait");
    const entry = this.#entries.get(token);
    if (entry !== undefined && !entry.run.answered) return entry;
    const message = `no run of agent "${agentId}" waits with the token "${token}": it was answered, its time has passed, or its run has ended`;
    throw new CallerError("not_found", message, { field: "token", value: token });
  }
}

function open(entries: Iterable<Entry>): readonly OpenWait[] {
  return [...entries].filter(({ run }) => !run.answered).map(({ wait }) => wait);
}

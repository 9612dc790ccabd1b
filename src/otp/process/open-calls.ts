/**
 * The calls that a process has not answered and those that it waits for. Every call enters and leaves both lists, so they are threaded through the
 * calls themselves: no set to keep, constant time.
 */

/** A process, as far as its calls go. */
export interface CallParty {
  readonly alive: boolean;
  /** The newest call that it has not answered. */
  openCalls: OpenCall | undefined;
  /** The newest call that it waits for. */
  awaitedCalls: OpenCall | undefined;
  toString(): string;
}

/** A call under way, as the process sees it that is to answer. */
export interface OpenCall {
  /** "$sys": the runtime carries it out, not the behaviour. */
  readonly type: "$call" | "$sys";
  readonly message: unknown;
  /** Undefined when it came from outside any process. */
  readonly caller: CallParty | undefined;
  olderToTarget: OpenCall | undefined;
  newerToTarget: OpenCall | undefined;
  olderOfCaller: OpenCall | undefined;
  newerOfCaller: OpenCall | undefined;
  /** Answers. A reply that comes late is a dead letter. */
  answer(value: unknown): void;
  /** Rejects the call with an error that is not the target's end. */
  fail(error: Error): void;
  /** The target cannot take the call. */
  refuse(why: string): void;
  /** The target is the caller, and waits for the reply. */
  deadlocked(): void;
  /** The target has ended without an answer. */
  processEnded(reason: unknown): void;
  /** The caller has ended: nobody waits any more, and its code never goes on. */
  release(): void;
}

/** Puts a call into the lists of both its processes. A dead caller waits for nothing. */
export function listCall(call: OpenCall, target: CallParty, caller: CallParty | undefined): void {
  const toTarget = target.openCalls;
  if (toTarget !== undefined) {
    call.olderToTarget = toTarget;
    toTarget.newerToTarget = call;
  }
  target.openCalls = call;
  if (caller === undefined || !caller.alive) return;
  const ofCaller = caller.awaitedCalls;
  if (ofCaller !== undefined) {
    call.olderOfCaller = ofCaller;
    ofCaller.newerOfCaller = call;
  }
  caller.awaitedCalls = call;
}

/** Takes a call out of both lists. */
export function unlistCall(call: OpenCall, target: CallParty, caller: CallParty | undefined): void {
  const { olderToTarget, newerToTarget, olderOfCaller, newerOfCaller } = call;
  if (newerToTarget !== undefined) newerToTarget.olderToTarget = olderToTarget;
  else if (target.openCalls === call) target.openCalls = olderToTarget;
  if (olderToTarget !== undefined) olderToTarget.newerToTarget = newerToTarget;
  if (newerOfCaller !== undefined) newerOfCaller.olderOfCaller = olderOfCaller;
  else if (caller?.awaitedCalls === call) caller.awaitedCalls = olderOfCaller;
  if (olderOfCaller !== undefined) olderOfCaller.newerOfCaller = newerOfCaller;
}

/** The calls of one list, oldest first. */
export function callsIn(newest: OpenCall | undefined, older: "olderToTarget" | "olderOfCaller"): OpenCall[] {
  const calls: OpenCall[] = [];
  for (let call = newest; call !== undefined; call = call[older]) calls.push(call);
  return calls.reverse();
}

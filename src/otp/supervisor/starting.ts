/** How a supervisor starts one incarnation of a child. All kinds of child meet here. */

import { describeValue } from "../../describe-value.ts";
import { ProcessError } from "../../errors.ts";
import { runAs } from "../process/current.ts";
import { LocalProcess } from "../process/local-process.ts";
import type { Process } from "../process/process.ts";
import { hasProcess, processIn } from "../process/target.ts";
import { isA } from "../report/exit-reason.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { startProcess } from "../start/start.ts";
import type { Child, ChildHost } from "./child.ts";
import type { LogicChildSpec } from "./child-spec.ts";
import { ProcessChild } from "./process-child.ts";
import type { ChildScope, RunningChild, StartedWithInfo } from "./running-child.ts";

let scopeIds = 0;
/** Of no incarnation: exits told under it are nobody's. */
const noScope = 0;

/**
 * What a start came to: the child runs, and its start function may have added something for the one who has asked for it; or it chose not to start,
 * and is kept but does not run.
 */
export type Started = "running" | "ignored" | { readonly info: unknown };

/**
 * Starts one incarnation.
 * @throws whatever its start throws; the child is "stopped" then
 */
export function startIncarnation(child: Child, host: ChildHost): Started | Promise<Started> {
  scopeIds += 1;
  const scopeId = scopeIds;
  child.scopeId = scopeId;
  child.pendingExit = undefined;
  child.status = "starting";
  child.incarnation += 1;
  let started: unknown;
  try {
    started = startBy(child, scopeId, host);
  } catch (error) {
    return startThrew(child, error);
  }
  if (!isThenable(started)) return settleStart(child, scopeId, host, started);
  return awaitStart(Promise.resolve(started), child, scopeId, host);
}

/** Waits for a start, unless the supervisor is killed meanwhile: what starts after all is ended at once. */
function awaitStart(slow: Promise<unknown>, child: Child, scopeId: number, host: ChildHost): Promise<Started> {
  return new Promise((resolve, reject) => {
    let givenUp = false;
    // At once, not a microtask later: no kill may come between a start and its place in the tree.
    const conclude = (settle: () => Started): void => {
      if (givenUp) return;
      host.pendingStarts.delete(giveUp);
      try {
        resolve(settle());
      } catch (error) {
        reject(error);
      }
    };
    const giveUp = (): void => {
      const message = `child "${child.spec.id}" was killed while it started`;
      const error = new ProcessError("start_failed", message, { reason: "killed" });
      conclude(() => startThrew(child, error));
      givenUp = true;
    };
    host.pendingStarts.add(giveUp);
    slow.then(
      (result) => (givenUp ? endLate(result, child, host) : conclude(() => settleStart(child, scopeId, host, result))),
      (error: unknown) => conclude(() => startThrew(child, error)),
    );
  });
}

/** Ends what a start that was given up has started after all. */
function endLate(result: unknown, child: Child, host: ChildHost): void {
  if (result === undefined || result === null) return;
  try {
    runningChild(hasInfo(result) ? result.ref : result, child, noScope, host).kill();
  } catch {
    // Junk: there is nothing to end.
  }
}

function startBy(child: Child, scopeId: number, host: ChildHost): unknown {
  const { spec } = child.spec;
  if (spec === undefined) throw new TypeError(`the start of temporary child "${child.spec.id}" is not kept`);
  if ("logic" in spec) return startLogic(child, spec, host);
  const scope: ChildScope = {
    supervisor: host.actor,
    process: host.process,
    childId: child.spec.id,
    path: child.path,
    clock: host.clock,
    environment: host.environment,
    began: (process) => host.began(process),
    report: host.report,
    exited: (reason, failedStarts, charged) => host.childExited(child, scopeId, reason, failedStarts, charged),
    startFailed: (reason) => host.childStartFailed(child, scopeId, reason),
    control: host.control,
    rules: host.rules,
    runSeats: () => host.runSeatsOf(child),
  };
  // As OTP's start functions it runs in the supervisor's process: what it starts has the supervisor as its parent.
  return runAs(host.process, (given) => spec.start(given), scope);
}

/** XState logic becomes a process of its own, whose parent is the supervisor. */
function startLogic(child: Child, spec: LogicChildSpec, host: ChildHost): Process | Promise<Process> {
  const { logic, input, name, startTimeoutMs = "infinity", mailbox, trapExit } = spec;
  // One shape for every child: this is most of what a restart allocates beside the process.
  return startProcess(logic, {
    input,
    name,
    mailbox,
    trapExit,
    timeoutMs: startTimeoutMs,
    id: child.spec.id,
    under: host.actor,
    parent: host.process,
    pendingStarts: host.pendingStarts,
  });
}

function startThrew(child: Child, error: unknown): Started {
  child.running = undefined;
  child.status = "stopped";
  if (isIgnore(error)) return "ignored";
  throw error;
}

function isIgnore(error: unknown): boolean {
  return isA(error, ProcessError) && error.code === "ignored";
}

function settleStart(child: Child, scopeId: number, host: ChildHost, result: unknown): Started {
  if (result === undefined || result === null) {
    child.running = undefined;
    child.status = "stopped";
    return "ignored";
  }
  let withInfo: StartedWithInfo | undefined;
  try {
    if (hasInfo(result)) withInfo = result;
    child.running = runningChild(withInfo === undefined ? result : withInfo.ref, child, scopeId, host);
  } catch (error) {
    return startThrew(child, error);
  }
  child.lastRef = child.running.ref;
  child.status = "running";
  const { restart, policy } = child.spec;
  if (restart === "temporary" && policy === undefined && host.forgetsTemporary) {
    child.spec = { ...child.spec, spec: undefined };
  }
  return withInfo === undefined ? "running" : { info: withInfo.info };
}

/** Whether a start function answers something beside the ref. What has a process, or can be stopped, is a ref itself. */
function hasInfo(result: unknown): result is StartedWithInfo {
  if (result instanceof LocalProcess || typeof result !== "object" || result === null) return false;
  return "ref" in result && "info" in result && !("stop" in result) && !hasProcess(result);
}

/** Whether it can be asked for all that a supervisor asks: one that only can be stopped could not be killed when it does not. */
function isRunningChild(result: unknown): result is RunningChild {
  const { actor, stop, kill } = (result ?? {}) as Partial<RunningChild>;
  return typeof stop === "function" && typeof kill === "function" && typeof actor?.getSnapshot === "function";
}

/** What a start function may answer, as the supervisor sees it. */
function runningChild(result: unknown, child: Child, scopeId: number, host: ChildHost): RunningChild {
  const process = processIn(result);
  if (process === undefined) {
    if (isRunningChild(result)) return result;
    const forms = "a ref, { ref, info }, a running child ({ ref, actor, stop, kill }), or undefined to be ignored";
    throw new TypeError(`a start function answers ${forms}; this is ${describeValue(result)}`);
  }
  const running = new ProcessChild(result, process, child, scopeId, host);
  if (!process.alive) running.ended(process.exitReason);
  else if (process.supervision === undefined) process.supervision = running;
  else process.addExitHook((reason) => running.ended(reason));
  return running;
}

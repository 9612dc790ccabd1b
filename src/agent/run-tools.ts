/** What one run asks its host for, over its attempts: a run that has tools or may wait travels in a session, any other in a plain call. */

import { RunError } from "../errors.ts";
import { runAs, runOutside } from "../otp/process/current.ts";
import type { Process } from "../otp/process/process.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { EncodedRun } from "../rpc/encoded-run.ts";
import type { HostReply, HostRequestHandler, WaitRequest } from "../rpc/host-requests.ts";
import type { WireRunEvent } from "../rpc/run-event.ts";
import type { Carriage } from "./carriage.ts";
import type { WaitingRun } from "./open-waits.ts";
import type { RunOwner } from "./pending-run.ts";
import { ToolCalls } from "./tool-calls.ts";
import type { ToolSet } from "./tool-set.ts";

/** Where a run waits. */
interface Attempt {
  readonly carriage: Carriage;
  readonly incarnation: number;
}

const outcomes: Readonly<Partial<Record<HostReply["type"], "answered" | "declined" | "timed_out">>> = {
  "wait.answered": "answered",
  "wait.declined": "declined",
  timed_out: "timed_out",
};

/** The tools and the waits of one run. */
export class RunTools {
  readonly #owner: RunOwner;
  readonly #set: ToolSet | undefined;
  readonly #asker: Process | undefined;
  readonly #waiting: WaitingRun | undefined;
  #calls: ToolCalls | undefined;

  /** @param waiting the run, where it may wait for answers from outside */
  constructor(owner: RunOwner, set: ToolSet | undefined, asker: Process | undefined, waiting?: WaitingRun) {
    this.#owner = owner;
    this.#waiting = waiting;
    this.#set = set;
    this.#asker = asker;
  }

  /** Whether this attempt has called a tool that another attempt may not call again. */
  get begun(): boolean {
    return this.#calls?.begun === true;
  }

  /** The events of an attempt in a session; undefined where a plain call does. */
  open(
    client: AgentClient,
    request: EncodedRun,
    carriage: Carriage,
  ): AsyncGenerator<WireRunEvent, void, undefined> | undefined {
    if (this.#set === undefined && this.#waiting === undefined) return undefined;
    const calls = this.#set && this.#callsOf(this.#set, request, carriage);
    this.#calls = calls;
    const handler: HostRequestHandler = async (asked, signal) => {
      if (asked.type === "tool.call") return calls === undefined ? { type: "unknown" } : calls.answer(asked, signal);
      if (this.#waiting === undefined) return { type: "unknown" };
      return this.#wait(asked, this.#waiting, { carriage, incarnation: request.message.incarnation }, signal);
    };
    return client.session(request, handler, { signal: carriage.signal });
  }

  async #wait(asked: WaitRequest, run: WaitingRun, at: Attempt, signal: AbortSignal): Promise<HostReply> {
    const { clock, waits } = this.#owner;
    const { carriage, incarnation } = at;
    const beganMs = clock.monotonicMs();
    const about = { runId: run.id, token: asked.token, name: asked.name };
    carriage.hear();
    const answered = waits.open(asked, run, clock, signal);
    this.#owner.report({ type: "run.waiting", ...about }, incarnation);
    const reply = await answered;
    carriage.hear();
    const forMs = Math.round(clock.monotonicMs() - beganMs);
    this.#owner.report({ type: "run.waited", ...about, outcome: outcomes[reply.type] ?? "ended", forMs }, incarnation);
    return reply;
  }

  #callsOf(set: ToolSet, request: EncodedRun, carriage: Carriage): ToolCalls {
    const { agentId, runId, attempt } = request;
    const { incarnation, timeLeftMs } = request.message;
    const { clock } = this.#owner;
    const asker = this.#asker;
    return new ToolCalls(set, {
      agentId,
      runId,
      attempt,
      incarnation,
      clock,
      deadlineMs: timeLeftMs === undefined ? undefined : clock.monotonicMs() + Number(timeLeftMs),
      heard: () => carriage.hear(),
      enter: (code) => (asker === undefined ? runOutside(code, undefined) : runAs(asker, code, undefined)),
    });
  }

  /** The error of a run that a tool has ended has what the tool threw as its cause. */
  explain(error: unknown): void {
    if (!(error instanceof RunError) || error.kind !== "user_code" || error.toolName === undefined) return;
    const thrown = this.#calls?.thrownBy(error.toolName);
    if (thrown === undefined || error.cause !== undefined) return;
    Object.defineProperty(error, "cause", { value: thrown, configurable: true, writable: true });
  }
}

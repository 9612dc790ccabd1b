/** The calls of one attempt of a run: each is checked, made and answered, or ends with its signal. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describeExitReason } from "../otp/report/exit-reason.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { HostReply, ToolCallRequest } from "../rpc/host-requests.ts";
import { keysOf } from "./schema-check.ts";
import { type Tool, ToolContent, type ToolContext } from "./tool.ts";
import type { ToolSet } from "./tool-set.ts";
import { ModelRetry, ToolFailed } from "./tool-signals.ts";

/** Whose calls they are. */
export interface ToolCallsOwner {
  readonly agentId: string;
  readonly runId: string;
  readonly attempt: number;
  readonly incarnation: number;
  readonly clock: Clock;
  /** When the run's time is up, by `clock.monotonicMs()`; undefined: never. */
  readonly deadlineMs: number | undefined;
  /** Something of the run was heard: it is no longer quiet. */
  heard(): void;
  /** Calls code of the caller's, as its own. */
  enter<T>(code: () => T): T;
}

/** Calls the tools of one attempt. */
export class ToolCalls {
  readonly #tools: ToolSet;
  readonly #owner: ToolCallsOwner;
  /** What a tool has thrown, by the call. */
  readonly #thrown = new Map<string, unknown>();
  #begun = false;

  constructor(tools: ToolSet, owner: ToolCallsOwner) {
    this.#tools = tools;
    this.#owner = owner;
  }

  /** Whether a tool has been called that may not be called again by another attempt. */
  get begun(): boolean {
    return this.#begun;
  }

  /** What this call has thrown; undefined when it has not. */
  thrownBy(toolName: string): unknown {
    return this.#thrown.get(toolName);
  }

  /** Answers a call. */
  readonly answer = async (request: ToolCallRequest, signal: AbortSignal): Promise<HostReply> => {
    this.#owner.heard();
    try {
      return await this.#owner.enter(() => this.#call(request, signal));
    } finally {
      this.#owner.heard();
    }
  };

  async #call(request: ToolCallRequest, ended: AbortSignal): Promise<HostReply> {
    const tool = this.#tools.get(request.toolName);
    if (tool === undefined)
      return { type: "tool.error", name: "Error", message: `there is no tool "${request.toolName}"` };
    const { timeoutMs } = tool;
    const { clock, deadlineMs = Number.POSITIVE_INFINITY } = this.#owner;
    if (timeoutMs === undefined) return this.#execute(tool, request, ended, deadlineMs);
    const untilMs = Math.min(deadlineMs, clock.monotonicMs() + timeoutMs);
    const late = new AbortController();
    const timer = clock.setTimeout(() => {
      late.abort(new DOMException(`tool "${request.toolName}" did not answer within ${timeoutMs} ms`, "TimeoutError"));
    }, timeoutMs);
    const timedOut = Promise.withResolvers<HostReply>();
    const forget = onAbort(late.signal, () => timedOut.resolve({ type: "timed_out" }));
    try {
      const signal = AbortSignal.any([ended, late.signal]);
      return await Promise.race([this.#execute(tool, request, signal, untilMs), timedOut.promise]);
    } finally {
      clock.clearTimeout(timer);
      forget();
    }
  }

  async #execute(tool: Tool, request: ToolCallRequest, signal: AbortSignal, untilMs: number): Promise<HostReply> {
    const { toolCallId, toolName, args, retry, step } = request;
    const { agentId, runId, attempt, incarnation, clock } = this.#owner;
    try {
      const checked = await check(tool, args);
      if ("refused" in checked) return { type: "tool.retry", message: checked.refused };
      // The answer is not needed any more: to begin now would be to act for nobody.
      signal.throwIfAborted();
      if (tool.idempotent !== true) this.#begun = true;
      const context: ToolContext = {
        agentId,
        runId,
        attempt,
        incarnation,
        toolCallId,
        toolName,
        retry,
        step,
        signal,
        get timeLeftMs() {
          return Number.isFinite(untilMs) ? Math.max(1, Math.ceil(untilMs - clock.monotonicMs())) : undefined;
        },
      };
      const value = await tool.execute(checked.args as never, context);
      if (value instanceof ToolContent) return { type: "tool.content", parts: value.parts };
      return { type: "tool.return", value };
    } catch (error) {
      if (error instanceof ModelRetry) return { type: "tool.retry", message: error.message };
      if (error instanceof ToolFailed) return { type: "tool.failed", message: error.message };
      if (!signal.aborted) this.#thrown.set(toolName, error);
      const name = error instanceof Error ? error.name : typeof error;
      const message = `tool "${toolName}" of the host threw ${describeExitReason(error as Error)}`;
      return { type: "tool.error", name, message };
    }
  }
}

async function check(tool: Tool, args: unknown): Promise<{ args: unknown } | { refused: string }> {
  if (tool.input === undefined) return { args };
  const result: StandardSchemaV1.Result<unknown> = await tool.input["~standard"].validate(args);
  if (result.issues === undefined) {
    if (!("value" in result)) throw new TypeError("its input schema answered neither a value nor issues");
    return { args: result.value };
  }
  const issues = result.issues.map((issue) => {
    const at = keysOf(issue).map(String).join(".");
    return at === "" ? issue.message : `${at}: ${issue.message}`;
  });
  return { refused: `The arguments are not valid:\n${issues.join("\n")}` };
}

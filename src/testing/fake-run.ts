/** What a fake agent is asked, and what it may answer. */

import { RunError, type RunErrorKind } from "../errors.ts";
import type { RunRequest } from "../gen/synapse_otp/v1/agent_pb.ts";
import { checkErrorKind } from "./checks.ts";
import { type FakeFrontend, frontendOf, promptOf } from "./fake-frontend.ts";

/** A run as a fake agent sees it. */
export interface FakeRun {
  readonly agentId: string;
  /** Of a prompt in parts its texts, a line each; of a request of a front end the text of its last message. */
  readonly prompt: string;
  readonly runId: string;
  readonly attempt: number;
  /** The incarnation that the host meant to reach. */
  readonly incarnation: number;
  /** The model that the host names; empty: the agent's own. */
  readonly model: string;
  /** Empty when the host gave none. */
  readonly conversationId: string;
  /** pydantic-ai messages as JSON values; empty when the host gave none. */
  readonly messageHistory: readonly unknown[];
  /** Undefined when the host gave none. */
  readonly deps: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether the run may pause for people: as the host says, or it answers a front end. */
  readonly mayPause: boolean;
  /** Whether the host reads events (`Agent.stream`) or one answer (`Agent.run`). */
  readonly streaming: boolean;
  /** Of a run that goes on with a paused one the answers, as pydantic-ai's DeferredToolResults; else undefined. */
  readonly answers: unknown;
  /** The texts that the host has sent into the run, as they come. */
  readonly sent: readonly string[];
  /** The request of a front end that the run answers; undefined for any other. */
  readonly frontend: FakeFrontend | undefined;
  /** The names of the host's tools. */
  readonly tools: readonly string[];
  /**
   * Calls a tool of the host, as a model would.
   * @returns the tool's value; rejects with a RunError: "model_retry" where the model is told to try again, "tool_failed" where it is told that the tool has failed, "user_code" where the tool has thrown
   */
  callTool(toolName: string, args: unknown): Promise<unknown>;
  /**
   * Waits for an answer from outside, in a host that has said that the run may (`mayWait`); about `asks`, or any JSON value.
   * @returns the answer, about calls as pydantic-ai's DeferredToolResults; rejects with the reason where none comes
   */
  waitFor(name: string, options?: FakeWait): Promise<unknown>;
  /** Aborted when the host cancels the call, its deadline passes or the worker ends. */
  readonly signal: AbortSignal;
}

/**
 * The answer of a fake agent.
 * - a text
 * - `chunks`: a text in pieces; a stream yields one text delta for each, as the host reads on
 * - `output`: structured output, in a stream after the snapshots of `partial`
 * - `asks`: the run pauses for these calls, in a host that has said that it may; in any other it is rejected, as a real one
 * - `hang`: no answer until the host cancels or the worker ends
 */
export type FakeReply =
  | string
  | { readonly chunks: Iterable<string> | AsyncIterable<string> }
  | { readonly output: unknown; readonly partial?: Iterable<unknown> | AsyncIterable<unknown> }
  | { readonly asks: readonly FakeAsk[] }
  | { readonly hang: true };

/** What a fake run waits for. */
export interface FakeWait {
  readonly asks?: readonly FakeAsk[] | undefined;
  /** Default: as long as the run lasts. */
  readonly timeoutMs?: number | undefined;
}

/** A call that a fake run pauses or waits for. */
export interface FakeAsk {
  /** Default "approval". */
  readonly kind?: "approval" | "external";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly args?: unknown;
}

/** A fake agent: it answers a run, or throws. See {@link fakeRunError} for errors of a given kind; any other throw is the user's code failing. */
export type FakeAnswer = (run: FakeRun) => FakeReply | Promise<FakeReply>;

/**
 * An error for a fake agent to throw: the host's run rejects with a RunError of this kind.
 * @throws CallerError "invalid_argument" for a kind that there is not
 * @example throw fakeRunError("usage_limit_exceeded", "the request_limit of 1 is reached")
 */
export function fakeRunError(kind: RunErrorKind, message: string, facts: { retriable?: boolean } = {}): RunError {
  checkErrorKind(kind);
  return new RunError("run_failed", message, { kind, ...facts });
}

/** For a run in a plain call. */
export const noHost: Pick<FakeRun, "callTool" | "waitFor"> = {
  async callTool() {
    throw fakeRunError("validation", "the run has no tools of the host");
  },
  async waitFor(name) {
    throw fakeRunError("user_error", `the run waits for "${name}", and its host does not know: give it mayWait: true`);
  },
};

/** The run in a request. */
export function toFakeRun(
  request: RunRequest,
  how: { readonly streaming: boolean; readonly host?: Pick<FakeRun, "callTool" | "waitFor"> },
  signal: AbortSignal,
): FakeRun {
  const { streaming, host = noHost } = how;
  const { agentId, runId, attempt, incarnation, model, conversationId, metadata } = request;
  const messageHistory = (decode(request.messageHistoryJson) ?? []) as readonly unknown[];
  const deps = decode(request.depsJson);
  const texts = request.content.flatMap(({ part }) => (part.case === "text" ? [part.value] : []));
  const frontend = frontendOf(request);
  const prompt = frontend !== undefined ? promptOf(frontend) : texts.length > 0 ? texts.join("\n") : request.prompt;
  return {
    agentId,
    prompt,
    runId,
    attempt,
    incarnation,
    model,
    conversationId,
    messageHistory,
    deps,
    metadata,
    mayPause: request.mayPause || frontend !== undefined,
    streaming,
    sent: [],
    frontend,
    answers: decode(request.deferredResultsJson),
    tools: request.tools.map(({ name }) => name),
    callTool: host.callTool,
    waitFor: host.waitFor,
    signal,
  };
}

function decode(bytes: Uint8Array): unknown {
  return bytes.byteLength === 0 ? undefined : JSON.parse(Buffer.from(bytes).toString("utf8"));
}

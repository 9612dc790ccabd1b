/** Calls whose reply is waited for later, again and again, or several at once. Source: OTP's gen_server:send_request and request id collections. */

import { invalidArgument, ProcessError } from "../../errors.ts";
import { contextRuntime, type Target } from "../process/target.ts";
import { describeExitReason } from "../report/exit-reason.ts";
import type { Clock } from "../scheduler/clock.ts";
import { startCall } from "./call.ts";
import { PendingCall } from "./pending-call.ts";
import type { CallOf, ReplyOf, TypedRef } from "./protocol.ts";
import { type Patience, patienceMs } from "./timeout.ts";

/** How a request went: errors are values here. */
export type Response<Reply> =
  | { readonly type: "reply"; readonly reply: Reply }
  /** Nothing came in time. `waitResponse` may be asked again. */
  | { readonly type: "timeout" }
  /** The target is dead or unknown ("noproc"), or ended ("exited") before it replied. */
  | { readonly type: "error"; readonly error: ProcessError };

/** A response of a collection. "no_request": it is empty. */
export type LabelledResponse<Reply, Label> =
  | (Exclude<Response<Reply>, { type: "timeout" }> & { readonly label: Label })
  | { readonly type: "timeout" }
  | { readonly type: "no_request" };

/** How long to wait; 0 ms looks at what has arrived. Default: until the response comes. */
export type WaitOptions = Patience;

/** A request that has been sent. */
export class SentRequest<Reply> {
  readonly target: unknown;
  /** Settled when it is answered; never rejects. */
  readonly settled: Promise<Exclude<Response<Reply>, { type: "timeout" }>>;
  readonly clock: Clock;
  /** Set when it is answered. */
  response: Exclude<Response<Reply>, { type: "timeout" }> | undefined;
  readonly #call: PendingCall | undefined;
  /** Those who wait for it now. */
  readonly #waits = new Set<(request: unknown) => void>();
  #abandoned = false;

  constructor(target: Target, message: unknown) {
    this.target = target;
    this.clock = contextRuntime().clock;
    const started = startCall(target, message, "infinity");
    const answered = started instanceof PendingCall ? started.promise : Promise.reject(started);
    this.#call = started instanceof PendingCall ? started : undefined;
    this.settled = answered.then(
      (reply) => this.#settle({ type: "reply", reply: reply as Reply }),
      (error: unknown) => this.#settle({ type: "error", error: asProcessError(error) }),
    );
  }

  /** Whether its response was received or given up: it cannot be waited for any more. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Gives the response up: a late reply is a dead letter, and the target keeps nothing of the call. */
  abandon(): void {
    if (this.#abandoned) return;
    this.#abandoned = true;
    this.#call?.release();
    this.#tell();
  }

  /** Calls `tell` when it is answered or given up. */
  addWait(tell: (request: unknown) => void): void {
    this.#waits.add(tell);
  }

  removeWait(tell: (request: unknown) => void): void {
    this.#waits.delete(tell);
  }

  #settle<R extends Exclude<Response<Reply>, { type: "timeout" }>>(response: R): R {
    this.response = response;
    this.#tell();
    return response;
  }

  #tell(): void {
    for (const tell of [...this.#waits]) tell(this);
  }
}

/**
 * Sends a call without waiting. Errors of the target are values of the response.
 * @throws CallerError "invalid_argument" for a target that is none
 */
export function sendRequest<T, const M extends CallOf<T>>(target: TypedRef<T>, message: M): SentRequest<ReplyOf<T, M>> {
  return new SentRequest<ReplyOf<T, M>>(target as Target, message);
}

/** Waits for the response. A timeout keeps the request: ask again. */
export async function waitResponse<Reply>(
  request: SentRequest<Reply>,
  options: WaitOptions = {},
): Promise<Response<Reply>> {
  checkRequest(request);
  const response = await waitFor([request], request.clock, options);
  return response?.response ?? { type: "timeout" };
}

/** Waits for the response, and gives the request up when it does not come in time: its late reply is dropped. */
export async function receiveResponse<Reply>(
  request: SentRequest<Reply>,
  options: WaitOptions = {},
): Promise<Response<Reply>> {
  const response = await waitResponse(request, options);
  request.abandon();
  return response;
}

/** Requests under labels, answered in the order in which their responses come. */
export class RequestCollection<Reply, Label> {
  readonly #requests = new Map<SentRequest<Reply>, Label>();

  /** Requests whose response has not been taken. */
  get size(): number {
    return this.#requests.size;
  }

  /** The requests and their labels, oldest first. */
  entries(): [request: SentRequest<Reply>, label: Label][] {
    return [...this.#requests];
  }

  /** Sends a call and adds it. */
  send(target: Target, message: unknown, label: Label): this {
    return this.add(new SentRequest<Reply>(target, message), label);
  }

  /** @throws CallerError "invalid_argument" for what is no request, or is in it already */
  add(request: SentRequest<Reply>, label: Label): this {
    checkRequest(request);
    if (this.#requests.has(request))
      throw invalidArgument("request", "a request", "one that is not in the collection yet");
    this.#requests.set(request, label);
    return this;
  }

  /** Takes the next response out. A timeout keeps all requests: ask again. */
  async waitResponse(options: WaitOptions = {}): Promise<LabelledResponse<Reply, Label>> {
    const requests = [...this.#requests.keys()];
    const first = requests[0];
    if (first === undefined) return { type: "no_request" };
    const answered = await waitFor(requests, first.clock, options);
    if (answered === undefined) return { type: "timeout" };
    const { request, response } = answered;
    const label = this.#requests.get(request) as Label;
    this.#requests.delete(request);
    return { ...response, label };
  }

  /** Like `waitResponse`, and gives all requests up when none is answered in time. */
  async receiveResponse(options: WaitOptions = {}): Promise<LabelledResponse<Reply, Label>> {
    const response = await this.waitResponse(options);
    if (response.type === "timeout") {
      for (const request of this.#requests.keys()) request.abandon();
      this.#requests.clear();
    }
    return response;
  }
}

/** @throws CallerError "invalid_argument" */
function checkRequest(request: unknown): void {
  if (!(request instanceof SentRequest)) throw invalidArgument("request", request, "what `sendRequest` has answered");
}

interface Answered<Reply> {
  request: SentRequest<Reply>;
  response: Exclude<Response<Reply>, { type: "timeout" }>;
}

async function waitFor<Reply>(
  requests: readonly SentRequest<Reply>[],
  clock: Clock,
  options: WaitOptions,
): Promise<Answered<Reply> | undefined> {
  const timeoutMs = patienceMs(options, "infinity");
  for (const request of requests) {
    const answered = answerOf(request);
    if (answered !== undefined) return answered;
  }
  if (timeoutMs === 0) return undefined;
  const first = await firstOf(requests, clock, timeoutMs);
  return first === undefined ? undefined : answerOf(first);
}

/** The request's answer; undefined when there is none yet. @throws CallerError "invalid_argument" for one that was given up */
function answerOf<Reply>(request: SentRequest<Reply>): Answered<Reply> | undefined {
  if (request.abandoned) throw invalidArgument("request", "a request that was given up", "one whose response is due");
  return request.response === undefined ? undefined : { request, response: request.response };
}

/** The first of them that is answered or given up; undefined when none is in time. Nothing of the wait stays with the others: it may be one of many. */
function firstOf<Reply>(
  requests: readonly SentRequest<Reply>[],
  clock: Clock,
  timeoutMs: number | "infinity",
): Promise<SentRequest<Reply> | undefined> {
  return new Promise((resolve) => {
    let timer: unknown;
    const over = (first: unknown): void => {
      for (const request of requests) request.removeWait(over);
      if (timer !== undefined) clock.clearTimeout(timer);
      resolve(first as SentRequest<Reply> | undefined);
    };
    for (const request of requests) request.addWait(over);
    if (timeoutMs !== "infinity") timer = clock.setTimeout(() => over(undefined), timeoutMs);
  });
}

function asProcessError(error: unknown): ProcessError {
  if (error instanceof ProcessError) return error;
  const why = describeExitReason(error);
  return new ProcessError("exited", `the request failed: ${why}`, { reason: error, cause: error });
}

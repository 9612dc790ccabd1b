/** A request of a front end and what is done about it: a run is begun, read again, or ended. */

import { CallerError, RunError, type SynapseError } from "../errors.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { FrontendProtocol } from "../rpc/run-types.ts";
import { answer } from "./answer.ts";
import { type AnswerEvent, parseEventId } from "./answer-text.ts";
import { errorResponse, Refusal } from "./refusal.ts";
import { checkAccept, type FrontendRequest, readRequest } from "./request.ts";

/** A run that answers a request. */
export interface FrontendRun {
  readonly runId: string;
  readonly protocol: FrontendProtocol;
  /** A reader of its events after this number. */
  read(after: number): AsyncIterator<AnswerEvent>;
  /** Ends it; false: it had ended. */
  cancel(): boolean;
}

/** Whose runs answer requests. */
export interface FrontendHost {
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  /** Begins a run. Rejects with the error of a run that cannot begin. */
  begin(request: FrontendRequest, signal: AbortSignal): Promise<FrontendRun>;
  /** A run that was begun for a client of the same scope; undefined: none that is kept. */
  run(runId: string): FrontendRun | undefined;
  /** The run of a chat that has not ended; undefined: there is none. */
  running(chatId: string): FrontendRun | undefined;
  /** Told of an error of which the client hears no more than a sentence. */
  onError(error: SynapseError): void;
}

const methods = "GET, POST, DELETE";

/** Answers a request. Rejects with what is a fault of the host's own code alone. */
export async function handleRequest(
  request: Request,
  host: FrontendHost,
  options: { readonly protocol?: FrontendProtocol | undefined } = {},
): Promise<Response> {
  try {
    const after = resumption(request);
    if (after !== undefined) return attach(request, host, after);
    switch (request.method) {
      case "POST": {
        const read = await readRequest(request, { maxBytes: host.maxMessageBytes, ...options });
        return await begin(request, host, read);
      }
      case "GET":
        return attachToChat(request, host);
      case "DELETE":
        return end(request, host);
      default:
        throw new Refusal("method_not_allowed", `${request.method} is none of ${methods}`, { allow: methods });
    }
  } catch (error) {
    return errorResponse(error, (told) => host.onError(told));
  }
}

async function begin(request: Request, host: FrontendHost, read: FrontendRequest): Promise<Response> {
  const { signal } = request;
  const run = await host.begin(read, signal);
  const events = run.read(0);
  const leave = (): void => void events.return?.();
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  // A run that fails before it tells anything is answered with a status.
  const first = await events.next();
  signal.removeEventListener("abort", leave);
  if (first.done === true || first.value.type === "cancelled") {
    throw new RunError("run_cancelled", `run "${run.runId}" was cancelled before it began`, { runId: run.runId });
  }
  if (first.value.type === "failed") throw first.value.error;
  return answer({ runId: run.runId, protocol: run.protocol, events, skipFirst: false, signal, clock: host.clock });
}

/** The run and the number after which the client wants to have its events; undefined: it does not ask for that. */
function resumption(request: Request): { readonly runId: string; readonly seq: number } | undefined {
  if (request.method !== "GET" && request.method !== "POST") return undefined;
  const last = request.headers.get("last-event-id");
  if (last !== null && last !== "") return parseEventId(last) ?? { runId: last, seq: 0 };
  const runId = new URL(request.url).searchParams.get("run");
  return runId === null ? undefined : { runId, seq: 0 };
}

function attach(request: Request, host: FrontendHost, { runId, seq }: { runId: string; seq: number }): Response {
  checkAccept(request.headers.get("accept"));
  const run = host.run(runId);
  if (run === undefined)
    throw new Refusal("not_found", "there is no such run: it is not kept, or was begun for somebody else");
  return reattached(request, host, run, seq);
}

/** As the Vercel AI SDK looks for an answer that is being written when a chat is opened: 204, where there is none. */
function attachToChat(request: Request, host: FrontendHost): Response {
  checkAccept(request.headers.get("accept"));
  const run = host.running(chatOf(request));
  return run === undefined ? new Response(null, { status: 204 }) : reattached(request, host, run, 0);
}

function reattached(request: Request, host: FrontendHost, run: FrontendRun, seq: number): Response {
  const { signal } = request;
  const { runId, protocol } = run;
  const { events, skipFirst } = readAfter(run, seq);
  return answer({ runId, protocol, events, skipFirst, signal, clock: host.clock });
}

/** A reader from the last event on that the client has, where it is kept still: it says whether the client has been told the end. */
function readAfter(run: FrontendRun, seq: number): { events: AsyncIterator<AnswerEvent>; skipFirst: boolean } {
  if (seq === 0) return { events: run.read(0), skipFirst: false };
  try {
    return { events: run.read(seq - 1), skipFirst: true };
  } catch (error) {
    if (!(error instanceof CallerError) || error.code !== "events_expired") throw error;
    return { events: run.read(seq), skipFirst: false };
  }
}

function end(request: Request, host: FrontendHost): Response {
  const runId = new URL(request.url).searchParams.get("run");
  const run = runId === null ? host.running(chatOf(request)) : host.run(runId);
  run?.cancel();
  return new Response(null, { status: 204 });
}

/** The chat that an address names: `?chat=`, or the last step but one, as in "/api/chat/<id>/stream". */
function chatOf({ url }: Request): string {
  const { pathname, searchParams } = new URL(url);
  const chat = searchParams.get("chat");
  if (chat !== null) return chat;
  const step = /\/([^/]+)\/stream$/.exec(pathname)?.[1];
  try {
    if (step !== undefined) return decodeURIComponent(step);
  } catch {
    // It names nothing.
  }
  throw new Refusal("not_found", "the address names no run (?run=) and no chat (?chat=, or …/<chat>/stream)");
}

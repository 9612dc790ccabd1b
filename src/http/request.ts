/** What a request of a front end asks for, and in which protocol. Read in bounds, and refused before an agent hears of it. */

import { RunError } from "../errors.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import type { FrontendProtocol } from "../rpc/run-types.ts";
import { Refusal } from "./refusal.ts";

/** A request that a run may answer. */
export interface FrontendRequest {
  readonly protocol: FrontendProtocol;
  /** As it came. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The chat or thread that it goes on with. */
  readonly chatId: string;
  /** Whether it answers calls that wait for the client: approvals, or results. */
  readonly answers: boolean;
  /**
   * The body without its approvals, where its user has said something else after them: the Vercel AI SDK sends each time what has been approved once. Absent: there is
   * nothing else.
   */
  readonly withoutAnswers?: () => Uint8Array<ArrayBuffer>;
}

/** An object of JSON. */
type Told = Readonly<Record<string, unknown>>;

/** How it is read. */
export interface ReadOptions {
  readonly maxBytes: number;
  /** Default: told by the body. */
  readonly protocol?: FrontendProtocol | undefined;
}

const longestId = 256;

/**
 * Reads a POST request.
 * @throws Refusal; RunError "run_cancelled" when its client leaves meanwhile
 */
export async function readRequest(request: Request, options: ReadOptions): Promise<FrontendRequest> {
  checkMediaType(request.headers.get("content-type"));
  checkAccept(request.headers.get("accept"));
  const body = await readBody(request, options.maxBytes);
  const told = parse(body);
  const protocol = options.protocol ?? protocolOf(told);
  const field = protocol === "ag-ui" ? "threadId" : "id";
  const chatId = told[field];
  if (typeof chatId !== "string" || chatId === "" || chatId.length > longestId || !chatId.isWellFormed()) {
    throw new Refusal("invalid_body", `${field} is not a text of 1 to ${longestId} characters`);
  }
  return { protocol, body, chatId, ...answersIn(protocol, told) };
}

/**
 * A page of another site can send what is no JSON without the browser asking the server first: it is refused, whoever is logged in there.
 * @throws Refusal
 */
function checkMediaType(type: string | null): void {
  const media = type?.split(";")[0]?.trim().toLowerCase();
  if (media === "application/json") return;
  throw new Refusal("unsupported_media_type", `the body has to be application/json, not ${media || "of no type"}`, {
    accept: "application/json",
  });
}

const acceptable: ReadonlySet<string> = new Set(["text/event-stream", "text/*", "*/*"]);

/** @throws Refusal unless the client takes an event stream */
export function checkAccept(accept: string | null): void {
  if (accept === null || accept.trim() === "") return;
  const taken = accept.split(",").some((range) => {
    const [media = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return acceptable.has(media) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
  if (!taken) throw new Refusal("not_acceptable", "the answer is an event stream (text/event-stream)");
}

async function readBody({ body, headers, signal }: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new Refusal("message_too_large", `the body may be at most ${maxBytes} bytes`);
  if (Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // A body that is read already is a fault of the host's: it throws here.
  const reader = body?.getReader();
  const leave = (): void => void reader?.cancel().catch(() => undefined);
  const forget = onAbort(signal, leave);
  if (signal.aborted) leave();
  try {
    for (;;) {
      const piece = await reader?.read();
      if (signal.aborted) throw new RunError("run_cancelled", "the client has left while its request was read");
      if (piece?.value === undefined) return Buffer.concat(pieces, bytes);
      bytes += piece.value.byteLength;
      if (bytes > maxBytes) throw tooLarge();
      pieces.push(piece.value);
    }
  } catch (error) {
    leave();
    if (error instanceof Refusal || error instanceof RunError) throw error;
    throw new Refusal("invalid_body", "the body could not be read to its end");
  } finally {
    forget();
  }
}

function parse(body: Uint8Array): Told {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Told;
    }
  } catch {
    // It is refused as what is no object.
  }
  throw new Refusal("invalid_body", "the body is no JSON object");
}

function protocolOf(body: Told): FrontendProtocol {
  if ("threadId" in body) return "ag-ui";
  if ("id" in body && "messages" in body) return "vercel-ai";
  const known = "the Vercel AI SDK's (id, trigger, messages) and AG-UI's (threadId, runId, messages, …)";
  throw new Refusal("invalid_body", `the body is of no protocol that is known; known are ${known}`);
}

/** What of a request answers calls, in a request of one of the protocols. */
function answersIn(protocol: FrontendProtocol, told: Told): Pick<FrontendRequest, "answers" | "withoutAnswers"> {
  const last = objectsIn(told.messages).at(-1)?.role;
  if (protocol === "ag-ui") return { answers: objectsIn(told.resume).length > 0 || last === "tool" };
  const approves = objectsIn(told.messages).some(({ parts }) => objectsIn(parts).some(isApproval));
  const answers = approves || (last === "assistant" && told.trigger !== "regenerate-message");
  return approves && last === "user" ? { answers, withoutAnswers: () => withoutApprovals(told) } : { answers };
}

function isApproval({ state }: Told): boolean {
  return state === "approval-responded";
}

function withoutApprovals(told: Told): Uint8Array<ArrayBuffer> {
  const messages = objectsIn(told.messages).map((message) => ({
    ...message,
    parts: objectsIn(message.parts).filter((part) => !isApproval(part)),
  }));
  return new TextEncoder().encode(JSON.stringify({ ...told, messages }));
}

/** The objects in a list; none, where it is no list. Whether they are right, the worker says. */
function objectsIn(value: unknown): Told[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each): each is Told => typeof each === "object" && each !== null);
}

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
}

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
  return { protocol, body, chatId };
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

function parse(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch {
    // It is refused as what is no object.
  }
  throw new Refusal("invalid_body", "the body is no JSON object");
}

function protocolOf(body: Readonly<Record<string, unknown>>): FrontendProtocol {
  if ("threadId" in body) return "ag-ui";
  if ("id" in body && "messages" in body) return "vercel-ai";
  const known = "the Vercel AI SDK's (id, trigger, messages) and AG-UI's (threadId, runId, messages, …)";
  throw new Refusal("invalid_body", `the body is of no protocol that is known; known are ${known}`);
}

/** One call of RunSession as its host sees it: the run's events go to their reader, and what it asks for is answered beside them. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  type HostAnswer,
  HostAnswerSchema,
  type HostMessage,
  HostMessageSchema,
  type HostRequest,
  type RunRequest,
  type RunResponseChunk,
  type WorkerMessage,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import type { Call } from "./call.ts";
import { toHostAnswer, toHostRequest } from "./host-messages.ts";
import type { HostReply, HostRequestHandler } from "./host-requests.ts";
import { protocolViolation } from "./json.ts";

/** Events that are read ahead of their reader: a request behind them is answered while they wait. */
const READ_AHEAD = 64;
/** Requests that may be open at a time; while there are more, nothing is read. */
const MAX_OPEN = 256;

/** What a session is made with. */
export interface RunSessionParts {
  readonly request: RunRequest;
  readonly call: Call;
  /** Answers what the run asks for. */
  readonly handler: HostRequestHandler;
  readonly maxMessageBytes: number;
}

/** The two directions of one session. When it ends, whoever ended it, every open request is over: its signal is aborted. */
export class RunSession {
  readonly #parts: RunSessionParts;
  readonly #open = new Map<bigint, AbortController>();
  readonly #outgoing: HostMessage[];
  readonly #chunks: RunResponseChunk[] = [];
  /** Wakes whoever waits for something to send, for something to read, or for room to read on. */
  #wakeSender: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;
  #wakePump: (() => void) | undefined;
  /** Ids of requests only grow. */
  #lastId = 0n;
  /** How the worker's side ended. */
  #end: { readonly error?: unknown } | undefined;

  constructor(parts: RunSessionParts) {
    this.#parts = parts;
    this.#outgoing = [create(HostMessageSchema, { message: { case: "start", value: parts.request } })];
  }

  /** What the host sends: the request of the run, then answers. It ends with the session. */
  get outgoing(): AsyncIterable<HostMessage> {
    const next = async (): Promise<IteratorResult<HostMessage, undefined>> => {
      for (;;) {
        const value = this.#outgoing.shift();
        if (value !== undefined) return { done: false, value };
        if (this.#end !== undefined) return { done: true, value: undefined };
        await new Promise<void>((resolve) => {
          this.#wakeSender = resolve;
        });
      }
    };
    // connect-es insists on both, and calls throw when the call is aborted.
    const leave = async (): Promise<IteratorResult<HostMessage, undefined>> => {
      this.end("the run's call was cancelled");
      return { done: true, value: undefined };
    };
    const fail = async (error: unknown): Promise<IteratorResult<HostMessage, undefined>> => {
      this.end("the run's call has failed", error);
      throw error;
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave, throw: fail }) };
  }

  /** The events among what the worker sends. Reading begins at once. */
  chunks(incoming: AsyncIterable<WorkerMessage>): AsyncIterable<RunResponseChunk> {
    this.#pump(incoming).then(
      () => this.end("the run has ended"),
      (error: unknown) => this.end("its worker is gone, or its call was cancelled", error),
    );
    const next = async (): Promise<IteratorResult<RunResponseChunk, undefined>> => {
      for (;;) {
        const value = this.#chunks.shift();
        this.#wakePump?.();
        if (value !== undefined) return { done: false, value };
        if (this.#end !== undefined) {
          if ("error" in this.#end) throw this.#end.error;
          return { done: true, value: undefined };
        }
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  /** Ends the session: nothing is sent any more, and every open request is over. `error`: what its reader gets after the last event. */
  end(why: string, ...error: [] | [unknown]): void {
    if (this.#end !== undefined) return;
    this.#end = error.length === 0 ? {} : { error: error[0] };
    this.#outgoing.length = 0;
    for (const controller of this.#open.values()) controller.abort(noLonger(why));
    this.#open.clear();
    this.#wakeSender?.();
    this.#wakeReader?.();
    this.#wakePump?.();
  }

  async #pump(incoming: AsyncIterable<WorkerMessage>): Promise<void> {
    for await (const { message } of incoming) {
      if (this.#end !== undefined) return;
      switch (message.case) {
        case "chunk":
          this.#chunks.push(message.value);
          this.#wakeReader?.();
          break;
        case "request":
          if (message.value.id <= this.#lastId) {
            const { what, agentId } = this.#parts.call;
            throw protocolViolation(`asked twice with the id ${message.value.id} in ${what}`, { agentId });
          }
          this.#lastId = message.value.id;
          void this.#answer(message.value);
          break;
        case "requestCancelled":
          this.#open.get(message.value.id)?.abort(noLonger(message.value.reason));
          this.#open.delete(message.value.id);
          break;
        default: // A message that this version does not know.
      }
      while (this.#end === undefined && (this.#chunks.length >= READ_AHEAD || this.#open.size >= MAX_OPEN)) {
        await new Promise<void>((resolve) => {
          this.#wakePump = resolve;
        });
      }
    }
  }

  async #answer(request: HostRequest): Promise<void> {
    const { id } = request;
    const controller = new AbortController();
    this.#open.set(id, controller);
    const answer = await this.#answerTo(request, controller.signal);
    // An answer that is late goes nowhere: a request is answered once.
    if (this.#open.get(id) !== controller) return;
    this.#open.delete(id);
    this.#outgoing.push(create(HostMessageSchema, { message: { case: "answer", value: answer } }));
    this.#wakeSender?.();
    this.#wakePump?.();
  }

  async #answerTo(message: HostRequest, signal: AbortSignal): Promise<HostAnswer> {
    const { call, handler, maxMessageBytes } = this.#parts;
    const fault = (text: string): HostAnswer =>
      toHostAnswer(message.id, { type: "tool.error", name: "Error", message: text }, "");
    try {
      const request = toHostRequest(message, call);
      const reply: HostReply = request === undefined ? { type: "unknown" } : await handler(request, signal);
      const what = request?.type === "tool.call" ? `the result of tool "${request.toolName}"` : "";
      const answer = toHostAnswer(message.id, reply, what);
      const bytes = toBinary(HostAnswerSchema, answer).byteLength;
      // The frame around it takes a few bytes.
      if (bytes + 16 <= maxMessageBytes) return answer;
      return fault(`its result is ${bytes} bytes; a message may be at most ${maxMessageBytes} bytes`);
    } catch (error) {
      return fault(error instanceof Error ? error.message : String(error));
    }
  }
}

function noLonger(why: string): DOMException {
  return new DOMException(`the answer is not needed any more: ${why}`, "AbortError");
}

/** A session of a fake worker: the run's chunks, and between them what it asks its host for. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  HostAnswer,
  HostMessage,
  HostRequestSchema,
  RunRequest,
  RunResponseChunkSchema,
  WorkerMessageSchema,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import { fakeRunError } from "./fake-run.ts";

type Chunk = MessageInitShape<typeof RunResponseChunkSchema>;
type Message = MessageInitShape<typeof WorkerMessageSchema>;

/** Calls a tool of the host. */
export type CallTool = (toolName: string, args: unknown) => Promise<unknown>;

/** The worker's end of one session. */
export class FakeSession {
  readonly #messages: AsyncIterator<HostMessage>;
  readonly #open = new Map<bigint, PromiseWithResolvers<HostAnswer>>();
  readonly #outgoing: Message[] = [];
  #wake: (() => void) | undefined;
  #done: { readonly error?: unknown } | undefined;
  #lastId = 0n;
  #terminalOnly = false;

  constructor(messages: AsyncIterable<HostMessage>) {
    this.#messages = messages[Symbol.asyncIterator]();
  }

  /** The run that the session is for: its first message. */
  async start(): Promise<RunRequest> {
    const first = await this.#messages.next();
    const message = first.done === true ? undefined : first.value.message;
    if (message?.case !== "start") throw new ConnectError("the first message must be start", Code.InvalidArgument);
    this.#terminalOnly = message.value.stream?.terminalOnly === true;
    void this.#read();
    return message.value;
  }

  /**
   * Calls a tool of the host.
   * @returns its value; rejects with a RunError of kind "model_retry" where the model is asked to try again, else "user_code"
   */
  readonly callTool: CallTool = async (toolName, args) => {
    this.#lastId += 1n;
    const id = this.#lastId;
    const answered = Promise.withResolvers<HostAnswer>();
    this.#open.set(id, answered);
    const argsJson = new TextEncoder().encode(JSON.stringify(args ?? {}));
    const value: MessageInitShape<typeof HostRequestSchema> = {
      id,
      request: { case: "toolCall", value: { toolCallId: `call-${id}`, toolName, argsJson, step: 1 } },
    };
    this.#send({ message: { case: "request", value } });
    return toolValue(await answered.promise);
  };

  /** What goes to the host: the run's chunks, and the requests that come between them. */
  async *merge(chunks: AsyncIterable<Chunk>): AsyncGenerator<Message> {
    void this.#pump(chunks);
    try {
      for (;;) {
        const message = this.#outgoing.shift();
        if (message !== undefined) yield message;
        else if (this.#done === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if ("error" in this.#done) throw this.#done.error;
        else return;
      }
    } finally {
      this.#lose();
    }
  }

  async #pump(chunks: AsyncIterable<Chunk>): Promise<void> {
    try {
      for await (const value of chunks) {
        const terminal = value.event?.case === "completed" || value.event?.case === "failed";
        if (terminal || !this.#terminalOnly) this.#send({ message: { case: "chunk", value } });
      }
      this.#done = {};
    } catch (error) {
      this.#done = { error };
    }
    this.#wake?.();
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const step = await this.#messages.next();
        if (step.done === true) break;
        const { message } = step.value;
        if (message.case !== "answer") continue;
        this.#open.get(message.value.requestId)?.resolve(message.value);
        this.#open.delete(message.value.requestId);
      }
    } catch {
      // The call is cancelled: what is open is lost, as below.
    }
    this.#lose();
  }

  #lose(): void {
    for (const { promise, reject } of this.#open.values()) {
      promise.catch(() => undefined);
      reject(fakeRunError("internal", "the host has closed its side of the session"));
    }
    this.#open.clear();
  }

  #send(message: Message): void {
    this.#outgoing.push(message);
    this.#wake?.();
  }
}

function toolValue({ answer }: HostAnswer): unknown {
  switch (answer.case) {
    case "toolReturn": {
      const { valueJson, content } = answer.value;
      return content.length > 0 ? content : JSON.parse(Buffer.from(valueJson).toString("utf8"));
    }
    case "toolRetry":
      throw fakeRunError("model_retry", answer.value.message);
    case "toolFailed":
    case "toolError":
      throw fakeRunError("user_code", answer.value.message);
    case "timedOut":
      throw fakeRunError("model_retry", "the tool did not answer in time");
    default:
      throw fakeRunError("internal", "the host does not know requests of this kind");
  }
}

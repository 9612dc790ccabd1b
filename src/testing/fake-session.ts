/** A session of a fake worker: the run's chunks, and between them what it asks its host for. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { RunError, type RunErrorKind } from "../errors.ts";
import {
  type HostAnswer,
  type HostMessage,
  type HostRequestSchema,
  InputOutcome,
  type RunRequest,
  type RunResponseChunkSchema,
  type WorkerMessageSchema,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import { encode, requestsJson } from "./fake-response.ts";
import { type FakeRun, fakeRunError, noHost } from "./fake-run.ts";

type Chunk = MessageInitShape<typeof RunResponseChunkSchema>;
type MakeChunk = (event: Chunk["event"] & object) => Chunk;
type Message = MessageInitShape<typeof WorkerMessageSchema>;

/** The worker's end of one session. */
export class FakeSession {
  readonly #messages: AsyncIterator<HostMessage>;
  readonly #open = new Map<bigint, PromiseWithResolvers<HostAnswer>>();
  readonly #outgoing: Message[] = [];
  #wake: (() => void) | undefined;
  #done: { readonly error?: unknown } | undefined;
  #lastId = 0n;
  #terminalOnly = false;
  #mayWait = false;
  #runId = "";
  #chunk: MakeChunk = (event) => ({ event });
  readonly #waits = new Map<string, number>();

  constructor(messages: AsyncIterable<HostMessage>) {
    this.#messages = messages[Symbol.asyncIterator]();
  }

  /** The run that the session is for: its first message. */
  async start(): Promise<RunRequest> {
    const first = await this.#messages.next();
    const message = first.done === true ? undefined : first.value.message;
    if (message?.case !== "start") throw new ConnectError("the first message must be start", Code.InvalidArgument);
    this.#terminalOnly = message.value.stream?.terminalOnly === true;
    this.#mayWait = message.value.mayWait;
    this.#runId = message.value.runId;
    void this.#read();
    return message.value;
  }

  /**
   * Calls a tool of the host.
   * @returns its value; rejects with a RunError of kind "model_retry" where the model is asked to try again, "tool_failed" where it is told that the tool has, else "user_code"
   */
  readonly callTool: FakeRun["callTool"] = async (toolName, args) => {
    const toolCallId = `call-${this.#lastId + 1n}`;
    const value = { toolCallId, toolName, argsJson: encode(args ?? {}), step: 1 };
    return toolValue(await this.#ask({ case: "toolCall", value }), { toolCallId, toolName });
  };

  /** How the chunks of its run are made. */
  numberWith(chunk: MakeChunk): void {
    this.#chunk = chunk;
  }

  /**
   * Waits for an answer from outside; where it is about calls, it comes as pydantic-ai's DeferredToolResults.
   * @returns the answer; rejects with the reason where none comes
   */
  readonly waitFor: FakeRun["waitFor"] = async (name, { asks, timeoutMs } = {}) => {
    if (!this.#mayWait) return noHost.waitFor(name);
    const count = (this.#waits.get(name) ?? 0) + 1;
    this.#waits.set(name, count);
    const token = `${this.#runId}|event|${name}#${count}`;
    const about = asks === undefined ? {} : { requestsJson: requestsJson(asks) };
    const asked = this.#ask({ case: "wait", value: { token, name, ...about } }, timeoutMs);
    const deadlineUnixMs = timeoutMs === undefined ? 0n : BigInt(Date.now() + timeoutMs);
    this.#tell({ case: "inputRequested", value: { token, name, ...about, deadlineUnixMs } });
    const { answer } = await asked;
    const end = (outcome: InputOutcome) => this.#tell({ case: "inputAnswered", value: { token, name, outcome } });
    switch (answer.case) {
      case "waitAnswered":
        end(InputOutcome.ANSWERED);
        return JSON.parse(Buffer.from(answer.value.valueJson).toString("utf8"));
      case "waitDeclined":
        end(InputOutcome.DECLINED);
        throw new Error(answer.value.reason);
      case "timedOut":
        end(InputOutcome.TIMED_OUT);
        throw new Error("no answer came in time");
      default:
        throw fakeRunError("internal", "the host does not know requests of the kind wait");
    }
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
        if (!this.#terminalOnly) this.#send({ message: { case: "chunk", value } });
        else if (terminal) this.#send({ message: { case: "chunk", value: { ...value, seq: 1n } } });
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

  #ask(
    request: NonNullable<MessageInitShape<typeof HostRequestSchema>["request"]>,
    timeoutMs?: number,
  ): Promise<HostAnswer> {
    this.#lastId += 1n;
    const id = this.#lastId;
    const answered = Promise.withResolvers<HostAnswer>();
    this.#open.set(id, answered);
    const limit = timeoutMs === undefined ? {} : { timeLeftMs: BigInt(timeoutMs) };
    this.#send({ message: { case: "request", value: { id, ...limit, request } } });
    return answered.promise;
  }

  #tell(event: Chunk["event"] & object): void {
    if (!this.#terminalOnly) this.#send({ message: { case: "chunk", value: this.#chunk(event) } });
  }

  #send(message: Message): void {
    this.#outgoing.push(message);
    this.#wake?.();
  }
}

function toolValue({ answer }: HostAnswer, call: { readonly toolCallId: string; readonly toolName: string }): unknown {
  const failed = (kind: RunErrorKind, message: string) => new RunError("run_failed", message, { kind, ...call });
  switch (answer.case) {
    case "toolReturn": {
      const { valueJson, content } = answer.value;
      if (content.length > 0) return content;
      // Without a part there is nothing, as in Python.
      return valueJson.byteLength === 0 ? null : JSON.parse(Buffer.from(valueJson).toString("utf8"));
    }
    case "toolRetry":
      throw failed("model_retry", answer.value.message);
    case "toolFailed":
      throw failed("tool_failed", answer.value.message);
    case "toolError":
      throw failed("user_code", answer.value.message);
    case "timedOut":
      throw failed("model_retry", "the tool did not answer in time");
    default:
      throw fakeRunError("internal", "the host does not know requests of this kind");
  }
}

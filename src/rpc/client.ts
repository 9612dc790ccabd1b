/** The client of one incarnation over one session: see AgentClient for its contract. */

import { create, type DescMessage, type DescMethodUnary, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { invalidArgument } from "../errors.ts";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
} from "../gen/grpc_health/v1/health_pb.ts";
import {
  AgentService,
  AwaitEndRequestSchema,
  DescribeRequestSchema,
  type RunRequest,
  SteerPriority,
  SteerRequestSchema,
  StreamOptionsSchema,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import type { AgentClient, CallOptions, SteerMessage } from "./agent-client.ts";
import { beginCall, type Call } from "./call.ts";
import { toContent } from "./content.ts";
import { toDescription } from "./convert.ts";
import { describeRun, type EncodedRun } from "./encoded-run.ts";
import { toCallError } from "./errors.ts";
import { EventStream } from "./event-stream.ts";
import type { UnsafeNumbers } from "./exact-json.ts";
import type { HostRequestHandler } from "./host-requests.ts";
import { checkRequestSize } from "./request.ts";
import type { WireRunEvent } from "./run-event.ts";
import { RunSession } from "./run-session.ts";
import type { AgentDescription, WireRunResult } from "./run-types.ts";
import { connectSession, type Session } from "./session.ts";
import { resultIn } from "./terminal-event.ts";
import { authorityOf, createTransport, DEFAULT_MAX_MESSAGE_BYTES } from "./transport.ts";

/** Where an incarnation listens and how to be let in. */
export interface ConnectOptions {
  /** Path of the worker's Unix socket, at most 107 bytes. */
  socketPath: string;
  /** The incarnation's secret. */
  token: string;
  /** Quoted in errors, and the authority of requests. */
  agentId: string;
  /** Largest message in either direction. Bytes; default 64 MiB. */
  maxMessageBytes?: number;
  /** Time until the worker must have answered the connection. Milliseconds, at least 1; default 5,000. */
  connectTimeoutMs?: number;
  /** What becomes of numbers that JavaScript's JSON does not hold; default "string". */
  unsafeNumbers?: UnsafeNumbers;
}

/**
 * Connects to a worker that is ready. Rejects with CallerError "invalid_argument" for an option that breaks its rule, and with
 * ConnectionLostError when nobody answers at the socket.
 */
export async function connectAgent(options: ConnectOptions): Promise<AgentClient> {
  const { socketPath, token, agentId, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, connectTimeoutMs = 5_000 } = options;
  const { unsafeNumbers = "string" } = options;
  if (!Number.isInteger(connectTimeoutMs) || connectTimeoutMs < 1) {
    throw invalidArgument("connectTimeoutMs", connectTimeoutMs, "an integer of 1 or more");
  }
  const session = await connectSession({ socketPath, authority: authorityOf(agentId), agentId, connectTimeoutMs });
  try {
    const transport = createTransport({ session, token, maxMessageBytes });
    return new GrpcAgentClient({ agentId, session, transport, maxMessageBytes, unsafeNumbers });
  } catch (error) {
    session.destroy(new ConnectError("the client could not be made", Code.Unavailable));
    throw error;
  }
}

interface ClientParts {
  agentId: string;
  session: Session;
  transport: Transport;
  maxMessageBytes: number;
  unsafeNumbers: UnsafeNumbers;
}

class GrpcAgentClient implements AgentClient {
  readonly closed: Promise<void>;
  readonly #agentId: string;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #maxMessageBytes: number;
  readonly #unsafeNumbers: UnsafeNumbers;

  constructor(parts: ClientParts) {
    this.#agentId = parts.agentId;
    this.#session = parts.session;
    this.#transport = parts.transport;
    this.#maxMessageBytes = parts.maxMessageBytes;
    this.#unsafeNumbers = parts.unsafeNumbers;
    this.closed = parts.session.closed;
  }

  async run(run: EncodedRun, options: CallOptions = {}): Promise<WireRunResult> {
    // A status has no room for the messages of a run that fails: its last message has.
    run.message.stream = create(StreamOptionsSchema, { terminalOnly: true });
    return resultIn(this.stream(run, options), this.#agentId);
  }

  stream(run: EncodedRun, options: CallOptions = {}): AsyncGenerator<WireRunEvent, void, undefined> {
    return new EventStream({
      begin: () => this.#begin(run, options),
      open: async (call, signal) => {
        const request = once(this.#checked(run, call));
        const { runStream } = AgentService.method;
        return (await this.#transport.stream(runStream, signal, call.timeoutMs, run.headers, request)).message;
      },
      toError: (reason, call) => toCallError(reason, call, this.#session),
    });
  }

  session(
    run: EncodedRun,
    handler: HostRequestHandler,
    options: CallOptions = {},
  ): AsyncGenerator<WireRunEvent, void, undefined> {
    return new EventStream({
      begin: () => this.#begin(run, options),
      open: async (call, signal) => {
        const maxMessageBytes = this.#maxMessageBytes;
        const session = new RunSession({ request: this.#checked(run, call), call, handler, maxMessageBytes });
        signal.addEventListener("abort", () => session.end("the run's call was cancelled", signal.reason), {
          once: true,
        });
        const { runSession } = AgentService.method;
        try {
          const answer = await this.#transport.stream(
            runSession,
            signal,
            call.timeoutMs,
            run.headers,
            session.outgoing,
          );
          return session.chunks(answer.message);
        } catch (error) {
          session.end("the run's call has failed", error);
          throw error;
        }
      },
      toError: (reason, call) => toCallError(reason, call, this.#session),
    });
  }

  async steer(
    runId: string,
    attempt: number,
    { content, priority }: SteerMessage,
    options: CallOptions = {},
  ): Promise<boolean> {
    const known = { agentId: this.#agentId, runId };
    const call = beginCall(`a message to ${describeRun(known)}`, known, options);
    const request = create(SteerRequestSchema, {
      runId,
      attempt,
      content: toContent("content", content),
      priority: priority === "when_idle" ? SteerPriority.WHEN_IDLE : SteerPriority.UNSPECIFIED,
    });
    return (await this.#unary(AgentService.method.steer, request, call)).accepted;
  }

  async awaitEnd(runId: string, attempt: number, options: CallOptions = {}): Promise<void> {
    const known = { agentId: this.#agentId, runId };
    const call = beginCall(`the end of ${describeRun(known)}`, known, options);
    await this.#unary(AgentService.method.awaitEnd, create(AwaitEndRequestSchema, { runId, attempt }), call);
  }

  async describe(agentId: string, options: CallOptions = {}): Promise<AgentDescription> {
    const call = beginCall(`the description of agent "${agentId}"`, { agentId }, options);
    const request = create(DescribeRequestSchema, { agentId });
    return toDescription(await this.#unary(AgentService.method.describe, request, call), call);
  }

  async checkHealth(options: CallOptions = {}): Promise<"serving" | "not_serving"> {
    const call = beginCall(`the health check of agent "${this.#agentId}"`, { agentId: this.#agentId }, options);
    const { status } = await this.#unary(Health.method.check, create(HealthCheckRequestSchema), call);
    return status === HealthCheckResponse_ServingStatus.SERVING ? "serving" : "not_serving";
  }

  close(): void {
    this.#session.destroy(new ConnectError("the host closed the connection", Code.Unavailable));
  }

  #begin(run: EncodedRun, options: CallOptions): Call {
    const call = beginCall(describeRun(run), run, options, this.#unsafeNumbers);
    return { ...call, historyJson: run.message.messageHistoryJson };
  }

  #checked(run: EncodedRun, call: Call): RunRequest {
    checkRequestSize(run.message, this.#maxMessageBytes, call.what);
    return run.message;
  }

  async #unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    call: Call,
  ): Promise<MessageShape<O>> {
    const linked = call.signal === undefined ? undefined : linkedController(call.signal);
    try {
      const signal = linked?.controller.signal;
      return (await this.#transport.unary(method, signal, call.timeoutMs, undefined, request)).message;
    } catch (error) {
      throw toCallError(error, call, this.#session);
    } finally {
      linked?.unlink();
    }
  }
}

/** Aborts with the code Canceled whatever the caller's reason is, so that the stream is reset with CANCEL. */
function linkedController(signal: AbortSignal): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new ConnectError("the caller cancelled the call", Code.Canceled));
  signal.addEventListener("abort", abort);
  return { controller, unlink: () => signal.removeEventListener("abort", abort) };
}

async function* once<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value;
}

/** A run's two neighbours as the test scripts them: the client that carries it, and the agent that owns it. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AgentReportFacts } from "../../src/agent/agent-report.ts";
import { OpenWaits } from "../../src/agent/open-waits.ts";
import { PausedRuns } from "../../src/agent/paused-runs.ts";
import type { PendingRun, RunOwner } from "../../src/agent/pending-run.ts";
import type { RetryOptions } from "../../src/agent/retry.ts";
import type { ToolSet } from "../../src/agent/tool-set.ts";
import type { SynapseError } from "../../src/errors.ts";
import type { AgentClient, CallOptions, SteerMessage } from "../../src/rpc/agent-client.ts";
import type { EncodedRun } from "../../src/rpc/encoded-run.ts";
import type { HostRequestHandler } from "../../src/rpc/host-requests.ts";
import type { WireRunEvent } from "../../src/rpc/run-event.ts";
import type { WireRunResult } from "../../src/rpc/run-types.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/index.ts";
import { oneRequest } from "../../src/usage.ts";

/** A worker's answer. */
export function wireResult(output: unknown = "done"): WireRunResult {
  return {
    output,
    usage: oneRequest(1, 1),
    newMessages: [],
    allMessages: [],
    runId: "wire-run",
    conversationId: "c1",
    modelName: "scripted",
    finishReason: "stop",
    unfinished: false,
  };
}

/** A text delta of a stream. */
export function textDelta(seq: number, text: string): WireRunEvent {
  return { type: "text.delta", seq, text, step: 1, partIndex: 0 };
}

/** The first event of a stream. */
export const started: WireRunEvent = { type: "started", seq: 1, step: 0, modelName: "scripted", conversationId: "c1" };

/** An owner that writes down what its runs tell it. */
export class ScriptedOwner implements RunOwner {
  readonly tracer = undefined;
  startError: SynapseError | undefined;
  held: string | undefined;
  readonly agentId = "poet";
  readonly clock: VirtualClock = createVirtualClock();
  readonly schema: StandardSchemaV1 | undefined;
  tools: ToolSet | undefined;
  readonly fetchUrls = false;
  mayWait = false;
  readonly paused = new PausedRuns();
  readonly waits = new OpenWaits();
  readonly maxMessageBytes = 1_000_000;
  retry: RetryOptions | undefined;
  readonly enqueued: PendingRun[] = [];
  readonly reports: AgentReportFacts[] = [];
  readonly ended: PendingRun[] = [];
  readonly left: PendingRun[] = [];
  readonly refused: PendingRun[] = [];
  readonly lost: number[] = [];

  constructor(schema?: StandardSchemaV1) {
    this.schema = schema;
  }

  turn(work: () => void): void {
    work();
  }

  enqueue(run: PendingRun): void {
    this.enqueued.push(run);
  }

  report(facts: AgentReportFacts): void {
    this.reports.push(facts);
  }

  runLeft(run: PendingRun): void {
    this.left.push(run);
  }

  runEnded(run: PendingRun): void {
    this.ended.push(run);
  }

  runRefused(run: PendingRun): void {
    this.refused.push(run);
  }

  connectionLost(incarnation: number): void {
    this.lost.push(incarnation);
  }
}

/** One call that a {@link ScriptedClient} got. */
export interface ScriptedCall {
  /** As it was when the call was made. */
  request: EncodedRun["message"];
  options: CallOptions;
}

/** A client whose answers come when the test says so. */
export class ScriptedClient implements AgentClient {
  readonly calls: ScriptedCall[] = [];
  readonly closed = new Promise<void>(() => undefined);
  /** Settled by the test: the answer of the last unary call. */
  answer = Promise.withResolvers<WireRunResult>();
  /** Answers what the run of the last session asks for. */
  handler: HostRequestHandler | undefined;
  /** The events of the last stream. */
  source = new ScriptedSource();
  /** Runs whose end is awaited: id and attempt. */
  readonly awaited: [string, number][] = [];
  /** Settled by the test: the end of what is awaited. */
  end = Promise.withResolvers<void>();

  /** Messages that were sent into runs; whether the next ones are accepted. */
  readonly steered: SteerMessage[] = [];
  accepts = true;

  async steer(_runId: string, _attempt: number, message: SteerMessage): Promise<boolean> {
    this.steered.push(message);
    return this.accepts;
  }

  awaitEnd(runId: string, attempt: number): Promise<void> {
    this.awaited.push([runId, attempt]);
    return this.end.promise;
  }

  run(request: EncodedRun, options: CallOptions = {}): Promise<WireRunResult> {
    this.calls.push({ request: { ...request.message }, options });
    this.answer = Promise.withResolvers();
    return this.answer.promise;
  }

  session(
    request: EncodedRun,
    handler: HostRequestHandler,
    options: CallOptions = {},
  ): AsyncGenerator<WireRunEvent, void, undefined> {
    this.handler = handler;
    return this.stream(request, options);
  }

  stream(request: EncodedRun, options: CallOptions = {}): AsyncGenerator<WireRunEvent, void, undefined> {
    this.calls.push({ request: { ...request.message }, options });
    this.source = new ScriptedSource();
    return this.source.events();
  }

  describe(): Promise<never> {
    return Promise.reject(new Error("not scripted"));
  }

  checkHealth(): Promise<"serving"> {
    return Promise.resolve("serving");
  }

  close(): void {
    this.answer.reject(new Error("the scripted client was closed"));
  }
}

/** A stream's source: it counts how often it is asked, and yields what the test has given it. */
export class ScriptedSource {
  asked = 0;
  readonly #given: (WireRunEvent | Error)[] = [];
  #waiting: (() => void) | undefined;

  /** Gives the next event, or the error that the stream rejects with. */
  give(...events: (WireRunEvent | Error)[]): void {
    this.#given.push(...events);
    this.#waiting?.();
  }

  events(): AsyncGenerator<WireRunEvent, void, undefined> {
    const source = this;
    const generator: AsyncGenerator<WireRunEvent, void, undefined> = {
      async next() {
        source.asked += 1;
        while (source.#given.length === 0) {
          await new Promise<void>((resolve) => {
            source.#waiting = resolve;
          });
        }
        const event = source.#given.shift() as WireRunEvent | Error;
        if (event instanceof Error) throw event;
        return { done: false, value: event };
      },
      return: async () => ({ done: true, value: undefined }),
      throw: (error) => Promise.reject(error),
      [Symbol.asyncIterator]: () => generator,
      [Symbol.asyncDispose]: async () => undefined,
    };
    return generator;
  }
}

/** Lets everything that is due in this turn and the next happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

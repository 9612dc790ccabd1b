/** An AgentService in memory: it speaks the contract as the Python servicer does, and a function answers the runs. */

import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { checkKnownFields, RunError } from "../errors.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../gen/grpc_health/v1/health_pb.ts";
import {
  AgentService,
  type HostMessage,
  type RunRequest,
  type RunResponseChunkSchema,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import { type Clock, createTimer, realClock, type Timer } from "../worker/clock.ts";
import { checkClock, checkFunctions, checkReply } from "./checks.ts";
import { describeResponse, type FakeDescription } from "./fake-description.ts";
import { drainingFailure, type FakeFailure, toFakeFailure } from "./fake-error.ts";
import { FakePause, type Response, responseOf } from "./fake-response.ts";
import { type FakeAnswer, type FakeReply, type FakeRun, fakeRunError, toFakeRun } from "./fake-run.ts";
import { FakeSession } from "./fake-session.ts";
import { eventsOf } from "./fake-stream.ts";
import { RunEnds } from "./run-ends.ts";

/** Options of {@link createFakeAgentService}. */
export interface FakeAgentServiceOptions {
  /** Answers every run. Default: the prompt itself. */
  readonly answer?: FakeAnswer;
  /** What describe() and "started" events name as the model; default "fake". */
  readonly modelName?: string;
  /** What describe() tells. Default: no schemas and no tools. */
  readonly description?: FakeDescription;
  /** For the time that a run has. Default: the machine's monotonic clock. */
  readonly clock?: Clock;
}

/** An AgentService in memory, with what it has seen. */
export interface FakeAgentService {
  /** Registers the service, and the standard health check, on a Connect router. */
  routes(router: ConnectRouter): void;
  /** Every run that has come in, in order; also those that were refused. */
  readonly runs: readonly FakeRun[];
  /** Runs that have not been answered yet. */
  readonly inProgress: number;
  /** From now on runs are refused with the kind "draining", and the health check says NOT_SERVING. */
  beginDrain(): void;
  /** Settles when no run is in progress. */
  idle(): Promise<void>;
  /** Cancels every run in progress: it rejects with the kind "interrupted", and its `signal` is aborted. */
  endRuns(): void;
  /** Its process is gone: no deadline is kept any more, not even of a call that comes late out of a connection that broke. */
  close(): void;
}

type Chunk = MessageInitShape<typeof RunResponseChunkSchema>;

const known: ReadonlySet<string> = new Set([
  "answer",
  "modelName",
  "description",
  "clock",
] satisfies (keyof FakeAgentServiceOptions)[]);

/** Creates a service. It listens nowhere: mount its routes, or let `createFakeLauncher` do so. */
export function createFakeAgentService(options: FakeAgentServiceOptions = {}): FakeAgentService {
  checkKnownFields("options", options, known);
  checkFunctions("options", { answer: options.answer });
  checkClock(options.clock);
  const { answer = (run: FakeRun) => run.prompt, modelName = "fake", description = {}, clock = realClock } = options;
  const runs: FakeRun[] = [];
  const ends = new RunEnds();
  /** Runs whose agent has not answered yet. */
  const working = new Set<FakeRun>();
  /** Runs that have not been answered. */
  const open = new Set<FakeRun>();
  let draining = false;
  let waiters: (() => void)[] = [];
  const ending = new AbortController();
  const deadlines = new Set<Timer>();
  let closed = false;

  /** Counts the run in; the caller counts it out with `leave`. */
  function enter(
    request: RunRequest,
    how: { streaming: boolean; host?: FakeSession },
    context: HandlerContext,
  ): { fake: FakeRun; leave(): void } {
    const timer = createTimer(clock);
    const late = new AbortController();
    const fake = toFakeRun(request, how, AbortSignal.any([context.signal, late.signal, ending.signal]));
    const call = Promise.withResolvers<void>();
    if (request.timeLeftMs !== undefined && !closed) {
      deadlines.add(timer);
      const error = fakeRunError("deadline", "the run's deadline passed before it ended");
      timer.set(Number(request.timeLeftMs), () => late.abort(error));
    }
    runs.push(fake);
    open.add(fake);
    ends.add(fake, call.promise);
    const leave = () => {
      timer.clear();
      deadlines.delete(timer);
      call.resolve();
      open.delete(fake);
      left();
    };
    return { fake, leave };
  }

  /** An agent's answer. It counts as work until it settles, also when nobody waits for it any more: a tool that cannot be cancelled. */
  function ask(fake: FakeRun): FakeReply | Promise<FakeReply> {
    if (ends.isGivenUp(fake)) throw fakeRunError("cancelled", "its caller had given the run up before it came");
    const reply = answer(fake);
    if (reply instanceof Promise) {
      const done = () => void working.delete(fake);
      working.add(fake);
      reply.then(done, done);
      ends.add(fake, reply);
    }
    return reply;
  }

  async function replyOf(fake: FakeRun): Promise<FakeReply> {
    const reply = await untilCancelled(ask(fake), fake.signal);
    checkReply(reply);
    return reply;
  }

  function failureOf(thrown: unknown, fake: FakeRun): FakeFailure {
    return toFakeFailure(thrown, { runId: fake.runId, unfinished: working.has(fake) });
  }

  function left(): void {
    if (open.size > 0) return;
    for (const waiter of waiters) waiter();
    waiters = [];
  }

  async function run(request: RunRequest, context: HandlerContext): Promise<Response> {
    const { fake, leave } = enter(request, { streaming: false }, context);
    try {
      if (draining) throw drainingFailure(fake.agentId, fake.runId).status;
      return await answerOf(fake);
    } finally {
      leave();
    }
  }

  async function answerOf(fake: FakeRun): Promise<Response> {
    try {
      const reply = await replyOf(fake);
      return responseOf(fake, await settle(reply, fake), modelName);
    } catch (thrown) {
      throw thrown instanceof ConnectError ? thrown : failureOf(thrown, fake).status;
    }
  }

  async function* runSession(messages: AsyncIterable<HostMessage>, context: HandlerContext) {
    const session = new FakeSession(messages);
    yield* session.merge(runStream(await session.start(), context, session));
  }

  async function* runStream(request: RunRequest, context: HandlerContext, host?: FakeSession): AsyncGenerator<Chunk> {
    const how = { streaming: request.stream?.terminalOnly !== true, ...(host && { host }) };
    const { fake, leave } = enter(request, how, context);
    let seq = 0;
    const chunk = (event: Chunk["event"] & object, data = ""): Chunk => {
      seq += 1;
      return { seq: BigInt(seq), runId: fake.runId, attempt: fake.attempt, step: 1, data, event };
    };
    host?.numberWith(chunk);
    try {
      if (draining) {
        const { error, status } = drainingFailure(fake.agentId, fake.runId);
        yield chunk({ case: "failed", value: error });
        throw status;
      }
      try {
        const conversationId = fake.conversationId || randomUUID();
        yield chunk({ case: "started", value: { incarnation: fake.incarnation, modelName, conversationId } });
        const reply = await replyOf(fake);
        const read = {
          pieces: <T>(source: Iterable<T> | AsyncIterable<T>) => piecesOf(source, fake.signal),
          settle: (one: FakeReply) => settle(one, fake),
        };
        const events = eventsOf(fake, reply, read);
        let step = await events.next();
        for (; step.done !== true; step = await events.next()) {
          if (step.value.event !== undefined) yield chunk(step.value.event, step.value.data);
        }
        const output = step.value;
        const response = responseOf({ ...fake, conversationId }, output, modelName);
        yield chunk({ case: "completed", value: response });
      } catch (thrown) {
        if (thrown instanceof ConnectError) throw thrown;
        const { error, status } = failureOf(thrown, fake);
        yield chunk({ case: "failed", value: error });
        throw status;
      }
    } finally {
      leave();
    }
  }

  return {
    runs,
    get inProgress() {
      return open.size;
    },
    beginDrain() {
      draining = true;
    },
    idle() {
      if (open.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
    endRuns() {
      const message = "the worker stopped before the run had ended";
      ending.abort(fakeRunError("interrupted", message, { retriable: true }));
    },
    close() {
      closed = true;
      for (const timer of deadlines) timer.clear();
      deadlines.clear();
    },
    routes(router) {
      router.service(AgentService, {
        run,
        runStream: (request, context) => runStream(request, context),
        runSession,
        steer({ runId, attempt, content }) {
          const run = runs.findLast((one) => one.runId === runId && one.attempt === attempt && open.has(one));
          const texts = content.flatMap(({ part }) => (part.case === "text" ? [part.value] : []));
          (run?.sent as string[] | undefined)?.push(...texts);
          return { accepted: run !== undefined };
        },
        awaitEnd: async (request) => ({ known: await ends.ended(request) }),
        describe: ({ agentId }) => describeResponse(agentId, modelName, description),
      });
      const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
      router.service(Health, { check: () => ({ status: draining ? NOT_SERVING : SERVING }) });
    },
  };
}

/** The output of a reply, when all of it is there. */
async function settle(reply: FakeReply, run: FakeRun): Promise<unknown> {
  if (typeof reply === "string") return reply;
  if ("hang" in reply) return untilCancelled(new Promise<never>(() => undefined), run.signal);
  if ("output" in reply) return reply.output;
  if ("asks" in reply) {
    if (run.mayPause) return new FakePause(reply.asks);
    throw fakeRunError("user_error", "the run asks people, and its host does not know: give it mayPause: true");
  }
  let text = "";
  for await (const piece of piecesOf(reply.chunks, run.signal)) text += piece;
  return text;
}

/** The promise, or when the call is cancelled first a Canceled status, or the error that its deadline or the worker's end cancels it with. */
async function untilCancelled<T>(value: T | Promise<T>, signal: AbortSignal): Promise<T> {
  if (!(value instanceof Promise)) return value;
  const cancelled = Promise.withResolvers<never>();
  const abort = () => {
    const { reason } = signal;
    cancelled.reject(reason instanceof RunError ? reason : new ConnectError("the call was cancelled", Code.Canceled));
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([value, cancelled.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The pieces, until the call is cancelled: a source that hangs must not keep the call. */
async function* piecesOf<T>(source: Iterable<T> | AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  for (;;) {
    const step = await untilCancelled(iterator.next(), signal);
    if (step.done === true) return;
    yield step.value;
  }
}

import type { IncomingMessage } from "node:http";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BaseLogger, Bindings, ChildLoggerOptions, Logger } from "pino";
import { describe, expectTypeOf, test } from "vitest";
import { toNodeHandler } from "../../src/http/index.ts";
import type {
  Agent,
  AgentDefinition,
  AgentState,
  CallerError,
  CallerErrorCode,
  ChildExit,
  Citation,
  CrashRecord,
  ErrorCode,
  InputOutcome,
  PassingPolicy,
  PausedRun,
  PendingCall,
  ProcessError,
  RestartDecision,
  RestartPolicy,
  Resumption,
  RunError,
  RunEvent,
  RunHandle,
  RunInfo,
  RunOptions,
  RunOutcome,
  RunResult,
  RunStream,
  System,
  SystemLogger,
  ToolOutcome,
  WorkerError,
} from "../../src/index.ts";
import {
  byExitReason,
  circuitBreaker,
  defineAgent,
  defineSupervisor,
  exponentialBackoff,
  policies,
  restartIntensity,
  type SynapseError,
  startSystem,
} from "../../src/index.ts";
import type { RestartDecision as CoreDecision } from "../../src/otp/index.ts";

interface City {
  name: string;
  population: number;
}

/** As Fastify declares its loggers, on pino's own types. */
type FastifyLogger = Pick<BaseLogger, "level" | "info" | "error" | "debug" | "fatal" | "warn" | "trace" | "silent"> & {
  child(bindings: Bindings, options?: ChildLoggerOptions): FastifyLogger;
};

declare const citySchema: StandardSchemaV1<unknown, City>;
declare const system: System;

// Types alone are tested here: nothing of this runs.
const types = (_check: () => void) => undefined;

describe("the output", () => {
  test("is unknown unless the definition says what it is", () => {
    types(() => {
      const plain = defineAgent({ id: "a", entry: "a.py:agent" });
      expectTypeOf(plain).toEqualTypeOf<AgentDefinition>();
      expectTypeOf(plain).toEqualTypeOf<AgentDefinition<unknown>>();
      expectTypeOf(system.agent("a")).toEqualTypeOf<Agent<unknown>>();
      expectTypeOf(system.agent("a").run("x")).resolves.toHaveProperty("output").toEqualTypeOf<unknown>();
    });
  });

  test('is a string where the definition says "text"', () => {
    types(() => {
      const text = defineAgent({ id: "t", entry: "t.py:agent", output: "text" });
      expectTypeOf(text).toEqualTypeOf<AgentDefinition<string>>();
      expectTypeOf(system.agent(text).stream("x")).toEqualTypeOf<RunStream<string>>();
      // @ts-expect-error there is no such kind of output
      defineAgent({ id: "t", entry: "t.py:agent", output: "json" });
    });
  });

  test("is inferred from the schema, through the definition to results, streams and events", () => {
    types(() => {
      const city = defineAgent({ id: "c", entry: "c.py:agent", output: citySchema });
      expectTypeOf(city).toEqualTypeOf<AgentDefinition<City>>();
      const agent = system.agent(city);
      expectTypeOf(agent).toEqualTypeOf<Agent<City>>();
      expectTypeOf(agent.run("x")).resolves.toEqualTypeOf<RunResult<City>>();
      const stream = agent.stream("x");
      expectTypeOf(stream).toEqualTypeOf<RunStream<City>>();
      expectTypeOf(stream.result).resolves.toHaveProperty("output").toEqualTypeOf<City>();
      expectTypeOf(stream.text()).toEqualTypeOf<AsyncIterable<string>>();
      expectTypeOf(stream.partial()).toEqualTypeOf<AsyncIterable<unknown>>();
      expectTypeOf(system.startChild("system", city)).resolves.toEqualTypeOf<Agent<City>>();
    });
  });

  test("is that of a run that is started, and unknown to who has its id alone", () => {
    types(() => {
      const agent = system.agent(defineAgent({ id: "c", entry: "c.py:agent", output: citySchema }));
      expectTypeOf(
        agent.fetch(new Request("http://a"), { conversation: "server", deps: 1 }),
      ).resolves.toEqualTypeOf<Response>();
      // @ts-expect-error: a run of a front end is never asked twice
      void agent.fetch(new Request("http://a"), { idempotent: true });
      expectTypeOf(toNodeHandler(agent)).parameter(0).toExtend<IncomingMessage>();
      const run = agent.start("x", { idempotencyKey: "k", detached: false });
      expectTypeOf(run).toEqualTypeOf<RunHandle<City>>();
      expectTypeOf(run.result).resolves.toEqualTypeOf<RunResult<City>>();
      expectTypeOf(agent.start("x", { mayPause: true }).result).resolves.toEqualTypeOf<RunOutcome<City>>();
      const resumption: Resumption = { paused: "token", answers: { call: true } };
      expectTypeOf(agent.resume("token", { call: true })).resolves.toEqualTypeOf<RunOutcome<City>>();
      expectTypeOf(agent.stream(resumption)).toEqualTypeOf<RunStream<City, RunOutcome<City>>>();
      expectTypeOf(agent.start(resumption)).toEqualTypeOf<RunHandle<City, RunOutcome<City>>>();
      // @ts-expect-error a paused run has its conversation
      agent.stream(resumption, { conversationId: "c" });
      expectTypeOf(run).toExtend<RunStream<City>>();
      expectTypeOf(system.runs.attach(run.runId)).toEqualTypeOf<RunHandle<unknown, RunOutcome>>();
      expectTypeOf(system.runs.attach<City>(run.runId).result).resolves.toEqualTypeOf<RunOutcome<City>>();
      expectTypeOf(system.runs.get("x")).toEqualTypeOf<RunInfo | undefined>();
      // @ts-expect-error a run is in one of six states
      system.runs.list({ state: "ended" });
    });
  });

  test("a spec with an unknown or missing field does not compile", () => {
    types(() => {
      // @ts-expect-error an entry is needed
      defineAgent({ id: "a" });
      // @ts-expect-error there is no such option
      defineAgent({ id: "a", entry: "a.py:agent", timeout: 5 });
      // @ts-expect-error there is no such restart type
      defineAgent({ id: "a", entry: "a.py:agent", restart: "always" });
    });
  });
});

test("a run event narrows by its type", () => {
  const read = (event: RunEvent<City>): unknown => {
    switch (event.type) {
      case "started":
        expectTypeOf(event.modelName).toEqualTypeOf<string>();
        return event.attempt;
      case "text.delta":
      case "thinking.delta":
        return event.text satisfies string;
      case "tool.call":
        expectTypeOf(event.args).toEqualTypeOf<unknown>();
        return event.argsValid satisfies boolean;
      case "tool.result":
        return event.outcome satisfies string;
      case "output.partial":
        expectTypeOf(event.output).toEqualTypeOf<unknown>();
        return event.output;
      case "part.end":
        if (event.part?.part_kind === "file") return event.part.content.media_type satisfies string;
        if (event.part?.part_kind === "text")
          expectTypeOf(event.part.citations?.[0]).toEqualTypeOf<Citation | undefined>();
        return event.partKind;
      case "part.start":
      case "tool.args.delta":
      case "citations.delta":
      case "speech.delta":
        return event.partIndex satisfies number;
      case "output.call":
        return event.args;
      case "output.result":
        return event.outcome satisfies ToolOutcome;
      case "output.start":
        return event.toolName satisfies string | undefined;
      case "retry":
        return event.cause satisfies string;
      case "deferred.requests":
        return event.requests.approvals.map(({ tool_name }) => tool_name) satisfies string[];
      case "input.requested":
        expectTypeOf(event.requests).toEqualTypeOf<readonly PendingCall[] | undefined>();
        return event.token satisfies string;
      case "input.answered":
        return event.outcome satisfies InputOutcome;
      case "deferred.results":
      case "messages.enqueued":
      case "tools.available":
      case "capabilities.loaded":
      case "settings.changed":
        return event.step satisfies number;
      case "custom":
      case "capability":
        return event.data;
      case "realtime":
      case "unknown":
        return event.kind satisfies string;
      case "frontend.text":
        return event.text satisfies string;
      case "restarted":
        return event.attempt satisfies number;
      case "completed":
        expectTypeOf(event.result).toEqualTypeOf<RunResult<City>>();
        return event.result;
      case "paused":
        expectTypeOf(event.paused).toEqualTypeOf<PausedRun>();
        return event.paused.token satisfies string;
      case "failed":
        expectTypeOf(event.error).toEqualTypeOf<SynapseError>();
        return event.error;
      case "cancelled":
        return event.reason satisfies string;
      default:
        return event satisfies never;
    }
  };
  expectTypeOf(read).returns.toEqualTypeOf<unknown>();
});

describe("options", () => {
  test("may be undefined where they may be absent", () => {
    types(() => {
      const agent = system.agent("a");
      const options: RunOptions = {
        signal: undefined,
        timeoutMs: undefined,
        deps: undefined,
        modelSettings: { seed: undefined },
      };
      void agent.run("x", options);
      void agent.whenReady({ signal: undefined, timeoutMs: undefined });
      void startSystem({ logger: undefined, policy: undefined, python: { cwd: undefined, env: undefined } });
      defineAgent({ id: "a", entry: "a.py:agent", restart: undefined, env: undefined, output: undefined });
    });
  });

  test("take a policy with a state of its own", () => {
    types(() => {
      const counting: RestartPolicy<{ count: number }> = (state, exit) => {
        expectTypeOf(exit).toEqualTypeOf<ChildExit>();
        const decision: RestartDecision = { type: "leave", because: "counted" };
        return { decision, state: { count: (state?.count ?? 0) + 1 } };
      };
      void startSystem({ policy: counting });
      defineSupervisor({ id: "s", policy: counting });
      defineSupervisor({ id: "s", policy: restartIntensity({ maxRestarts: 1, periodMs: 1 }) });
      // One that always answers is one that may pass, and not the other way round.
      expectTypeOf<RestartPolicy>().toExtend<PassingPolicy>();
      expectTypeOf<PassingPolicy>().not.toExtend<RestartPolicy>();
      expectTypeOf(policies(exponentialBackoff(), restartIntensity({ maxRestarts: 1, periodMs: 1 }))).toExtend<
        RestartPolicy<readonly unknown[]>
      >();
      void startSystem({ policy: policies(byExitReason({ hung: exponentialBackoff() }), circuitBreaker()) });
      defineAgent({ id: "a", entry: "a.py:agent", policy: counting });
    });
  });

  test("take pino's logger, and any that is called alike", () => {
    types(() => {
      expectTypeOf<Logger>().toExtend<SystemLogger>();
      expectTypeOf<FastifyLogger>().toExtend<SystemLogger>();
      void startSystem({ logger: {} as FastifyLogger });
      // @ts-expect-error a console has no child()
      void startSystem({ logger: console });
    });
  });
});

test("the state of an agent is one of a few words", () => {
  expectTypeOf<Agent["state"]>().toEqualTypeOf<AgentState>();
  expectTypeOf<AgentState>().toEqualTypeOf<
    "starting" | "ready" | "busy" | "crashed" | "restarting" | "stopping" | "stopped"
  >();
});

test("a crash record keeps the decision of the policy as the policy made it", () => {
  expectTypeOf<NonNullable<CrashRecord["decision"]>>().toEqualTypeOf<RestartDecision>();
  expectTypeOf<RestartDecision>().toEqualTypeOf<CoreDecision>();
});

describe("error codes", () => {
  test("are literal unions, one for each class", () => {
    expectTypeOf<CallerError["code"]>().toEqualTypeOf<CallerErrorCode>();
    expectTypeOf<string>().not.toExtend<ErrorCode>();
    expectTypeOf<"queue_full">().toExtend<CallerErrorCode>();
    expectTypeOf<"worker_exited">().toExtend<WorkerError["code"]>();
    expectTypeOf<"run_failed">().toExtend<RunError["code"]>();
    expectTypeOf<"noproc">().toExtend<ProcessError["code"]>();
    expectTypeOf<ErrorCode>().toEqualTypeOf<
      CallerError["code"] | RunError["code"] | WorkerError["code"] | ProcessError["code"]
    >();
  });

  test("narrow in a switch until none is left", () => {
    const advise = (error: CallerError): string => {
      switch (error.code) {
        case "invalid_argument":
        case "not_found":
        case "already_started":
        case "already_present":
        case "message_too_large":
          return "mend the call";
        case "queue_full":
        case "conversation_busy":
        case "conversation_conflict":
          return "try later";
        case "idempotency_conflict":
        case "events_expired":
        case "already_resumed":
          return "ask for something else";
        case "stopped":
          return "start anew";
        default:
          return error.code satisfies never;
      }
    };
    expectTypeOf(advise).parameter(0).toEqualTypeOf<CallerError>();
  });

  test("a code of another class is refused by a comparison", () => {
    types(() => {
      const error = {} as WorkerError;
      // @ts-expect-error a worker error is never a full queue
      return error.code === "queue_full";
    });
  });
});

import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defineAgent } from "../src/index.ts";
import type { Report } from "../src/report.ts";
import { startSystem } from "../src/start-system.ts";
import { createFakeLauncher, type FakeWorkerScript, fakeRunError } from "../src/testing/index.ts";
import { rejection } from "./rpc/agent-server.ts";
import { startTracing } from "./tracing.ts";

let tracing: ReturnType<typeof startTracing>;
beforeEach(() => {
  tracing = startTracing();
});
afterEach(() => tracing.end());

const poet = defineAgent({ id: "poet", entry: "poet.py:agent" });

async function start(script: FakeWorkerScript = {}) {
  const launcher = createFakeLauncher({ script });
  const system = await startSystem({ logger: pino({ enabled: false }), children: [poet] }, { launcher });
  const reports: Report[] = [];
  system.onReport((report) => reports.push(report));
  return { system, agent: system.agent(poet), reports };
}

test("a run is a span by the GenAI conventions, below the span that is active where it is asked for", async () => {
  const { system, agent, reports } = await start();
  const around = trace.getTracer("test").startActiveSpan("request", (span) => {
    const asked = agent.run("Hello", { conversationId: "c1" }).then((result) => ({ result, span }));
    span.end();
    return asked;
  });
  const { result, span } = await around;
  const [, run] = tracing.exporter.getFinishedSpans();
  expect(run).toMatchObject({
    name: "invoke_agent poet",
    kind: SpanKind.CLIENT,
    parentSpanContext: { spanId: span.spanContext().spanId },
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.id": "poet",
      "gen_ai.conversation.id": "c1",
      "gen_ai.usage.input_tokens": result.usage.inputTokens,
      "gen_ai.usage.output_tokens": result.usage.outputTokens,
      "synapse.run.id": result.runId,
      "synapse.run.outcome": "completed",
      "synapse.run.attempts": 1,
      "synapse.worker.incarnation": 1,
    },
  });
  const told = reports.filter(({ type }) => type === "run.started" || type === "run.settled");
  expect(told).toMatchObject([1, 2].map(() => ({ traceId: span.spanContext().traceId, runId: result.runId })));
  await system.stop();
});

test("a run that fails is an error with its code and kind, and one that was cancelled is none", async () => {
  const { system, agent } = await start({
    answer({ prompt }) {
      if (prompt === "hang") return { hang: true };
      throw fakeRunError("usage_limit_exceeded", "the limit of 1 is reached");
    },
  });
  await rejection(agent.run("Hello"));
  const leaving = new AbortController();
  const left = rejection(agent.run("hang", { signal: leaving.signal }));
  leaving.abort();
  await left;
  expect(tracing.exporter.getFinishedSpans()).toMatchObject([
    {
      attributes: { "error.type": "run_failed/usage_limit_exceeded", "synapse.run.outcome": "failed" },
      status: { code: SpanStatusCode.ERROR },
    },
    {
      attributes: { "error.type": "run_cancelled", "synapse.run.outcome": "cancelled" },
      status: { code: SpanStatusCode.UNSET },
    },
  ]);
  await system.stop();
});

test("a start makes no span", async () => {
  const { system, agent } = await start();
  await agent.whenReady();
  await system.stop();
  expect(tracing.exporter.getFinishedSpans()).toEqual([]);
});

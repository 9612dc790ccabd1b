/** The trace of the caller goes on in the worker, with real Python. */

import { context, propagation } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { defineAgent, tool } from "../../src/index.ts";
import { startTracing } from "../tracing.ts";
import { watch } from "./support.ts";

test("a worker's own spans are children of the run's, its baggage is the caller's, and both logs name the trace", async () => {
  const { exporter, end } = startTracing();
  try {
    const traced = defineAgent({ id: "traced", entry: "test/fixtures/agents/traced.py:agent", output: "text" });
    const { system, logged } = await watch([traced]);
    const agent = system.agent(traced);
    const caller = propagation.setBaggage(context.active(), propagation.createBaggage({ tenant: { value: "acme" } }));
    const { output } = await context.with(caller, () => agent.run("Where am I?"));
    const streamed = await context.with(caller, () => agent.stream("And now?").result);
    const spans = exporter.getFinishedSpans().map((span) => span.spanContext());
    expect([output, streamed.output]).toEqual(spans.map(({ traceId, spanId }) => `${traceId} ${spanId} acme`));
    const [first] = spans;
    await logged(({ msg, trace_id }) => msg === "asked" && trace_id === first?.traceId);
    await logged(({ report, traceId }) => report === "run.settled" && traceId === first?.traceId);
  } finally {
    await end();
  }
});

test("a run that may call the host's tools belongs to its caller's trace as any other", async () => {
  const { exporter, end } = startTracing();
  try {
    const clock = tool({ description: "Tells the time.", execute: () => "noon" });
    const traced = defineAgent({
      id: "traced",
      entry: "test/fixtures/agents/traced.py:agent",
      output: "text",
      tools: { clock },
    });
    const { system } = await watch([traced]);
    const agent = system.agent(traced);
    const caller = propagation.setBaggage(context.active(), propagation.createBaggage({ tenant: { value: "acme" } }));
    const { output } = await context.with(caller, () => agent.run("Where am I?"));
    const streamed = await context.with(caller, () => agent.stream("And now?").result);
    const spans = exporter.getFinishedSpans().map((span) => span.spanContext());
    expect([output, streamed.output]).toEqual(spans.map(({ traceId, spanId }) => `${traceId} ${spanId} acme`));
  } finally {
    await end();
  }
});

test("a run of a host without tracing belongs to no trace", async () => {
  const traced = defineAgent({ id: "traced", entry: "test/fixtures/agents/traced.py:agent", output: "text" });
  const { system } = await watch([traced]);
  const { output } = await system.agent(traced).run("Where am I?");
  expect(output).toBe(`${"0".repeat(32)} ${"0".repeat(16)} None`);
});

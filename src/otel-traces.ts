/**
 * Runs as spans of OpenTelemetry. Source of the names that begin with gen_ai: its semantic conventions for generative AI, span invoke_agent; what
 * they have no name for begins with synapse.
 */

import { errorName } from "./agent/run-outcome.ts";
import type { RunSpan, RunTracer } from "./agent/run-span.ts";
import type { OpenTelemetry } from "./otel.ts";

/** A tracer of the global provider, whichever it is when a run begins. */
export function createRunTracer({ api, scope }: OpenTelemetry): RunTracer {
  const tracer = api.trace.getTracer(scope);
  return {
    begin({ agentId, runId, conversationId }): RunSpan {
      const around = api.context.active();
      const attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": agentId,
        "gen_ai.agent.name": agentId,
        "synapse.run.id": runId,
        ...(conversationId === undefined ? {} : { "gen_ai.conversation.id": conversationId }),
      };
      const options = { kind: api.SpanKind.CLIENT, attributes };
      const span = tracer.startSpan(`invoke_agent ${agentId}`, options, around);
      const headers: Record<string, string> = {};
      api.propagation.inject(api.trace.setSpan(around, span), headers);
      const known = span.spanContext();
      return {
        headers,
        ids: api.isSpanContextValid(known) ? { traceId: known.traceId } : {},
        end(ended, { attempts, incarnation }) {
          const { outcome, code, usage } = ended;
          span.setAttributes({
            "synapse.run.outcome": outcome,
            "synapse.run.attempts": attempts,
            "synapse.worker.incarnation": incarnation,
          });
          if (usage !== undefined) {
            span.setAttribute("gen_ai.usage.input_tokens", usage.inputTokens);
            span.setAttribute("gen_ai.usage.output_tokens", usage.outputTokens);
          }
          const error = errorName(ended);
          if (error !== undefined) span.setAttribute("error.type", error);
          if (outcome === "failed") span.setStatus({ code: api.SpanStatusCode.ERROR, message: code ?? outcome });
          span.end();
        },
      };
    },
  };
}

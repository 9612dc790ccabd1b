/** The bars: what must hold for this package to be worth its place between a service and its agents. */

import type { LifecycleMeasures } from "./lifecycle.ts";
import type { StreamMeasures } from "./stream.ts";
import type { ToolCallMeasures } from "./tool-calls.ts";
import type { UnaryMeasures } from "./unary.ts";

/** Everything that was measured. */
export interface Measures extends UnaryMeasures, StreamMeasures {
  readonly lifecycle: LifecycleMeasures;
  readonly toolCalls: ToolCallMeasures;
}

/** One bar and the figure that met or missed it. */
export interface Bar {
  readonly what: string;
  readonly figure: number;
  readonly unit: "×" | "ms";
  readonly rule: "at most" | "at least";
  readonly limit: number;
  readonly passed: boolean;
}

/** Holds the measures against the bars. */
export function checkBars({ unaryP50, throughput, streamedChunks, lifecycle, toolCalls }: Measures): Bar[] {
  return [
    bar("agent.run p50, of bare Connect", unaryP50.ratios.connect, "×", "at most", 1.25),
    bar("agent.run throughput, of bare Connect", throughput.ratios.connect, "×", "at least", 0.85),
    bar("agent.stream chunks/s, of bare Connect", streamedChunks.ratios.connect, "×", "at least", 0.85),
    bar("tool call to TypeScript and back, of an RPC", toolCalls.ratio, "×", "at most", 3),
    bar("kill -9 to exit seen, median", lifecycle.exitSeen.median, "ms", "at most", 50),
    bar("restart adds to a plain start, median", lifecycle.restartAdds.median, "ms", "at most", 50),
  ];
}

function bar(what: string, figure: number, unit: Bar["unit"], rule: Bar["rule"], limit: number): Bar {
  return { what, figure, unit, rule, limit, passed: rule === "at most" ? figure <= limit : figure >= limit };
}

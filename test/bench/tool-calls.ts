/** What a call of a tool costs from Python to TypeScript and back, beside a bare unary RPC to the same worker. */

import { defineAgent, startSystem, tool } from "../../src/index.ts";
import type { AgentClient } from "../../src/rpc/agent-client.ts";
import { connectAgent } from "../../src/rpc/client.ts";
import type { WorkerReady } from "../../src/worker/launcher.ts";
import { within } from "./deadline.ts";
import { type BenchSettings, rootDirectory } from "./settings.ts";
import { median, percentile } from "./statistics.ts";
import { createTappedLauncher } from "./tapped-launcher.ts";
import { createBenchLogger, startMs } from "./target.ts";

/** Model requests of one run, each with one call. */
const callsPerRun = 10;

/** The cost of a call, in milliseconds. */
export interface ToolCallMeasures {
  /** What a call of a tool in TypeScript takes longer than one of a Python tool that does nothing; median of the rounds. */
  readonly crossing: number;
  /** A health check, the smallest RPC there is; p50, median of the rounds. */
  readonly bareRpc: number;
  /** Median of the rounds' ratios of the two. */
  readonly ratio: number;
}

/** Measures it. One run at a time: alternately with tools of either side, and health checks between them. */
export async function measureToolCalls({ rounds, unaryCalls }: BenchSettings): Promise<ToolCallMeasures> {
  let client: Promise<AgentClient> | undefined;
  const launcher = createTappedLauncher(({ ready }: { ready: WorkerReady }) => {
    const { socketPath, token } = ready;
    client = connectAgent({ agentId: "caller", socketPath, token });
  });
  const noop = tool({ description: "", parameters: { type: "object" }, execute: () => 0 });
  const definition = defineAgent({
    id: "caller",
    entry: "test/fixtures/agents/caller.py:agent",
    startTimeoutMs: startMs,
    tools: { noop },
  });
  const system = await startSystem(
    { name: "bench", children: [definition], python: { cwd: rootDirectory }, logger: createBenchLogger() },
    { launcher },
  );
  try {
    const agent = system.agent(definition);
    await agent.whenReady({ timeoutMs: startMs });
    const bare = await (client as unknown as Promise<AgentClient>);
    const runs = Math.max(2, Math.ceil(unaryCalls / callsPerRun));
    const prompts = { host: prompt("noop", {}), python: prompt("own_tool", { value: 0 }) };
    const each: { crossing: number; bareRpc: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const ms = { host: [] as number[], python: [] as number[], bare: [] as number[] };
      for (let run = 0; run < runs; run++) {
        ms.host.push(await timed(() => agent.run(prompts.host)));
        ms.python.push(await timed(() => agent.run(prompts.python)));
        for (let call = 0; call < callsPerRun; call++) ms.bare.push(await timed(() => bare.checkHealth()));
      }
      const crossing = (percentile(ms.host, 0.5) - percentile(ms.python, 0.5)) / callsPerRun;
      each.push({ crossing, bareRpc: percentile(ms.bare, 0.5) });
    }
    bare.close();
    return {
      crossing: median(each.map(({ crossing }) => crossing)),
      bareRpc: median(each.map(({ bareRpc }) => bareRpc)),
      ratio: median(each.map(({ crossing, bareRpc }) => crossing / bareRpc)),
    };
  } finally {
    await system.stop({ timeoutMs: 10_000 });
  }
}

function prompt(name: string, args: object): string {
  return JSON.stringify(Array.from({ length: callsPerRun }, () => [[name, args]]));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganAtMs = performance.now();
  await within(startMs, "one call", work());
  return performance.now() - beganAtMs;
}

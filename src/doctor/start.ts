/** One real start: a system with the agent that is part of the package, which answers from a script and needs no network. */

import { join } from "node:path";
import { defineAgent } from "../agent/define.ts";
import { SynapseError } from "../errors.ts";
import { silentLogger } from "../logger.ts";
import { searchPackage } from "../python/package-folder.ts";
import { startSystem } from "../start-system.ts";
import { type Finding, fixIn, runs } from "./finding.ts";

/** What came of it. */
export type StartFacts =
  /** From spawn to ready, and a run from the call to its answer, in milliseconds. */
  | { readonly startMs: number; readonly runMs: number }
  /** The error's words. */
  | { readonly failed: string };

/** Where the worker is started. */
export interface StartPlace {
  /** Absolute path. */
  readonly interpreter: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Default: the agent of the package. */
  readonly entry?: string;
}

/** Starts a worker, asks it once, and stops it. Rejects with what is no error of Synapse's only. */
export async function startOnce({ interpreter, cwd, env, entry = ownEntry() }: StartPlace): Promise<StartFacts> {
  if (entry === undefined)
    return { failed: "the agent of the npm package is not found: the package is not where it is run from" };
  const agent = defineAgent({ id: "doctor", entry, output: "text", restart: "temporary" });
  // The agent's own model is asked, whatever the environment names.
  const python = { interpreter, cwd, env: { ...env, SYNAPSE_PYTHON_AGENT_MODEL: "" } };
  const system = await startSystem({ name: "doctor", children: [agent], logger: silentLogger, python });
  try {
    let startMs = 0;
    system.onReport((report) => {
      if (report.type === "agent.ready") startMs = report.startMs;
    });
    await system.agent(agent).whenReady();
    const askedMs = performance.now();
    await system.agent(agent).run("Are you well?", { timeoutMs: 30_000 });
    return { startMs, runMs: Math.round(performance.now() - askedMs) };
  } catch (error) {
    if (error instanceof SynapseError) return { failed: error.message };
    throw error;
  } finally {
    await system.stop({ timeoutMs: 5_000 });
  }
}

/** Judges what came of it. */
export function judgeStart(facts: StartFacts): Finding {
  const check = "start";
  if ("failed" in facts) {
    const { command } = fixIn(facts.failed);
    const fix = command === undefined ? {} : { fix: runs(command) };
    return { check, status: "failure", message: `a worker does not serve: ${facts.failed}`, ...fix };
  }
  const { startMs, runMs } = facts;
  const message = `a worker was ready ${Math.round(startMs)} ms after its spawn and answered a run in ${runMs} ms`;
  return { check, status: "ok", message };
}

function ownEntry(): string | undefined {
  const own = searchPackage();
  return "root" in own ? `${join(own.root, "python", "agents", "example_agent.py")}:agent` : undefined;
}

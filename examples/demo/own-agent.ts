/** Runs the user's own agent file once: its answer as it comes, then what it used; or what is wrong with it. */

import { pino } from "pino";
import { defineAgent, type RunOptions, startSystem } from "synapse-otp";
import { record } from "synapse-otp/inspect";
import { startViewer } from "synapse-otp/viewer";
import type { Stage } from "./main.ts";
import { play } from "./play.ts";
import type { Screen } from "./screen.ts";

/** Which agent, and what it is asked. */
export interface OwnAgent {
  /** "path/to/file.py:attribute", relative to where npm was called, or "package.module:attribute". */
  readonly entry: string;
  /** Empty: a prompt that every agent can answer. */
  readonly prompt: string;
  /** A pydantic-ai model name; undefined: the agent's own. */
  readonly model: string | undefined;
}

const defaultPrompt = "Hello! Say in one sentence what you can do.";

/** @returns 0; rejects with the error of the start or of the run */
export async function runOwnAgent(
  { screen, own, watch, record: file }: Stage,
  { entry, prompt, model }: OwnAgent,
): Promise<number> {
  const { style } = screen;
  // One start: an entry that is wrong stays wrong when it is tried again.
  const definition = defineAgent<unknown>({ id: "agent", entry, restart: watch ? "permanent" : "temporary" });
  const system = await own(
    await startSystem({
      children: [definition],
      logger: createLogger(screen),
      python: { cwd: process.env.INIT_CWD ?? process.cwd() },
      ...(file === undefined ? {} : { inspect: record({ file }) }),
    }),
  );
  const viewer = await startViewer(system);
  screen.line(style("dim", `watch it: ${viewer.address}`));
  screen.status(() => style("dim", `agent ${system.agent("agent").state}`));
  const asked = prompt === "" ? defaultPrompt : prompt;
  if (prompt === "") screen.line(style("dim", `no prompt given; asking: ${asked}`));

  const options: RunOptions = model === undefined ? {} : { model };
  const stream = system.agent(definition).stream(asked, options);
  const text = screen.grow("");
  const partial = screen.grow("");
  let streamed = false;
  for await (const event of stream) {
    switch (event.type) {
      case "started":
        screen.line(style("dim", `model ${event.modelName}`));
        break;
      case "text.delta":
        streamed = true;
        text.add(event.text);
        break;
      case "output.partial":
        partial.replace(JSON.stringify(event.output));
        break;
      case "tool.call":
        screen.line(style("cyan", `→ ${event.toolName}(${JSON.stringify(event.args)})`));
        break;
      case "tool.result":
        screen.line(style("cyan", `← ${event.toolName}: ${JSON.stringify(event.content)}`));
        break;
    }
  }
  if (streamed) text.end();
  const { output, usage } = await stream.result;
  if (typeof output !== "string") screen.line(JSON.stringify(output, null, 2));
  else if (!streamed) screen.line(output);
  const { inputTokens, outputTokens, requests, toolCalls } = usage;
  const used = `${inputTokens} tokens in, ${outputTokens} out, ${requests} model requests, ${toolCalls} tool calls`;
  screen.line(style("dim", `usage: ${used}`));
  if (watch) await play(screen, system, ["agent"], viewer.address);
  await system.stop();
  return 0;
}

/** Shows what the agent prints and logs; the system's own reports come as errors anyway. */
function createLogger(screen: Screen) {
  const write = (line: string) => {
    const { report, msg } = JSON.parse(line) as { report?: string; msg?: string };
    if (report === undefined && msg !== undefined) screen.line(screen.style("dim", `python: ${msg}`));
  };
  return pino({ level: "info" }, { write });
}

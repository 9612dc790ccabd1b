/** The demonstration's front door: reads the arguments, stops everything on Ctrl-C, and answers with an exit code. */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { RunError, SynapseError, type System } from "synapse-otp";
import { runOwnAgent } from "./own-agent.ts";
import { createScreen, type Screen } from "./screen.ts";
import { runShowcase } from "./showcase.ts";

const usage = `usage:
  npm start                                          the demonstration
  npm start -- path/to/my_agent.py:agent "my prompt" your own agent
  npm start -- path/to/my_agent.py:agent "my prompt" --model openai:gpt-5
options of both:
  --watch          stay until Ctrl-C: ask, kill, and see it in the viewer
  --record FILE    record what happens, for synapse-otp inspect FILE`;

/** What a part of the demonstration is given. */
export interface Stage {
  readonly screen: Screen;
  /** Puts a system under the care of Ctrl-C; throws when Ctrl-C came first, after stopping it. */
  own(system: System): Promise<System>;
  /** Whether it stays when it has shown what it shows. */
  readonly watch: boolean;
  /** Where it is recorded. */
  readonly record: string | undefined;
}

/**
 * Runs the demonstration, or the agent that `args` names.
 * @returns the exit code: 0 when every claim held and every run succeeded, 1 when not, 2 for wrong arguments, 130 or 143 after a signal
 */
export async function main(args: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    return 2;
  }
  if (parsed.values.help === true) {
    console.log(usage);
    return 0;
  }
  const screen = createScreen();
  const { watch = false } = parsed.values;
  const record =
    parsed.values.record === undefined ? undefined : resolve(process.env.INIT_CWD ?? "", parsed.values.record);
  const care = careForSignals(screen, { watch, record });
  const [entry, ...words] = parsed.positionals;
  try {
    if (entry === undefined) return await runShowcase(care.stage);
    return await runOwnAgent(care.stage, { entry, prompt: words.join(" "), model: parsed.values.model });
  } catch (error) {
    if (care.exitCode() === undefined) showError(screen, error);
    return care.exitCode() ?? 1;
  } finally {
    await care.end();
    screen.close();
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      model: { type: "string" },
      watch: { type: "boolean" },
      record: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
}

/** An error of Synapse explains itself, and Python's own traceback says the rest; anything else is a mistake of the demonstration. */
function showError(screen: Screen, error: unknown): void {
  if (!(error instanceof SynapseError)) {
    screen.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return;
  }
  const traceback = error instanceof RunError ? error.pythonTraceback : undefined;
  screen.error(traceback === undefined ? error.message : `${error.message}\n${traceback.trimEnd()}`);
}

/** The library leaves signals to the program that uses it: the first one stops the system, a second one kills what is left. */
function careForSignals(screen: Screen, options: Pick<Stage, "watch" | "record">) {
  let system: System | undefined;
  let code: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (code === undefined) {
      code = signal === "SIGINT" ? 130 : 143;
      screen.line(`${signal}: stopping`);
      void system?.stop();
    } else {
      void system?.stop({ timeoutMs: 0 });
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const stage: Stage = {
    screen,
    ...options,
    async own(started) {
      system = started;
      if (code !== undefined) {
        await started.stop();
        throw new Error("interrupted");
      }
      return started;
    },
  };
  return {
    stage,
    exitCode: () => code,
    async end() {
      await system?.stop();
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}

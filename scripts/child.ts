/** Runs programs for the scripts: output kept, lines handed on as they come, and nothing left running when the script is interrupted. */

import { type ChildProcess, spawn } from "node:child_process";

/** How a program is run. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called for every line of stdout and stderr, in the order in which they come. */
  readonly onLine?: (line: string) => void;
  /** The program writes straight to this process's stdout and stderr; nothing is kept. Default false. */
  readonly inherit?: boolean;
  /** After this the program is killed. Milliseconds; default: no limit. */
  readonly timeoutMs?: number;
}

/** What came of a program. */
export interface CommandResult {
  /** Whether it exited with code 0. */
  readonly ok: boolean;
  /** Exit code; undefined when a signal ended it or it could not be started. */
  readonly exitCode: number | undefined;
  /** stdout and stderr, mixed as they came. */
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Runs a program to its end. Never rejects: one that cannot be started has its reason in `output`. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: options.inherit === true ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      output += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) options.onLine?.(line);
    });
    stream?.on("end", () => {
      if (rest !== "") options.onLine?.(rest);
    });
  }
  child.on("error", (error) => {
    running.delete(child);
    resolve({ ok: false, exitCode: undefined, output: `${output}${file}: ${error.message}\n` });
  });
  child.on("close", (code, signal) => {
    running.delete(child);
    if (signal !== null) output += `${file} was ended by ${signal}\n`;
    resolve({ ok: code === 0, exitCode: code ?? undefined, output });
  });
  return promise;
}

/** On SIGINT or SIGTERM: passes the signal to the programs that run, calls `cleanUp`, and ends this process as the signal would. */
export function endOnSignal(cleanUp: () => void): () => void {
  const signals = { SIGINT: 130, SIGTERM: 143 } as const;
  const handlers = Object.entries(signals).map(([signal, exitCode]) => {
    const handler = () => {
      for (const child of running) child.kill(signal as NodeJS.Signals);
      cleanUp();
      process.exit(exitCode);
    };
    process.once(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}

/** The last `count` lines of a text that are not empty. */
export function lastLines(text: string, count: number): string {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
}

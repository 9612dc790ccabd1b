/** Tells what is being done and for how long: one live line on a terminal, plain lines elsewhere. */

import { styleText } from "node:util";

/** Where progress is written. */
export interface ProgressTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A piece of work under way. */
export interface Progress {
  /** What it is at now, shown behind the title on a terminal and every ten seconds elsewhere. */
  detail(text: string): void;
  /** Ends the line with a tick and the time it took. */
  done(text?: string): void;
  /** Ends the line with a cross. */
  failed(): void;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const plainEveryMs = 10_000;

/** Whether a target takes live lines: a terminal, and not one that CI or TERM=dumb describes. */
export function isLive(target: ProgressTarget, env: NodeJS.ProcessEnv = process.env): boolean {
  return target.isTTY === true && (env.CI ?? "") === "" && env.TERM !== "dumb";
}

/** Begins to tell of a piece of work. `done` or `failed` must end it. */
export function startProgress(title: string, target: ProgressTarget = process.stdout): Progress {
  const live = isLive(target);
  const startedMs = performance.now();
  let detail = "";
  let frame = 0;
  let lastPlainMs = startedMs;
  if (!live) target.write(`${title}\n`);

  const timer = setInterval(draw, live ? 100 : 1_000);
  timer.unref();

  function elapsed(): string {
    return formatDuration(performance.now() - startedMs);
  }

  function draw(): void {
    if (live) {
      frame = (frame + 1) % frames.length;
      const text = `${frames[frame]} ${title} ${elapsed()}${detail === "" ? "" : `  ${detail}`}`;
      target.write(`\r\x1b[2K${text.slice(0, (target.columns || 80) - 1)}`);
    } else if (performance.now() - lastPlainMs >= plainEveryMs) {
      lastPlainMs = performance.now();
      target.write(`  ${elapsed()}${detail === "" ? "" : `: ${detail}`}\n`);
    }
  }

  function end(mark: string, text: string): void {
    clearInterval(timer);
    target.write(live ? `\r\x1b[2K${mark} ${text} (${elapsed()})\n` : `  ${text} (${elapsed()})\n`);
  }

  return {
    detail(text) {
      detail = text;
    },
    done: (text = title) => end(styleText("green", "✓"), live ? text : `done${text === title ? "" : `: ${text}`}`),
    failed: () => end(styleText("red", "✗"), live ? title : "failed"),
  };
}

/** A duration for people: "340 ms", "12.3 s", "2 min 5 s". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

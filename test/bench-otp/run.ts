/**
 * The benchmark of processes: `node test/bench-otp/run.ts [--quick] [--name <name>] [--directory <directory>]`.
 *
 * Prints a table and writes `<directory>/<name>.json` (default: `.bench/otp.json` or `.bench/otp-quick.json`). A full run exits with 1 when a
 * bar is missed; a quick one shows that everything works, and its figures decide nothing. Erlang takes part where `erl` is installed.
 */

import { readOptions, writeResult } from "../bench/command.ts";
import { checkBars } from "./bars.ts";
import { startErlang } from "./erlang.ts";
import { type Program, startSubject } from "./program.ts";
import { type BenchResult, describeMachine, formatResult } from "./report.ts";
import { measureInRounds } from "./rounds.ts";
import { type BenchSettings, fullSettings, quickSettings } from "./settings.ts";

const options = readOptions("otp", "otp-quick");
const result = await runBench(options.name, options.quick ? quickSettings : fullSettings);
const path = writeResult(result, options.directory);
console.log(`${formatResult(result)}\nwritten to ${path}`);
if (!options.quick && !result.passed) process.exitCode = 1;

async function runBench(name: string, settings: BenchSettings): Promise<BenchResult> {
  const startedAt = new Date();
  const machine = describeMachine();
  const programs: Program[] = [];
  const closers: (() => Promise<void>)[] = [];
  try {
    for (const subject of ["synapse", "xstate", "nact"]) {
      const program = await startSubject(subject);
      programs.push(program);
      closers.push(() => program.close());
    }
    const erlang = await startErlang();
    if (erlang !== undefined) {
      programs.push(erlang.program);
      closers.push(erlang.close);
    }
    const values = await measureInRounds(programs, settings, tell);
    const bars = checkBars(values, settings);
    return {
      name,
      startedAt: startedAt.toISOString(),
      durationMs: Date.now() - startedAt.getTime(),
      machine,
      subjects: Object.fromEntries(programs.map((program) => [program.name, program.version])),
      missing: erlang === undefined ? ["erlang"] : [],
      settings,
      values,
      bars,
      passed: bars.every(({ passed }) => passed !== false),
    };
  } finally {
    await Promise.all(closers.map((close) => close()));
  }
}

/** Progress, on stderr: the report alone is on stdout. */
function tell(step: string): void {
  process.stderr.write(`bench: ${step}\n`);
}

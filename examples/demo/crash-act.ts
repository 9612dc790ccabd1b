/** The act in which one agent's Python is killed in the middle of a stream. */

import { type Agent, type RunResult, type System, WorkerError } from "synapse-otp";
import { type City, city, example, showState, tool } from "./agents.ts";
import type { Claims } from "./claims.ts";
import { type Screen, showHeading } from "./screen.ts";
import type { StateEntry, StateLog } from "./state-log.ts";

const wordsBeforeKill = 6;
const readyDeadlineMs = 30_000;

/** Kills, watches and checks: what ends, what waits, who goes on, and what is known afterwards. */
export async function showCrash(screen: Screen, system: System, log: StateLog, claims: Claims): Promise<void> {
  showHeading(screen, "kill -9, in the middle of a stream");
  const victim = system.agent(example);
  const siblings = [system.agent(city), system.agent(tool)];
  const before = { pid: victim.pid, incarnation: victim.incarnation, siblings: siblings.map(identityOf) };

  const stream = victim.stream("I am being streamed while somebody is about to kill the process that says these words");
  const queued = victim.run("I was waiting in the queue when it happened");
  // Handled below; it must not count as unhandled while the stream is read.
  queued.catch(() => undefined);

  let killedMs = 0;
  const since = () => `${String(Math.round(performance.now() - killedMs)).padStart(5)} ms`;
  const entries: StateEntry[] = [];
  const stopWatching = log.onEntry((entry) => {
    if (entry.agentId !== victim.id || killedMs === 0) return;
    entries.push(entry);
    if (entry.state === "ready") stopWatching();
    screen.line(`  ${since()}  example: ${showState(screen, entry.state)} (worker ${entry.incarnation})`);
  });

  const text = screen.grow("  example: ");
  const terminal: unknown[] = [];
  let words = 0;
  for await (const event of stream) {
    if (event.type === "failed" || event.type === "completed" || event.type === "cancelled") terminal.push(event);
    if (event.type !== "text.delta") continue;
    text.add(event.text);
    words += 1;
    if (words !== wordsBeforeKill || before.pid === undefined) continue;
    text.end();
    screen.line(screen.style("red", `  kill -9 ${before.pid}`));
    killedMs = performance.now();
    process.kill(before.pid, "SIGKILL");
  }
  const failure = await stream.result.then(
    () => undefined,
    (error: unknown) => error,
  );
  screen.line(`  ${since()}  the stream ended: ${failure instanceof WorkerError ? failure.code : String(failure)}`);

  const answers = await answerMeanwhile(screen, victim, siblings, since);
  await victim.whenReady({ timeoutMs: readyDeadlineMs });
  const served = await queued;
  screen.line(`  ${since()}  the queued run is answered by worker ${served.incarnation}: ${served.output}`);

  checkCrash(claims, { victim, siblings, before, failure, terminal, entries, answers, served });
  showRecord(screen, failure);
}

/** Asks the siblings in turn for as long as the victim is away. */
async function answerMeanwhile(
  screen: Screen,
  victim: Agent,
  [first, second]: readonly Agent<City | string>[],
  since: () => string,
): Promise<Set<string>> {
  const answered = new Set<string>();
  const turns: [Agent<City | string> | undefined, string][] = [
    [first, "Lima"],
    [second, "Lima"],
  ];
  for (let turn = 0; !["ready", "busy"].includes(victim.state) || answered.size < turns.length; turn += 1) {
    const [agent, prompt] = turns[turn % turns.length] ?? [];
    if (agent === undefined || prompt === undefined) break;
    // Streamed, because a scripted answer that is not streamed takes no time at all.
    const { output } = await agent.stream(prompt).result;
    answered.add(agent.id);
    const shown = typeof output === "string" ? output : `${output.name}, ${output.country}`;
    screen.line(screen.style("dim", `  ${since()}  ${agent.id} answers meanwhile: ${shown}`));
  }
  return answered;
}

interface CrashFacts {
  victim: Agent;
  siblings: readonly Agent<City | string>[];
  before: { pid: number | undefined; incarnation: number; siblings: string[] };
  failure: unknown;
  terminal: readonly unknown[];
  entries: readonly StateEntry[];
  answers: ReadonlySet<string>;
  served: RunResult;
}

function checkCrash(claims: Claims, facts: CrashFacts): void {
  const { victim, siblings, before, failure, terminal, entries, answers, served } = facts;
  const crash = failure instanceof WorkerError ? failure.crash : undefined;
  const told = failure instanceof WorkerError && failure.code === "worker_exited" && crash?.signal === "SIGKILL";
  claims.check("the caller got one typed error that names the signal", told && terminal.length === 1);
  const states = entries.map(({ state }) => state).join(" → ");
  const expected = ["crashed", "restarting", "starting", "ready"];
  claims.check("the agent went through its states in order", states === expected.join(" → "), states);
  const [crashed] = entries;
  const ready = entries.find(({ state }) => state === "ready");
  const awayMs = crashed === undefined || ready === undefined ? undefined : Math.round(ready.atMs - crashed.atMs);
  const renewed = victim.incarnation === before.incarnation + 1 && victim.pid !== before.pid;
  claims.check("a new worker took its place", renewed, `pid ${before.pid} → ${victim.pid}, away for ${awayMs} ms`);
  const kept = siblings.map(identityOf).join() === before.siblings.join();
  claims.check("its siblings answered meanwhile, in the same processes", kept && answers.size === siblings.length);
  const servedByNew = served.incarnation === victim.incarnation && served.output !== "";
  claims.check(
    "the run in the queue was not lost",
    servedByNew,
    `worker ${served.incarnation}, attempt ${served.attempts}`,
  );
}

/** The crash record: the same value that the log, the reports and the caller's error carry. */
function showRecord(screen: Screen, failure: unknown): void {
  if (!(failure instanceof WorkerError) || failure.crash === undefined) return;
  const { crash } = failure;
  showHeading(screen, "What is known of the crash");
  const rows: [string, string][] = [
    ["what", crash.describe],
    ["signal", crash.signal ?? "none"],
    ["uptime", `${Math.round(crash.uptimeMs)} ms`],
    ["runs held", String(crash.runsInFlight.length)],
    ["last events", crash.lastEvents.join(", ")],
    ["decision", crash.decision === undefined ? "none" : `${crash.decision.type}: ${crash.decision.because}`],
    ["stderr", crash.stderrTail.length === 0 ? "it wrote nothing" : ""],
  ];
  for (const [name, value] of rows) screen.line(`  ${name.padEnd(12)} ${value}`);
  for (const line of crash.stderrTail.slice(-5)) screen.line(`    ${line}`);
}

function identityOf(agent: Agent<City | string>): string {
  return `${agent.id}:${agent.incarnation}:${agent.pid}`;
}

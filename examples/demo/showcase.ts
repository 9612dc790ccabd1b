/** The demonstration, act by act. It checks what it claims while it goes. */

import { pino } from "pino";
import { type System, startSystem } from "synapse-otp";
import { record } from "synapse-otp/inspect";
import { startViewer } from "synapse-otp/viewer";
import { city, example, showAgents, tool } from "./agents.ts";
import { type Claims, createClaims } from "./claims.ts";
import { showCrash } from "./crash-act.ts";
import { isAlive, listSocketDirectories } from "./leftovers.ts";
import type { Stage } from "./main.ts";
import { play } from "./play.ts";
import { type Screen, showHeading } from "./screen.ts";
import { createStateLog } from "./state-log.ts";

/** @returns 0 when every claim held, 1 when one did not */
export async function runShowcase({ screen, own, watch, record: file }: Stage): Promise<number> {
  const claims = createClaims(screen);
  const log = createStateLog();
  const pids = new Set<number>();
  screen.line(screen.style("bold", "Synapse: TypeScript supervises real Python processes, one for each agent."));

  showHeading(screen, "Three agents start under one_for_one");
  const startedMs = performance.now();
  const system = await own(
    await startSystem({
      name: "demo",
      strategy: "one_for_one",
      children: [example, city, tool],
      inspect: [log.inspect, ...(file === undefined ? [] : [record({ file })])],
      logger: pino({ level: "silent" }),
    }),
  );
  const viewer = await startViewer(system);
  screen.line(`  watch it: ${viewer.address}`);
  screen.status(() => showAgents(screen, system));
  system.onReport((report) => {
    if (report.type === "worker.spawned" && report.pid !== undefined) pids.add(report.pid);
    if (report.type === "agent.ready") {
      pids.add(report.pid);
      screen.line(`  ${report.agentId}: ready after ${Math.round(report.startMs)} ms, pid ${report.pid}`);
    }
  });
  const agents = [example, city, tool].map((definition) => system.agent<unknown>(definition.id));
  await Promise.all(agents.map((agent) => agent.whenReady()));
  for (const { pid } of agents) if (pid !== undefined) pids.add(pid);
  const tookMs = Math.round(performance.now() - startedMs);
  claims.check("three agents serve, each in a Python process of its own", pids.size === 3, `${tookMs} ms`);

  await showAnswers(screen, system, claims);
  await showCrash(screen, system, log, claims);

  if (watch) {
    const ids = agents.map(({ id }) => id);
    await play(screen, system, ids, viewer.address);
  }
  showHeading(screen, "Everything stops");
  await system.stop();
  screen.status(undefined);
  const alive = [...pids].filter(isAlive);
  const gone = alive.length === 0 ? `pids ${[...pids].join(", ")}` : `still there: ${alive.join(", ")}`;
  claims.check(`all ${pids.size} Python processes are gone`, alive.length === 0, gone);
  const directories = listSocketDirectories();
  claims.check("no socket directory is left", directories.length === 0, directories.join(", ") || undefined);

  screen.line();
  if (claims.broken > 0) {
    screen.line(screen.style("red", `${claims.broken} of ${claims.held + claims.broken} claims did not hold`));
    return 1;
  }
  screen.line(screen.style("green", `All ${claims.held} claims held.`));
  screen.line('Try your own: npm start -- path/to/my_agent.py:agent "my prompt"');
  return 0;
}

async function showAnswers(screen: Screen, system: System, claims: Claims): Promise<void> {
  showHeading(screen, "One question, one answer");
  const askedMs = performance.now();
  const { output, usage } = await system.agent(example).run("Are you there?");
  const tookMs = Math.round(performance.now() - askedMs);
  screen.line(`  example: ${output}`);
  claims.check("a run answers with its output and usage", output !== "", `${usage.totalTokens} tokens, ${tookMs} ms`);

  showHeading(screen, "Tokens, as they come");
  const text = screen.grow("  example: ");
  const seen: string[] = [];
  const stream = system.agent(example).stream("Every word of this arrives by itself, through gRPC, from Python.");
  for await (const word of stream.text()) {
    seen.push(word);
    text.add(word);
  }
  text.end();
  const whole = (await stream.result).output;
  claims.check("the tokens add up to the answer", seen.join("") === whole && seen.length > 5, `${seen.length} tokens`);

  showHeading(screen, "Tools, called in Python");
  for await (const event of system.agent(tool).stream("What should I wear in Kyoto?")) {
    if (event.type === "tool.call") screen.line(`  tool: calls ${event.toolName}(${JSON.stringify(event.args)})`);
    if (event.type === "tool.result") screen.line(`  tool: ${event.toolName} = ${JSON.stringify(event.content)}`);
    if (event.type === "failed") throw event.error;
    if (event.type !== "completed") continue;
    screen.line(`  tool: ${event.result.output}`);
    claims.check("the agent used its tools", event.result.usage.toolCalls === 2, "2 calls");
  }

  showHeading(screen, "A structured answer, growing");
  const answer = screen.grow("  city: ");
  let snapshots = 0;
  const growing = system.agent(city).stream("Tell me about Kyoto");
  for await (const partial of growing.partial()) {
    snapshots += 1;
    answer.replace(JSON.stringify(partial));
  }
  const { output: final } = await growing.result;
  answer.end();
  claims.check("partial answers came before the final one", snapshots > 1, `${snapshots} of them`);
  const complete = final.name === "Kyoto" && final.sights.length === 3;
  claims.check("the final answer is complete", complete, JSON.stringify(final));
}

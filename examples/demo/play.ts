/** `--watch`: the system stays until Ctrl-C; what is typed is asked, and the viewer shows what comes of it. */

import { createInterface } from "node:readline";
import type { System } from "synapse-otp";
import { type Screen, showHeading } from "./screen.ts";

/** Stays until the system is stopped. A line "name: prompt" asks the agent of that name, any other line the first one. */
export async function play(
  screen: Screen,
  system: System,
  agentIds: readonly string[],
  address: string,
): Promise<void> {
  const [first = ""] = agentIds;
  showHeading(screen, "Yours to play with, until Ctrl-C");
  screen.line(`  see    ${address}`);
  screen.line(`  ask    type a line, or "name: a line" for one of ${agentIds.join(", ")}`);
  screen.line(`  kill   the button of that name, or kill -9 ${system.agent(first).pid ?? "<pid>"} in another terminal`);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line.trim() !== "") void ask(screen, system, agentIds, line.trim());
  });
  await system.ended;
  lines.close();
}

async function ask(screen: Screen, system: System, agentIds: readonly string[], line: string): Promise<void> {
  const named = agentIds.find((id) => line.startsWith(`${id}:`));
  const [id, prompt] = named === undefined ? [agentIds[0] ?? "", line] : [named, line.slice(named.length + 1).trim()];
  try {
    const { output, incarnation } = await system.agent(id).stream(prompt).result;
    const answer = typeof output === "string" ? output : JSON.stringify(output);
    screen.line(`  ${id}: ${answer} ${screen.style("dim", `(worker ${incarnation})`)}`);
  } catch (error) {
    screen.line(screen.style("red", `  ${id}: ${error instanceof Error ? error.message : String(error)}`));
  }
}

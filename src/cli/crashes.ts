/** `synapse-otp crashes`: the last crashes of a running system, or one of them in full. */

import { askSystem, findSystem } from "../control/client.ts";
import { invalidArgument } from "../errors.ts";
import { type Command, isSet, textOf } from "./command.ts";
import { crashLine, crashText } from "./crash-text.ts";
import { systemOption } from "./system-option.ts";

const details = `Lists the last crashes of a running system, or of one of its agents, newest last:
when, the agent and the number of its worker, how it ended and what the policy
decided. With an agent and the number of a worker it shows that crash in full,
with the last lines of stderr.`;

/** How long a system may take to answer, in milliseconds. */
const answerMs = 10_000;

/** The command. */
export const crashesCommand: Command = {
  name: "crashes",
  summary: "list the last crashes of a running system, or show one",
  details,
  arguments: [
    { name: "agent", summary: "the agent's id; default: all", optional: true, names: "agent" },
    { name: "worker", summary: "the number of a worker: its crash in full", optional: true },
  ],
  options: [systemOption, { flags: "--json", summary: "one JSON object: crashes, or crash" }],
  examples: ["synapse-otp crashes", "synapse-otp crashes chat", "synapse-otp crashes chat 3 --json"],
  async run(words, { out }) {
    const [agentId, worker] = words.arguments;
    const incarnation = worker === undefined ? undefined : Number(worker);
    if (incarnation !== undefined && !(Number.isSafeInteger(incarnation) && incarnation > 0)) {
      throw invalidArgument("worker", worker, "a number, as the list has it");
    }
    const system = await findSystem(textOf(words, "system"));
    const json = isSet(words, "json");
    if (agentId !== undefined && incarnation !== undefined) {
      const crash = await askSystem(system, { type: "crash", agentId, incarnation }, answerMs);
      out(json ? JSON.stringify({ crash }) : crashText(crash));
      return 0;
    }
    const about = agentId === undefined ? {} : { agentId };
    const crashes = await askSystem(system, { type: "crashes", ...about }, answerMs);
    if (json) out(JSON.stringify({ crashes }));
    else out(crashes.length === 0 ? "no crashes" : crashes.map(crashLine).join("\n"));
    return 0;
  },
};

/** `synapse-otp restart`, `stop` and `kill`: what is done to an agent of a running system. */

import { askSystem, type FoundSystem, findSystem } from "../control/client.ts";
import { type Command, isSet, type Terminal, textOf, type Words } from "./command.ts";
import { optionalInteger } from "./number-option.ts";
import { systemOption } from "./system-option.ts";

const agentArgument = { name: "agent", summary: "the agent's id", names: "agent" } as const;
const jsonOption = { flags: "--json", summary: "one JSON object: system, agent, and what was answered" };
const timeoutOption = {
  flags: "--timeout <ms>",
  summary: "how long it may take; default: 60000. What was asked for goes on after that",
};

const defaultTimeoutMs = 60_000;

const notes = `Exit codes: 0 done, 1 it could not be done, or not in time, 2 the words make no
sense.`;

/** What is done once the system is found: the answer, and a sentence on it. */
type Act = (
  system: FoundSystem,
  agentId: string,
  timeoutMs: number,
  words: Words,
) => Promise<{ readonly answer: object; readonly sentence: string }>;

async function act(words: Words, terminal: Terminal, work: Act): Promise<0> {
  const agentId = words.arguments[0] ?? "";
  const timeoutMs = optionalInteger(words, "timeout", defaultTimeoutMs);
  const system = await findSystem(textOf(words, "system"));
  const { answer, sentence } = await work(system, agentId, timeoutMs, words);
  terminal.out(isSet(words, "json") ? JSON.stringify({ system: system.system, agent: agentId, ...answer }) : sentence);
  return 0;
}

/** Replaces the worker of an agent. */
export const restartCommand: Command = {
  name: "restart",
  summary: "replace the worker of an agent",
  details: `Replaces the worker of an agent of a running system: it finishes its runs or cancels
them, then the next one starts. An agent that has stopped is started again. With
--graceful the next worker is ready before the current one is let go. It waits until
the next one serves.`,
  arguments: [agentArgument],
  options: [
    systemOption,
    { flags: "--graceful", summary: "without a gap: the next worker is ready first" },
    timeoutOption,
    jsonOption,
  ],
  examples: ["synapse-otp restart chat", "synapse-otp restart chat --graceful --system answers"],
  notes,
  run: (words, terminal) =>
    act(words, terminal, async (system, agentId, timeoutMs) => {
      const request = { type: "restart", agentId, graceful: isSet(words, "graceful") } as const;
      const answer = await askSystem(system, request, timeoutMs);
      return { answer, sentence: `agent "${agentId}" is served by worker ${answer.incarnation}` };
    }),
};

/** Stops an agent. */
export const stopCommand: Command = {
  name: "stop",
  summary: "stop an agent, so that it is not restarted",
  details: `Stops an agent of a running system: runs that wait are rejected, those that work may
finish or are cancelled, within its shutdownMs. Nobody restarts it but
"synapse-otp restart" and the service itself. It waits until the agent has stopped.`,
  arguments: [agentArgument],
  options: [systemOption, timeoutOption, jsonOption],
  examples: ["synapse-otp stop chat"],
  notes,
  run: (words, terminal) =>
    act(words, terminal, async (system, agentId, timeoutMs) => {
      const answer = await askSystem(system, { type: "stop", agentId }, timeoutMs);
      return { answer, sentence: `agent "${agentId}" is ${answer.state}` };
    }),
};

/** Kills the worker of an agent. */
export const killCommand: Command = {
  name: "kill",
  summary: "kill the worker of an agent, as kill -9 does",
  details: `Kills the process of an agent's worker, at once. It is a crash like others: the
runs that it held are lost, and the agent's policy decides what follows.`,
  arguments: [agentArgument],
  options: [systemOption, timeoutOption, jsonOption],
  examples: ["synapse-otp kill chat"],
  notes,
  run: (words, terminal) =>
    act(words, terminal, async (system, agentId, timeoutMs) => {
      const answer = await askSystem(system, { type: "kill", agentId }, timeoutMs);
      return { answer, sentence: `process ${answer.pid} of agent "${agentId}" was killed` };
    }),
};

/** Programs of a user, as they stand in the projects that the package is packed for. */

import { join } from "node:path";
import { root } from "./packed.ts";

/** The interpreter of this checkout; a user's program is told of it by PYTHON_EXEC. */
export const pythonExec = join(root, "python", ".venv", "bin", "python");

/** The environment that a user's program runs in: the machine's, with that interpreter. */
export const userEnvironment: NodeJS.ProcessEnv = { ...process.env, PYTHON_EXEC: pythonExec, NODE_OPTIONS: "" };

/** The agent that comes with the package, from the project's folder. */
export const packedEntry = "node_modules/synapse-otp/python/agents/example_agent.py:agent";

const useCore = `
  const ref = await start(fromGenServer({ init: () => ({ state: 40 }), handleCall: (m, state) => ({ reply: state + m }) }));
  console.log(await call(ref, 2));
  await stop(ref);
`;

/** Starts a system with one agent, runs one prompt, stops; then a server of the core alone. It has no top-level await, so that it can become CommonJS. */
export const agentProgram = `
import { defineAgent, startSystem } from "synapse-otp";
import { call, fromGenServer, start, stop } from "synapse-otp/otp";

async function main() {
  const system = await startSystem({ children: [defineAgent({ id: "example", entry: "${packedEntry}" })] });
  try {
    console.log((await system.agent("example").run("Good morning")).output);
  } finally {
    await system.stop();
  }
${useCore}}

void main();
`;

/** What {@link agentProgram} prints. */
export const agentOutput = "Hello from Python! You said: Good morning\n42\n";

/** The core alone. */
export const coreProgram = `
import { call, fromGenServer, start, stop } from "synapse-otp/otp";

async function main() {
${useCore}}

void main();
`;

/** Where there is neither an interpreter nor the package: prints what the error says. */
export const lostProgram = `
import { defineAgent, startSystem } from "synapse-otp";

startSystem({ children: [defineAgent({ id: "example", entry: "agent.py:agent" })] }).then(
  () => console.log("started"),
  (error) => console.log(error.name + ": " + error.message),
);
`;

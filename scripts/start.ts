/** `npm start`: sets up what is missing, then runs the demonstration, or the agent that the arguments name. */

import { buildIfStale } from "./build-if-stale.ts";
import { endOnSignal } from "./child.ts";
import { setupPython } from "./setup-python.ts";

const removeHandlers = endOnSignal(() => undefined);
try {
  await setupPython();
  await buildIfStale();
  removeHandlers();
  const { main } = await import("../examples/demo/main.ts");
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  removeHandlers();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

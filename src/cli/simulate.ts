/** `synapse-otp simulate`: plays a script's system through, with faults, before it runs. */

import type { Command } from "./command.ts";

const details = `Plays the system that a script describes through, in a time of its own: an hour takes
a moment. The supervisors, the agents' machine and the policies are the real ones; the
workers are timers, which start, crash and work as a file of faults says. Nothing is
started. The same seed makes the same output, byte for byte.`;

/** The command. */
export const simulateCommand: Command = {
  name: "simulate",
  summary: "play a script's system through, with faults",
  details,
  arguments: [{ name: "script", summary: "a .ts or .js file", names: "file" }],
  options: [
    {
      flags: "--faults <file>",
      summary: "a .ts or .js file whose default export is what defineFaults makes; default: no faults",
      names: "file",
    },
    { flags: "--seed <number>", summary: "where chance comes from; default: 0" },
    { flags: "--for <time>", summary: "how long, as 90s, 15min, 1h or 2d; default: 1h" },
    { flags: "--explore", summary: "put sequences of ends to the policies instead, and say what they should not do" },
    { flags: "--all", summary: "show every decision, not the first 20" },
    { flags: "--svg <file>", summary: "write a picture of who served when", names: "file" },
    { flags: "--json", summary: "one JSON object: what simulate() or explore() of synapse-otp/simulate answers" },
  ],
  examples: [
    "synapse-otp simulate tree.ts --faults faults.ts --seed 42 --for 1h",
    "synapse-otp simulate tree.ts --faults faults.ts --svg hour.svg",
    "synapse-otp simulate tree.ts --explore",
  ],
  notes: `Exit codes: 0 done, 1 failed, or --explore has found something, 2 the words make
no sense.`,
  async run(words, terminal) {
    const { play } = await import("./play.ts");
    return play(words, terminal);
  },
};

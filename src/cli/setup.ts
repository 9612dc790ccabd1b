/** `synapse-otp setup`: makes or completes the Python environment that the workers run in. */

import { dirname } from "node:path";
import { SynapseError } from "../errors.ts";
import { type Command, type ExitCode, isSet, type Terminal, textOf, type Words } from "./command.ts";

const details = `Sets up the Python environment in which the workers run: the one that the search
would take (python/.venv, .venv, the active one), else a new one in .venv. The
Python package is part of this npm package and needs no index; what it needs
itself is installed by pip or uv, from the index that they are configured for,
when it is not there. A second run changes nothing.`;

/** The command. */
export const setupCommand: Command = {
  name: "setup",
  summary: "set up the Python environment in which the workers run",
  details,
  options: [
    {
      flags: "--python <path>",
      summary: "the interpreter, or the directory of its environment; with --venv, the Python that one is made from",
      names: "file",
    },
    {
      flags: "--venv <dir>",
      summary: "the directory of the virtual environment, made when it is not there",
      names: "file",
    },
    { flags: "--clear", summary: "make the environment anew" },
    { flags: "--system", summary: "allow an interpreter outside a virtual environment" },
    {
      flags: "--break-system-packages",
      summary: "allow one that the system's package manager keeps for itself (PEP 668)",
    },
    { flags: "--json", summary: "one JSON object: interpreter, version, taken" },
  ],
  examples: ["synapse-otp setup", "synapse-otp setup --venv .venv --python python3.12"],
  async run(words, terminal) {
    try {
      return await setUp(words, terminal);
    } catch (error) {
      // Its options are texts: what is wrong with one is wrong with this machine, not with the words.
      if (!(error instanceof SynapseError)) throw error;
      terminal.error(error.message);
      return 1;
    }
  },
};

async function setUp(words: Words, { cwd, env, out }: Terminal): Promise<ExitCode> {
  const json = isSet(words, "json");
  const python = textOf(words, "python");
  const venv = textOf(words, "venv");
  const { setUpPython } = await import("../python/set-up.ts");
  const { interpreter, found } = await setUpPython({
    cwd,
    env,
    clear: isSet(words, "clear"),
    system: isSet(words, "system"),
    breakSystemPackages: isSet(words, "breakSystemPackages"),
    tell: json ? () => undefined : out,
    ...(python === undefined ? {} : { python }),
    ...(venv === undefined ? {} : { venv }),
  });
  const { path, version, modules } = interpreter;
  const taken = found !== undefined && dirname(found.path) === dirname(path);
  if (json) {
    out(JSON.stringify({ interpreter: path, version, taken }));
    return 0;
  }
  out(`ready: ${path} (Python ${version}, synapse-otp ${modules.synapse_otp}, pydantic-ai ${modules.pydantic_ai})`);
  if (taken) return 0;
  const instead = found === undefined ? "nothing" : `"${found.path}" (${found.source})`;
  out(`from "${cwd}" the search takes ${instead}: name this one by PYTHON_EXEC or python.interpreter`);
  return 0;
}

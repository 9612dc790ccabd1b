/** `synapse-otp setup`: makes or completes the Python environment that the workers run in. */

import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { setUpPython } from "../python/set-up.ts";
import type { Command } from "./command.ts";

const help = `usage: synapse-otp setup [options]

Sets up the Python environment in which the workers run: the one that the search would take (python/.venv, .venv, the active one), else a new
one in .venv. The Python package is part of this npm package and needs no index; what it needs itself is installed by pip or uv, from the
index that they are configured for, when it is not there. A second run changes nothing.

  --python PATH            the interpreter, or the directory of its environment; with --venv, the Python that one is made from
  --venv DIR               the directory of the virtual environment, made when it is not there
  --clear                  make the environment anew
  --system                 allow an interpreter outside a virtual environment
  --break-system-packages  allow one that the system's package manager keeps for itself (PEP 668)`;

/** The command. */
export const setupCommand: Command = {
  name: "setup",
  summary: "set up the Python environment in which the workers run",
  help,
  async run(words, { cwd, env, out }) {
    const { values } = parseArgs({
      args: [...words],
      options: {
        python: { type: "string" },
        venv: { type: "string" },
        clear: { type: "boolean", default: false },
        system: { type: "boolean", default: false },
        "break-system-packages": { type: "boolean", default: false },
      },
    });
    const { interpreter, found } = await setUpPython({
      cwd,
      env,
      clear: values.clear,
      system: values.system,
      breakSystemPackages: values["break-system-packages"],
      tell: out,
      ...(values.python === undefined ? {} : { python: values.python }),
      ...(values.venv === undefined ? {} : { venv: values.venv }),
    });
    const { path, version, modules } = interpreter;
    out(`ready: ${path} (Python ${version}, synapse-otp ${modules.synapse_otp}, pydantic-ai ${modules.pydantic_ai})`);
    if (found !== undefined && dirname(found.path) === dirname(path)) return 0;
    const instead = found === undefined ? "nothing" : `"${found.path}" (${found.source})`;
    out(`from "${cwd}" the search takes ${instead}: name this one by PYTHON_EXEC or python.interpreter`);
    return 0;
  },
};

/** Interpreters to be found or refused: the real python3 with stand-ins for the packages, and shell scripts that pretend. */

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";

/** The interpreter itself: `python3` on PATH may be a shim. */
export const realPython = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
  encoding: "utf8",
}).trim();

/** A directory for one test. */
export interface PythonRoom {
  /** The path of a name in the room; its directories are made. */
  path(name: string): string;
  /** Writes an executable shell script and answers its path. */
  script(name: string, body: string): string;
  /** A script that gives the probe this answer, and appends a line to `asked` each time it is run. */
  pretender(
    name: string,
    answer: { version: number[]; modules?: Record<string, string>; inVirtualEnv?: boolean },
  ): string;
  /** How often any pretender was run. */
  timesAsked(): number;
  /** A virtual environment of the real python3 that has stand-ins for the given modules; answers its python. */
  venv(name: string, modules?: readonly string[]): string;
}

/** All that a worker needs. */
export const allModules = ["synapse_otp", "pydantic_ai", "grpc"] as const;
const distributionOf: Record<string, string> = {
  synapse_otp: "synapse_otp",
  pydantic_ai: "pydantic_ai_slim",
  grpc: "grpcio",
};

/** A fresh room for every test of the file; removed after it. */
export function usePythonRoom(): PythonRoom {
  let root = "";
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "st-python-")));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const path = (name: string) => {
    const full = join(root, name);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  const script = (name: string, body: string) => {
    writeFileSync(path(name), `#!/bin/sh\n${body}\n`);
    chmodSync(path(name), 0o755);
    return path(name);
  };
  return {
    path,
    script,
    pretender(name, { version, modules = {}, inVirtualEnv = true }) {
      const answer = JSON.stringify({ executable: path(name), version, inVirtualEnv, modules });
      return script(name, `echo asked >> '${path("asked")}'\ncat <<'END'\nsome noise\nsynapse-probe:${answer}\nEND`);
    },
    timesAsked: () =>
      Number(execFileSync("sh", ["-c", `cat '${path("asked")}' 2>/dev/null | wc -l`], { encoding: "utf8" })),
    venv(name, modules = allModules) {
      const python = path(join(name, "bin/python"));
      symlinkSync(realPython, python);
      const { version } = JSON.parse(
        execFileSync(realPython, ["-c", 'import sys; print(\'{"version": "%d.%d"}\' % sys.version_info[:2])'], {
          encoding: "utf8",
        }),
      ) as { version: string };
      writeFileSync(path(join(name, "pyvenv.cfg")), `home = ${dirname(realPython)}\n`);
      const packages = join(name, "lib", `python${version}`, "site-packages");
      for (const module of modules) {
        writeFileSync(
          path(join(packages, module, "__init__.py")),
          "raise ImportError('the probe must not import this')\n",
        );
        const metadata = `Metadata-Version: 2.1\nName: ${distributionOf[module]}\nVersion: 9.8.7\n`;
        writeFileSync(path(join(packages, `${distributionOf[module]}-9.8.7.dist-info`, "METADATA")), metadata);
      }
      return python;
    },
  };
}

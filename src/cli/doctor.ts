/** `synapse-otp doctor`: says whether agents can run here, and what mends it where they cannot. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type DiagnoseOptions, diagnose } from "../doctor/diagnose.ts";
import type { Finding } from "../doctor/finding.ts";
import { invalidArgument } from "../errors.ts";
import { ownPackage } from "../python/needs.ts";
import type { Command } from "./command.ts";
import { findingText, fixSentence, summaryText } from "./finding-text.ts";

/** Looks at the machine. */
export type Diagnose = (options: DiagnoseOptions) => AsyncIterable<Finding>;

const help = `usage: synapse-otp doctor [options]

Looks at this machine as a service would meet it: Node and xstate, the
interpreter and its packages, the place of the sockets, limits, what the kernel
does for orphans, process 1, proxies. Starts one worker, with an agent that
needs no network, and stops it. Changes nothing.

  --python PATH  the interpreter, a path or a name on PATH; default: searched
  --cwd DIR      where the service runs; default: here
  --no-start     start no worker
  --json         one JSON object: version, ok, findings

examples:
  synapse-otp doctor
  synapse-otp doctor --cwd /srv/answers --python /srv/answers/.venv/bin/python
  synapse-otp doctor --json --no-start

Each check is ok, a warning (agents run, and something that is told is not as it
should be), a FAILURE (agents cannot run) or skipped. It ends with 1 when there
is a failure, else with 0.`;

/**
 * Creates the command.
 * @param look default: at this machine
 */
export function createDoctorCommand(look: Diagnose = diagnose): Command {
  return {
    name: "doctor",
    summary: "say whether agents can run here, and what mends it where they cannot",
    help,
    async run(words, { cwd, env, out }) {
      const { values } = parseArgs({
        args: [...words],
        options: {
          python: { type: "string" },
          cwd: { type: "string" },
          "no-start": { type: "boolean", default: false },
          json: { type: "boolean", default: false },
        },
      });
      const findings: Finding[] = [];
      const options = {
        cwd: directoryOf(values.cwd, cwd),
        env,
        start: !values["no-start"],
        ...(values.python === undefined ? {} : { interpreter: values.python }),
      };
      for await (const finding of look(options)) {
        findings.push(finding);
        if (!values.json) out(findingText(finding));
      }
      const ok = findings.every(({ status }) => status !== "failure");
      out(values.json ? jsonOf(findings, ok) : `\n${summaryText(findings)}`);
      return ok ? 0 : 1;
    },
  };
}

/** The command. */
export const doctorCommand = createDoctorCommand();

function directoryOf(given: string | undefined, cwd: string): string {
  const directory = resolve(cwd, given ?? ".");
  if (given === "" || statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalidArgument("--cwd", given, "a directory");
  }
  return directory;
}

function jsonOf(findings: readonly Finding[], ok: boolean): string {
  const plain = findings.map(({ check, status, message, fix }) => ({
    check,
    status,
    message,
    fix: fix === undefined ? null : fixSentence(fix),
    command: fix?.command ?? null,
  }));
  return JSON.stringify({ version: ownPackage.version, ok, findings: plain }, undefined, 2);
}

/** `synapse-otp doctor`: says whether agents can run here, and what mends it where they cannot. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { DiagnoseOptions } from "../doctor/diagnose.ts";
import type { Finding } from "../doctor/finding.ts";
import { invalidArgument } from "../errors.ts";
import { ownPackage } from "../python/needs.ts";
import { type Command, isSet, textOf } from "./command.ts";
import { findingText, fixSentence, summaryText } from "./finding-text.ts";

/** Looks at the machine. */
export type Diagnose = (options: DiagnoseOptions) => AsyncIterable<Finding>;

const details = `Looks at this machine as a service would meet it: Node and xstate, the
interpreter and its packages, the place of the sockets, limits, what the kernel
does for orphans, process 1, proxies. Starts one worker, with an agent that
needs no network, and stops it. Changes nothing.`;

const notes = `Each check is ok, a warning (agents run, and something that is told is not as it
should be), a FAILURE (agents cannot run) or skipped.

Exit codes: 0 agents can run, 1 there is a failure, 2 the words make no sense.`;

/**
 * Creates the command.
 * @param look default: at this machine
 */
export function createDoctorCommand(look: Diagnose = lookHere): Command {
  return {
    name: "doctor",
    summary: "say whether agents can run here, and what mends it where they cannot",
    details,
    options: [
      {
        flags: "--python <path>",
        summary: "the interpreter, a path or a name on PATH; default: searched",
        names: "file",
      },
      { flags: "--cwd <dir>", summary: "where the service runs; default: here", names: "file" },
      { flags: "--no-start", summary: "start no worker" },
      { flags: "--json", summary: "one JSON object: version, ok, findings" },
    ],
    examples: [
      "synapse-otp doctor",
      "synapse-otp doctor --cwd /srv/answers --python /srv/answers/.venv/bin/python",
      "synapse-otp doctor --json --no-start",
    ],
    notes,
    async run(words, { cwd, env, out }) {
      const python = textOf(words, "python");
      const json = isSet(words, "json");
      const findings: Finding[] = [];
      const options = {
        cwd: directoryOf(textOf(words, "cwd"), cwd),
        env,
        start: isSet(words, "start"),
        ...(python === undefined ? {} : { interpreter: python }),
      };
      for await (const finding of look(options)) {
        findings.push(finding);
        if (!json) out(findingText(finding));
      }
      const ok = findings.every(({ status }) => status !== "failure");
      out(json ? jsonOf(findings, ok) : `\n${summaryText(findings)}`);
      return ok ? 0 : 1;
    },
  };
}

async function* lookHere(options: DiagnoseOptions): AsyncIterable<Finding> {
  const { diagnose } = await import("../doctor/diagnose.ts");
  yield* diagnose(options);
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

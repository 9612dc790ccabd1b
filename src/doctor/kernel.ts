/** What Linux does for those whose parent dies: asked of the interpreter that will run the workers, for it is the one that has to reach the kernel. */

import { readFileSync } from "node:fs";
import { execa } from "execa";
import { lastWordsOf } from "../python/last-words.ts";
import type { CheckName, Finding } from "./finding.ts";

/** What was asked; a text says why it is not to be had. */
export interface KernelFacts {
  readonly platform: NodeJS.Platform;
  /** Whether the interpreter could be asked. */
  readonly asked: boolean;
  /** Whether a process may inherit the orphans below it (PR_SET_CHILD_SUBREAPER). */
  readonly subreaper: true | string;
  /** Whether a process is killed with its parent (PR_SET_PDEATHSIG). */
  readonly pdeathsig: true | string;
  /** Whether /proc/<pid>/task/<tid>/children can be read. */
  readonly children: true | string;
}

/** Runs in Python, as a process of its own: what it sets ends with it. */
const script = `
import ctypes, json, os
answer = {}
try:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    zero = ctypes.c_ulong(0)
    for name, option, value in (("subreaper", 36, 1), ("pdeathsig", 1, 9)):
        done = prctl(option, ctypes.c_ulong(value), zero, zero, zero) == 0
        answer[name] = True if done else os.strerror(ctypes.get_errno())
except Exception as error:
    answer = {"subreaper": repr(error), "pdeathsig": repr(error)}
print(json.dumps(answer))
`;

/**
 * Asks. Never rejects.
 * @param interpreter absolute path; undefined where there is none to ask
 * @param timeoutMs how long it may take; it is killed then
 */
export async function lookAtKernel(
  interpreter: string | undefined,
  { cwd, env, timeoutMs = 30_000 }: { cwd: string; env: Readonly<Record<string, string>>; timeoutMs?: number },
): Promise<KernelFacts> {
  const { platform } = process;
  const nothing = { platform, asked: false, subreaper: "", pdeathsig: "", children: "" } as const;
  if (platform !== "linux") return nothing;
  const children = readChildren();
  if (interpreter === undefined) return { ...nothing, children };
  const options = { cwd, env, extendEnv: false, stdin: "ignore", reject: false, killSignal: "SIGKILL" } as const;
  const result = await execa(interpreter, ["-P", "-c", script], { ...options, timeout: timeoutMs });
  const said = readAnswer(result.stdout);
  const why = lastWordsOf(result.stderr.split("\n")) ?? "the interpreter did not answer";
  return { platform, asked: true, subreaper: said?.subreaper ?? why, pdeathsig: said?.pdeathsig ?? why, children };
}

/** Judges what it may do. */
export function judgeKernel(facts: KernelFacts): readonly Finding[] {
  const finding = (check: CheckName, found: true | string, what: string, without: string, before: string): Finding => {
    if (facts.platform !== "linux") {
      return { check, status: "skipped", message: `${what} is Linux's alone; on ${facts.platform} ${without}` };
    }
    if (!facts.asked && check !== "children") {
      return { check, status: "skipped", message: "it is not looked at without an interpreter" };
    }
    if (found === true) return { check, status: "ok", message: `${what} can be had` };
    return { check, status: "warning", message: `${what} cannot be had (${found}): ${without}`, fix: { before } };
  };
  return [
    finding(
      "subreaper",
      facts.subreaper,
      "PR_SET_CHILD_SUBREAPER, by which a process inherits the orphans below it,",
      "process 1 inherits what a killed worker has started",
      allowPrctl,
    ),
    finding(
      "pdeathsig",
      facts.pdeathsig,
      "PR_SET_PDEATHSIG, by which a worker is killed with its host,",
      "a worker ends itself when its host is gone, which one that is stuck in native code does not",
      allowPrctl,
    ),
    finding(
      "children",
      facts.children,
      "/proc/<pid>/task/<tid>/children, which names what a process has started,",
      "what descends from a process is looked for among all processes",
      "mount /proc in the container, on a kernel with CONFIG_PROC_CHILDREN",
    ),
  ];
}

const allowPrctl =
  "let the sandbox allow prctl (Docker's own seccomp profile does), and use a Python that has ctypes (libffi when it is built)";

function readChildren(): true | string {
  try {
    readFileSync(`/proc/${process.pid}/task/${process.pid}/children`);
    return true;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function readAnswer(stdout: string): { subreaper: true | string; pdeathsig: true | string } | undefined {
  try {
    // A site customisation may have printed before.
    const value: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    if (typeof value !== "object" || value === null) return undefined;
    const { subreaper, pdeathsig } = value as Record<string, unknown>;
    return { subreaper: subreaper === true || String(subreaper), pdeathsig: pdeathsig === true || String(pdeathsig) };
  } catch {
    return undefined; // It did not get as far as the answer; its stderr says why.
  }
}

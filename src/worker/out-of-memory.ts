/** Whether a worker ended because memory was short, by evidence: what the kernel counts, or what the process said last. */

import { readFileSync } from "node:fs";
import type { WorkerExitCause } from "../crash.ts";

/** What a process says that cannot get memory: Python's exception, C++'s, the C library's words, and Rust's. */
const lastWords = /^(?:MemoryError\b|.*std::bad_alloc|.*Cannot allocate memory|memory allocation of \d+ bytes failed)/;
/** The exception that ended a process is at the very end of what it said. */
const lastLines = 5;

/** How many processes of a worker's memory cgroup the kernel has killed, looked at now and then: what counts is a rise since the last look. */
export class OomKills {
  readonly #find: () => OomKillCounter | undefined;
  #counter: OomKillCounter | undefined;

  /** @param find answers the counter of the cgroup that the worker is in at that moment */
  constructor(find: () => OomKillCounter | undefined) {
    this.#find = find;
    this.#counter = find();
  }

  /** Takes the count of now as the one to compare with. */
  look(): void {
    this.#counter = this.#find();
  }

  /** Whether it has risen since the last look. */
  rose(): boolean {
    const counter = this.#counter;
    const now = counter?.now();
    return counter !== undefined && now !== undefined && now > counter.seen;
  }
}

/** The count of a memory cgroup. */
export interface OomKillCounter {
  /** What it was when it was found. */
  readonly seen: number;
  /** What it is now, also when the process is gone. */
  now(): number | undefined;
}

/** The count of a live process's memory cgroup; Linux with cgroup v2 or v1, elsewhere it is unknown. */
export function oomKillCounter(pid: number): OomKillCounter | undefined {
  const files = process.platform === "linux" ? counterFiles(read(`/proc/${pid}/cgroup`) ?? "") : [];
  for (const file of files) {
    const seen = countIn(read(file));
    if (seen !== undefined) return { seen, now: () => countIn(read(file)) };
  }
  return undefined;
}

/** Where the count may be, by the lines of /proc/<pid>/cgroup. In a container without a cgroup namespace the path is the host's, and the root its own. */
export function counterFiles(cgroup: string): string[] {
  return cgroup.split("\n").flatMap((line) => {
    const [, controllers = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const folder = path === "/" ? "" : path;
    if (line.startsWith("0::")) return [`/sys/fs/cgroup${folder}/memory.events`, "/sys/fs/cgroup/memory.events"];
    if (!controllers.split(",").includes("memory")) return [];
    return [`/sys/fs/cgroup/memory${folder}/memory.oom_control`, "/sys/fs/cgroup/memory/memory.oom_control"];
  });
}

function countIn(text: string | undefined): number | undefined {
  const [, count] = /^oom_kill (\d+)$/m.exec(text ?? "") ?? [];
  return count === undefined ? undefined : Number(count);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // There is none of this kind.
  }
}

/** An exit that nobody of ours has made, with what is known of it. */
export interface UnaskedExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderrTail: readonly string[];
  /** Whether the kernel has killed something of its cgroup since the worker was last looked at. */
  readonly oomKilled: boolean;
}

/** The cause of an exit, once the evidence of a shortage of memory has been heard. A SIGKILL without evidence stays a signal from somebody. */
export function withOutOfMemory(cause: WorkerExitCause, exit: UnaskedExit): WorkerExitCause {
  const said = () => exit.stderrTail.slice(-lastLines).some((line) => lastWords.test(line));
  if (cause === "signaled") {
    if (exit.signal === "SIGKILL") return exit.oomKilled ? "out_of_memory" : cause;
    return exit.signal === "SIGABRT" && said() ? "out_of_memory" : cause;
  }
  return cause === "exited" && exit.code !== 0 && said() ? "out_of_memory" : cause;
}

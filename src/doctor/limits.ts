/** What the system lets this user's programs have: open files, processes, a mark on what workers start, memory. */

import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { execa } from "execa";
import type { Finding } from "./finding.ts";

/** Limits; Infinity where there is none, undefined where it is not known. */
export interface LimitFacts {
  /** Files that this program may have open. Node raises it to the hard limit, and workers inherit it. */
  readonly files: number | undefined;
  /** Processes and threads of this user. */
  readonly processes: number | undefined;
  /** Processes and threads that the control group has left. */
  readonly groupProcesses: number | undefined;
  /** The hard limit of file locks, by which what a worker starts is marked as its own. Linux only. */
  readonly locks: number | undefined;
  /** Memory of the control group, in bytes. */
  readonly memoryBytes: number | undefined;
  /** Whether the kernel kills the whole group when it is out of memory. */
  readonly killsGroup: boolean;
}

/** Reads them. */
export async function lookAtLimits(): Promise<LimitFacts> {
  const { files, processes, locks } = (await ownLimits()) ?? {};
  const memoryBytes = process.constrainedMemory();
  return {
    files,
    processes: process.geteuid?.() === 0 ? Number.POSITIVE_INFINITY : processes,
    groupProcesses: groupProcesses(),
    locks,
    memoryBytes: memoryBytes > 0 && memoryBytes < totalmem() ? memoryBytes : Number.POSITIVE_INFINITY,
    killsGroup: readGroup("memory.oom.group") === "1",
  };
}

/** Judges them. */
export function judgeLimits(facts: LimitFacts): readonly Finding[] {
  return [judgeFiles(facts), judgeProcesses(facts), judgeLocks(facts), judgeMemory(facts)];
}

function judgeFiles({ files }: LimitFacts): Finding {
  const check = "files";
  if (files === undefined) return unknown(check, "the limit of open files");
  const message = `${countOf(files)} files may be open at once; the host holds five for each worker`;
  const fix = { before: "raise the limit: LimitNOFILE=65536 in systemd, --ulimit nofile=65536 in Docker" };
  if (files < 128) return { check, status: "failure", message, fix };
  return files < 1_024 ? { check, status: "warning", message, fix } : { check, status: "ok", message };
}

function judgeProcesses({ processes, groupProcesses: left }: LimitFacts): Finding {
  const check = "processes";
  if (processes === undefined && left === undefined) return unknown(check, "the limit of processes");
  const least = Math.min(processes ?? Number.POSITIVE_INFINITY, left ?? Number.POSITIVE_INFINITY);
  const isGroup = left !== undefined && left === least && left !== Number.POSITIVE_INFINITY;
  const message = isGroup
    ? `the control group has room for ${countOf(least)} more processes and threads; a worker has a dozen and more`
    : `this user may have ${countOf(least)} processes and threads; a worker has a dozen and more`;
  const before = isGroup
    ? "raise the limit: TasksMax=4096 in systemd, --pids-limit 4096 in Docker"
    : "raise the limit: LimitNPROC=4096 in systemd, --ulimit nproc=4096 in Docker";
  if (least < 64) return { check, status: "failure", message, fix: { before } };
  return least < 512 ? { check, status: "warning", message, fix: { before } } : { check, status: "ok", message };
}

function judgeLocks({ locks }: LimitFacts): Finding {
  const check = "locks";
  if (locks === undefined) return unknown(check, "the limit of file locks (RLIMIT_LOCKS, on Linux only)");
  if (locks === Number.POSITIVE_INFINITY) {
    return { check, status: "ok", message: "RLIMIT_LOCKS is free to mark what a process starts as its own" };
  }
  return {
    check,
    status: "warning",
    message: `the hard RLIMIT_LOCKS is ${locks}: what a worker starts cannot be marked by it as its own`,
    fix: {
      before: "lift the limit, which Linux itself ignores: LimitLOCKS=infinity in systemd, --ulimit locks=-1 in Docker",
    },
  };
}

function judgeMemory({ memoryBytes, killsGroup }: LimitFacts): Finding {
  const check = "memory";
  if (memoryBytes === undefined) return unknown(check, "the memory limit");
  const limit = memoryBytes === Number.POSITIVE_INFINITY ? undefined : `${Math.floor(memoryBytes / 2 ** 20)} MiB`;
  const message =
    limit === undefined
      ? "no control group limits the memory"
      : `the control group has ${limit} of memory for the host and all workers`;
  const fix = {
    before: "give it more: MemoryMax= in systemd, --memory in Docker, resources.limits.memory in Kubernetes",
  };
  if (memoryBytes < 192 * 2 ** 20) return { check, status: "failure", message, fix };
  if (memoryBytes < 512 * 2 ** 20) return { check, status: "warning", message, fix };
  if (limit === undefined || !killsGroup) return { check, status: "ok", message };
  return {
    check,
    status: "warning",
    message: `${message}; at the limit the kernel kills all of them, not one worker (memory.oom.group)`,
    fix: { before: "leave room below the limit; on a kubelet of your own, set singleProcessOOMKill: true" },
  };
}

function unknown(check: "files" | "processes" | "locks" | "memory", what: string): Finding {
  return { check, status: "skipped", message: `${what} is not known on this system` };
}

function countOf(limit: number): string {
  return limit === Number.POSITIVE_INFINITY ? "any number of" : limit.toLocaleString("en");
}

async function ownLimits(): Promise<{ files?: number; processes?: number; locks?: number } | undefined> {
  const text = readText("/proc/self/limits");
  if (text !== undefined) return readLimits(text);
  // Not Linux: a shell knows. What it prints instead of a number is no limit.
  const result = await execa("/bin/sh", ["-c", "ulimit -n; ulimit -u"], { reject: false, timeout: 5_000 });
  const [files, processes] = result.stdout.split("\n");
  if (files === undefined || files === "") return undefined;
  return { files: limitOf(files), ...(processes === undefined ? {} : { processes: limitOf(processes) }) };
}

/** Reads /proc/self/limits: soft limits of files and processes, the hard one of file locks. */
export function readLimits(text: string): { files?: number; processes?: number; locks?: number } {
  const of = (name: string, column: 1 | 2) => {
    const value = new RegExp(`^${name} +(\\S+) +(\\S+)`, "m").exec(text)?.[column];
    return value === undefined ? undefined : limitOf(value);
  };
  const [files, processes, locks] = [of("Max open files", 1), of("Max processes", 1), of("Max file locks", 2)];
  return {
    ...(files === undefined ? {} : { files }),
    ...(processes === undefined ? {} : { processes }),
    ...(locks === undefined ? {} : { locks }),
  };
}

function limitOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}

function groupProcesses(): number | undefined {
  const max = readGroup("pids.max");
  if (max === undefined) return undefined;
  return limitOf(max) - Number(readGroup("pids.current") ?? 0);
}

/** A file of this process's control group, of version 2. */
function readGroup(file: string): string | undefined {
  const path = /^0::(.*)$/m.exec(readText("/proc/self/cgroup") ?? "")?.[1];
  return path === undefined ? undefined : readText(`/sys/fs/cgroup${path}/${file}`)?.trim();
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Another system, or not mounted here.
  }
}

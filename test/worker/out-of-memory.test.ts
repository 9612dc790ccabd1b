import { expect, test } from "vitest";
import {
  counterFiles,
  OomKills,
  oomKillCounter,
  type UnaskedExit,
  withOutOfMemory,
} from "../../src/worker/out-of-memory.ts";

const exit: UnaskedExit = { code: null, signal: null, stderrTail: [], oomKilled: false };

test.each<[string, Parameters<typeof withOutOfMemory>[0], Partial<UnaskedExit>, string]>([
  ["a SIGKILL when the kernel has killed", "signaled", { signal: "SIGKILL", oomKilled: true }, "out_of_memory"],
  ["a SIGKILL when it has not", "signaled", { signal: "SIGKILL" }, "signaled"],
  ["another signal when it has", "signaled", { signal: "SIGTERM", oomKilled: true }, "signaled"],
  ["our own kill when it has", "killed", { signal: "SIGKILL", oomKilled: true }, "killed"],
  ["a code after a MemoryError", "exited", { code: 1, stderrTail: ["Traceback", "MemoryError"] }, "out_of_memory"],
  ["a code after another error", "exited", { code: 1, stderrTail: ["ValueError: MemoryError"] }, "exited"],
  ["code 0 whatever was said", "exited", { code: 0, stderrTail: ["MemoryError"] }, "exited"],
  [
    "an abort of C++ for want of memory",
    "signaled",
    { signal: "SIGABRT", stderrTail: ["terminate called after throwing an instance of 'std::bad_alloc'", "  what()"] },
    "out_of_memory",
  ],
  [
    "an abort of Rust for want of memory",
    "signaled",
    { signal: "SIGABRT", stderrTail: ["memory allocation of 1048576 bytes failed"] },
    "out_of_memory",
  ],
  ["another abort", "signaled", { signal: "SIGABRT", stderrTail: ["assertion failed"] }, "signaled"],
])("%s", (_what, cause, facts, expected) => {
  expect(withOutOfMemory(cause, { ...exit, ...facts })).toBe(expected);
});

test("only a rise since the last look is evidence", () => {
  let count: number | undefined = 3;
  const kills = new OomKills(() => (count === undefined ? undefined : { seen: count, now: () => count }));
  expect(kills.rose()).toBe(false);
  count = 4;
  expect(kills.rose()).toBe(true);
  kills.look();
  expect(kills.rose()).toBe(false);
  count = undefined;
  expect(kills.rose()).toBe(false);
});

test("the count is looked for where the process's cgroup is, and at the root that a container sees", () => {
  expect(counterFiles("0::/system.slice/app.service\n")).toEqual([
    "/sys/fs/cgroup/system.slice/app.service/memory.events",
    "/sys/fs/cgroup/memory.events",
  ]);
  expect(counterFiles("5:devices:/\n4:memory:/app\n0::/\n")).toEqual([
    "/sys/fs/cgroup/memory/app/memory.oom_control",
    "/sys/fs/cgroup/memory/memory.oom_control",
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/memory.events",
  ]);
  expect(counterFiles("")).toEqual([]);
});

test("the count of a process that is gone is unknown", () => {
  expect(oomKillCounter(2 ** 22 + 1)).toBeUndefined();
});

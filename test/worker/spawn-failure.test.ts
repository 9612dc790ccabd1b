import { expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import type { WorkerSpec } from "../../src/worker/launcher.ts";
import { describeSpawnFailure } from "../../src/worker/spawn-failure.ts";

const spec: WorkerSpec = {
  agentId: "a",
  incarnation: 1,
  interpreter: "/usr/bin/python3",
  entry: "a.py:agent",
  cwd: "/",
  env: { SMALL: "1", LARGE: "1234567890" },
  startTimeoutMs: 1,
  maxMessageBytes: 1,
  onLog: () => undefined,
};
const systemError = (code: string) => Object.assign(new Error(`spawn ${code}`), { code });

test.each(["EAGAIN", "EMFILE", "ENOEXEC", "EACCES"])("%s is told in the system's word", (code) => {
  expect(describeSpawnFailure(spec, systemError(code))).toEqual({
    detail: `"/usr/bin/python3" could not be started: spawn ${code}`,
    errno: code,
  });
});

test("the word is found behind what it caused", () => {
  const error = new WorkerError("worker_spawn_failed", "no directory could be made", { cause: systemError("ENOSPC") });
  expect(describeSpawnFailure(spec, error)).toEqual({
    detail: '"/usr/bin/python3" could not be started: no directory could be made',
    errno: "ENOSPC",
  });
});

test("an environment that is too large is told with its largest variable, without the value", () => {
  const { detail } = describeSpawnFailure(spec, systemError("E2BIG"));
  expect(detail).toMatch(/spawn E2BIG; its environment has 23 bytes, 16 of them in LARGE$/);
  expect(detail).not.toContain("1234567890");
});

test("a working directory that is missing is what is wrong, whatever Node says", () => {
  const cwd = "/nowhere/at/all";
  expect(describeSpawnFailure({ ...spec, cwd }, systemError("ENOENT"))).toEqual({
    detail: '"/usr/bin/python3" could not be started in "/nowhere/at/all", because that is no directory',
    errno: "ENOENT",
  });
});

test("what the system has not refused has no word of it", () => {
  const error = Object.assign(new TypeError("bad argument"), { code: "ERR_INVALID_ARG_VALUE" });
  expect(describeSpawnFailure(spec, error).errno).toBeUndefined();
  expect(describeSpawnFailure(spec, "odd").detail).toContain("could not be started: odd");
});

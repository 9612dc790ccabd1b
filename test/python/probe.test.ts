import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { probeInterpreter } from "../../src/python/probe.ts";
import { realPython, usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();
const env = { PATH: "/usr/bin:/bin" };

test("the real python3 says what it is, importing nothing heavy", async () => {
  const result = await probeInterpreter(room.venv("venv"), { cwd: room.path("."), env });
  // The stand-ins raise when they are imported.
  expect(result).toMatchObject({
    answer: { executable: room.path("venv/bin/python"), inVirtualEnv: true, modules: { grpc: "9.8.7" } },
  });
  const bare = await probeInterpreter(realPython, { cwd: room.path("."), env });
  expect(bare).toMatchObject({ answer: { inVirtualEnv: false, modules: { grpc: undefined } } });
});

test("what a site customisation prints does not disturb the answer", async () => {
  writeFileSync(room.path("sitecustomize.py"), "import sys\nprint('hello')\nprint('synapse', end='')\n");
  const result = await probeInterpreter(realPython, {
    cwd: room.path("."),
    env: { ...env, PYTHONPATH: room.path(".") },
  });
  expect(result).toHaveProperty("answer");
});

test("an interpreter that hangs is killed with what it has started", async () => {
  const script = room.script("hangs", `sleep 60 &\necho $! > '${room.path("pid")}'\nwait`);
  expect(await probeInterpreter(script, { cwd: room.path("."), env }, 300)).toEqual({
    failure: "it did not answer within 300 ms",
  });
  expect(existsSync(room.path("pid"))).toBe(true);
  const pid = Number(readFileSync(room.path("pid"), "utf8"));
  // `sleep` holds the pipes, so the answer above came after its death; init may not have reaped it yet.
  const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] : "gone";
  expect(["gone", "Z", "X"]).toContain(state);
});

test("a program that cannot be started is a failure, not a throw", async () => {
  expect(await probeInterpreter("/no/such/python", { cwd: room.path("."), env })).toEqual({
    failure: expect.stringContaining("ENOENT"),
  });
});

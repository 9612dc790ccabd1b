/** What another user of the machine can see of a worker: nothing that would let it in. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { launchFixture, pidOf, readyOf } from "./fixture-worker.ts";

const root = process.getuid?.() === 0;
/** A user that no machine gives rights to. */
const nobody = 65_534;

/** Looks at a worker as the other user does, and prints what it finds; the interpreter is the system's, which every user may run. */
const look = `
import json, os, socket, sys
path, pid = sys.argv[1], sys.argv[2]
os.setgroups([]); os.setgid(${nobody}); os.setuid(${nobody})
seen = {}
def attempt(name, act):
    try:
        seen[name] = act()
    except OSError as error:
        seen[name] = type(error).__name__
def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    return "connected"
def read(name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read().decode("utf8", "replace")
attempt("connect", connect)
attempt("list", lambda: os.listdir(os.path.dirname(path)))
attempt("open fd 3", lambda: os.open(f"/proc/{pid}/fd/3", os.O_RDWR))
for name in ("cmdline", "environ", "status", "mem"):
    attempt(name, lambda: read(name))
print(json.dumps(seen))
`;

test.skipIf(!root)(
  `another user can neither connect to a worker, nor list its directory, nor read the token in /proc${root ? "" : " (skipped: only root can become another user)"}`,
  async () => {
    const worker = launchFixture("ready");
    const { socketPath, token } = await readyOf(worker);
    const { stdout } = await promisify(execFile)("python3", ["-c", look, socketPath, String(pidOf(worker))], {
      timeout: 10_000,
    });
    const { cmdline, status, ...refused } = JSON.parse(stdout) as Record<string, string>;
    const denied = "PermissionError";
    expect(refused).toEqual({ connect: denied, list: denied, "open fd 3": denied, environ: denied, mem: denied });
    // These two are open to everybody: it did look at the worker, and the token is not there.
    expect(cmdline).toBe(readFileSync(`/proc/${pidOf(worker)}/cmdline`, "utf8"));
    expect(status).toContain(`Pid:\t${pidOf(worker)}`);
    for (const text of [cmdline, status, dirname(socketPath)]) expect(text).not.toContain(token);
    await worker.stop(5_000);
  },
);

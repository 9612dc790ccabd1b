/** What another user of the machine can see of a worker: nothing that would let it in. */

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { attemptAs, isRoot, whySkipped } from "../other-user.ts";
import { launchFixture, pidOf, readyOf } from "./fixture-worker.ts";

/** Looks at a worker. */
const look = `
path, pid = sys.argv[1], sys.argv[2]
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
`;

test.skipIf(!isRoot)(
  `another user can neither connect to a worker, nor list its directory, nor read the token in /proc${whySkipped}`,
  async () => {
    const worker = launchFixture("ready");
    const { socketPath, token } = await readyOf(worker);
    const seen = await attemptAs("nobody", look, [socketPath, String(pidOf(worker))]);
    const { cmdline, status, ...refused } = seen as Record<string, string>;
    const denied = "PermissionError";
    expect(refused).toEqual({ connect: denied, list: denied, "open fd 3": denied, environ: denied, mem: denied });
    // These two are open to everybody: it did look at the worker, and the token is not there.
    expect(cmdline).toBe(readFileSync(`/proc/${pidOf(worker)}/cmdline`, "utf8"));
    expect(status).toContain(`Pid:\t${pidOf(worker)}`);
    for (const text of [cmdline, status, dirname(socketPath)]) expect(text).not.toContain(token);
    await worker.stop(5_000);
  },
);

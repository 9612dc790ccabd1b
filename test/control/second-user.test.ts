/** What another user of the machine can do with a system's control socket: nothing. */

import { execFile } from "node:child_process";
import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { controlSocketName } from "../../src/control/protocol.ts";
import { type Controlled, type ControlServer, openControl } from "../../src/control/server.ts";
import { socketDirectories } from "../../src/worker/socket-directory.ts";

const root = process.getuid?.() === 0;
/** A user that no machine gives rights to. */
const nobody = 65_534;

/** Does as the other user, or as this one, and prints what comes of it; the interpreter is the system's, which every user may run. */
const attempts = `
import json, os, socket, sys
path, user = sys.argv[1], int(sys.argv[2])
if user: os.setgroups([]); os.setgid(user); os.setuid(user)
seen = {}
def attempt(name, act):
    try:
        seen[name] = act()
    except OSError as error:
        seen[name] = type(error).__name__
def ask():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b'{"type":"kill","agentId":"chat"}\\n')
        return client.recv(1000).decode()
attempt("ask", ask)
attempt("list", lambda: os.listdir(os.path.dirname(path)))
attempt("look", lambda: os.stat(path).st_size)
attempt("remove", lambda: os.unlink(path))
print(json.dumps(seen))
`;

let server: ControlServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function attemptAs(user: number, path: string): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)("python3", ["-c", attempts, path, String(user)], { timeout: 10_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test.skipIf(!root)(
  `another user can neither connect to a control socket, nor see or remove it${root ? "" : " (skipped: only root can become another user)"}`,
  async () => {
    const killed: string[] = [];
    const system = {
      kill: ({ agentId }: { agentId: string }) => {
        killed.push(agentId);
        return { pid: 1 };
      },
    } as unknown as Controlled;
    server = await openControl(system, () => undefined);
    const path = socketDirectories()
      .filter(({ host }) => host.pid === process.pid)
      .map((directory) => join(directory.path, controlSocketName))
      .findLast((one) => lstatSync(one, { throwIfNoEntry: false })?.isSocket() === true);
    const denied = "PermissionError";
    expect(await attemptAs(nobody, path ?? "")).toEqual({ ask: denied, list: denied, look: denied, remove: denied });
    expect(killed).toEqual([]);
    expect(lstatSync(dirname(path ?? "")).mode & 0o777).toBe(0o700);
    // It was the user, not the way of asking.
    expect(await attemptAs(0, path ?? "")).toMatchObject({ ask: '{"result":{"pid":1}}\n' });
    expect(killed).toEqual(["chat"]);
  },
);

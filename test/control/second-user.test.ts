/** What another user of the machine can do with a system's control socket: nothing. */

import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { controlSocketName } from "../../src/control/protocol.ts";
import { type Controlled, type ControlServer, openControl } from "../../src/control/server.ts";
import { socketDirectories } from "../../src/worker/socket-directory.ts";
import { attemptAs, isRoot, whySkipped } from "../other-user.ts";

/** Does what a program that knows the path can try. */
const attempts = `
path = sys.argv[1]
def ask():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b'{"type":"kill","agentId":"chat"}\\n')
        return client.recv(1000).decode()
attempt("ask", ask)
attempt("list", lambda: os.listdir(os.path.dirname(path)))
attempt("look", lambda: os.stat(path).st_size)
attempt("remove", lambda: os.unlink(path))
`;

let server: ControlServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

test.skipIf(!isRoot)(
  `another user can neither connect to a control socket, nor see or remove it${whySkipped}`,
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
    expect(await attemptAs("nobody", attempts, [path ?? ""])).toEqual({
      ask: denied,
      list: denied,
      look: denied,
      remove: denied,
    });
    expect(killed).toEqual([]);
    expect(lstatSync(dirname(path ?? "")).mode & 0o777).toBe(0o700);
    // It was the user, not the way of asking.
    expect(await attemptAs("root", attempts, [path ?? ""])).toMatchObject({ ask: '{"result":{"pid":1}}\n' });
    expect(killed).toEqual(["chat"]);
  },
);
